package org.mohawk4j.backend.nd4j;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import org.mohawk4j.tensor.DType;
import org.mohawk4j.tensor.Engine;
import org.mohawk4j.tensor.HostTensor;
import org.mohawk4j.tensor.HostTensors;
import org.mohawk4j.tensor.Shape;
import org.mohawk4j.tensor.Tensor;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/** ND4J arrays in and out, by copy and on any backend. A tensor's shape is the array's, whatever order that was in. */
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
        boolean floating = tensor.dtype().isFloating();
        DType wide = floating ? DType.FLOAT64 : DType.INT64;
        HostTensor host = HostTensors.convert(tensor.toHost(), wide);
        long[] shape = tensor.shape().toArray();
        if (!floating) {
            long[] values = new long[Math.toIntExact(tensor.shape().size())];
            host.data().asLongBuffer().get(values);
            return Nd4j.createFromArray(values).reshape('c', shape);
        }
        double[] values = new double[Math.toIntExact(tensor.shape().size())];
        host.data().asDoubleBuffer().get(values);
        INDArray array = Nd4j.createFromArray(values).reshape('c', shape);
        return tensor.dtype() == DType.FLOAT64 ? array : array.castTo(DataType.FLOAT);
    }
}
