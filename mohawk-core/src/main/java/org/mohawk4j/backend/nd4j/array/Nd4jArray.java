package org.mohawk4j.backend.nd4j.array;

import org.mohawk4j.backend.Array;
import org.mohawk4j.tensor.types.DType;
import org.mohawk4j.tensor.types.Shape;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;

/** A contiguous row-major stretch of a pooled block. */
public final class Nd4jArray implements Array {
    private final Nd4jPool.Block block;
    private final long offset;
    private final DType dtype;
    private final Shape shape;

    /** @param offset of the first element in the block */
    public Nd4jArray(Nd4jPool.Block block, long offset, DType dtype, Shape shape) {
        this.block = block;
        this.offset = offset;
        this.dtype = dtype;
        this.shape = shape;
    }

    public static INDArray values(Array array) {
        return cast(array).values();
    }

    /** The numbers in another shape of the same size. */
    public static INDArray shaped(Array array, long... dims) {
        return cast(array).shaped(dims);
    }

    /** The numbers in rows of the last extent. */
    public static INDArray rows(Array array) {
        long width = array.shape().dim(-1);
        return cast(array).shaped(array.shape().size() / width, width);
    }

    /** The numbers in one row. */
    public static INDArray flat(Array array) {
        return cast(array).shaped(array.shape().size());
    }

    /** A stretch of the numbers in one row. */
    public static INDArray stretch(Array array, long from, long count) {
        Nd4jArray own = cast(array);
        return own.block.array(own.offset + from, Shape.of(count));
    }

    public static Nd4jArray cast(Array array) {
        if (array instanceof Nd4jArray own) {
            return own;
        }
        throw new IllegalArgumentException(
                "an array of " + array.getClass().getSimpleName() + " was given to the nd4j backend");
    }

    public static DataType dataType(DType dtype) {
        return switch (dtype) {
            case FLOAT64 -> DataType.DOUBLE;
            case FLOAT32 -> DataType.FLOAT;
            case INT32 -> DataType.INT32;
            case INT64 -> DataType.INT64;
            case FLOAT16, BFLOAT16 ->
                throw new IllegalArgumentException("the nd4j backend computes in FLOAT32 and FLOAT64, not " + dtype);
        };
    }

    public INDArray values() {
        return block.array(offset, shape);
    }

    public INDArray shaped(long... dims) {
        return shaped(Shape.of(dims));
    }

    public INDArray shaped(Shape other) {
        return block.array(offset, other);
    }

    /** Part of this, or this in another shape, on the same block. */
    public Nd4jArray view(long from, Shape part) {
        block.share();
        return new Nd4jArray(block, offset + from, dtype, part);
    }

    /** Of the first number in memory, on the CPU. */
    public long address() {
        return block.address() + offset * dtype.bytes();
    }

    public Nd4jPool.Block block() {
        return block;
    }

    public long offset() {
        return offset;
    }

    @Override
    public DType dtype() {
        return dtype;
    }

    @Override
    public Shape shape() {
        return shape;
    }
}
