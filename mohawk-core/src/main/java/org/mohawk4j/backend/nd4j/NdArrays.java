package org.mohawk4j.backend.nd4j;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.Optional;
import org.mohawk4j.backend.nd4j.array.Nd4jArray;
import org.mohawk4j.backend.nd4j.array.Nd4jPool;
import org.mohawk4j.tensor.Engine;
import org.mohawk4j.tensor.Tensor;
import org.mohawk4j.tensor.types.DType;
import org.mohawk4j.tensor.types.HostTensor;
import org.mohawk4j.tensor.types.HostTensors;
import org.mohawk4j.tensor.types.Shape;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/**
 * ND4J arrays in and out. By copy ({@link #toTensor}, {@link #toINDArray}) on any backend, a tensor's shape being the
 * array's, whatever order that was in; in place ({@link #share}) where the layouts agree.
 */
public final class NdArrays {
    private NdArrays() {}

    /** Copies an array of floating-point numbers, in the engine's type for parameters, or of integers, as int32. */
    public static Tensor toTensor(Engine engine, INDArray array) {
        boolean floating = array.dataType().isFPType();
        try (INDArray plain =
                array.castTo(floating ? DataType.DOUBLE : DataType.INT64).dup('c')) {
            ByteBuffer bytes = ByteBuffer.allocateDirect(Math.toIntExact(plain.length() * Double.BYTES))
                    .order(ByteOrder.LITTLE_ENDIAN);
            bytes.put(0, plain.data().asNio(), 0, bytes.capacity());
            HostTensor host = new HostTensor(floating ? DType.FLOAT64 : DType.INT64, Shape.of(array.shape()), bytes);
            return engine.tensor(host, floating ? engine.parameterType() : DType.INT32);
        }
    }

    /** Copies a tensor: float64 as DOUBLE, other floating-point types as FLOAT, integers as INT64. */
    public static INDArray toINDArray(Tensor tensor) {
        long[] shape = tensor.shape().toArray();
        if (!tensor.dtype().isFloating()) {
            return Nd4j.createFromArray(HostTensors.toLongs(tensor.toHost())).reshape('c', shape);
        }
        INDArray array = Nd4j.createFromArray(tensor.toDoubles()).reshape('c', shape);
        return tensor.dtype() == DType.FLOAT64 ? array : array.castTo(DataType.FLOAT);
    }

    /**
     * Whether {@link #share(Engine, INDArray)} takes this array: the engine computes with ND4J, and the array is
     * contiguous, row-major ('c'), not empty, and FLOAT, DOUBLE, INT32 or INT64. DL4J's recurrent activations are not:
     * they are column-major ('f').
     */
    public static boolean canShare(Engine engine, INDArray array) {
        return engine.backend() instanceof Nd4jBackend
                && dtype(array.dataType()).isPresent()
                && !array.isEmpty()
                && isRowMajor(array);
    }

    /**
     * A tensor on the array's own memory: what changes in one changes in the other. Nothing is copied. The memory stays
     * the array's, and lives at least as long as the tensor.
     *
     * @throws IllegalArgumentException if {@link #canShare} says no
     */
    public static Tensor share(Engine engine, INDArray array) {
        if (!canShare(engine, array)) {
            throw new IllegalArgumentException("expected a contiguous row-major array of FLOAT, DOUBLE, INT32 or INT64"
                    + " and an engine on ND4J, got " + array.dataType() + " " + Shape.of(array.shape()) + " in order '"
                    + array.ordering() + "' with strides " + Arrays.toString(array.stride()) + " on "
                    + engine.backend().name());
        }
        return engine.wrap(Nd4jPool.borrow(dtype(array.dataType()).orElseThrow(), array));
    }

    /**
     * An array on the tensor's own memory, row-major: what changes in one changes in the other. Nothing is copied. It is
     * valid until the tensor is freed, and the memory is then used again.
     *
     * @throws IllegalArgumentException if the tensor is on another backend, whose memory ND4J cannot read
     */
    public static INDArray share(Tensor tensor) {
        return Nd4jArray.values(tensor.array());
    }

    private static Optional<DType> dtype(DataType type) {
        return switch (type) {
            case FLOAT -> Optional.of(DType.FLOAT32);
            case DOUBLE -> Optional.of(DType.FLOAT64);
            case INT -> Optional.of(DType.INT32);
            case LONG -> Optional.of(DType.INT64);
            default -> Optional.empty();
        };
    }

    /** By the strides alone: the order that ND4J reports says nothing about gaps. An extent of 1 has any stride. */
    private static boolean isRowMajor(INDArray array) {
        long expected = 1;
        for (int axis = array.rank() - 1; axis >= 0; axis--) {
            if (array.size(axis) > 1 && array.stride(axis) != expected) {
                return false;
            }
            expected *= array.size(axis);
        }
        return true;
    }
}
