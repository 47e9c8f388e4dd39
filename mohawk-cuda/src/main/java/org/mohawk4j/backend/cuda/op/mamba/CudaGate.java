package org.mohawk4j.backend.cuda.op.mamba;

import org.mohawk4j.backend.Array;
import org.mohawk4j.backend.cuda.memory.CudaArray;
import org.mohawk4j.backend.cuda.op.Gpu;
import org.mohawk4j.backend.cuda.op.tensor.ColumnSums;
import org.mohawk4j.op.GateFunction.FusedGate;
import org.mohawk4j.tensor.types.Shape;

/** The gate of a mixer's output, in one pass each way. */
public final class CudaGate implements FusedGate {
    public static final String SOURCE = "op/mamba/gate.cu";

    private final Gpu gpu;

    public CudaGate(Gpu gpu) {
        this.gpu = gpu;
    }

    @Override
    public Array forward(Array x, Array z, Array bias) {
        CudaArray in = CudaArray.cast(x);
        CudaArray gates = gpu.as(in.dtype(), z);
        CudaArray y = gpu.take(in.dtype(), in.shape());
        gpu.kernel(SOURCE, "gate", in.dtype())
                .each(
                        y.size(),
                        gpu.arguments()
                                .add(in, gates, bias, y)
                                .add(y.size())
                                .add(bias.shape().size()));
        gpu.release(gates);
        return y;
    }

    @Override
    public Gradients backward(Array outputGradient, Array x, Array z, Array bias) {
        CudaArray in = CudaArray.cast(x);
        CudaArray gates = gpu.as(in.dtype(), z);
        CudaArray dx = gpu.take(in.dtype(), in.shape());
        CudaArray dz = gpu.take(in.dtype(), in.shape());
        long width = bias.shape().size();
        ColumnSums sums = new ColumnSums(gpu.pool(), in.dtype(), in.size() / width, width);
        gpu.kernel(SOURCE, "gate_gradient", outputGradient.dtype(), in.dtype())
                .each(
                        ColumnSums.threads(sums.rows(), width),
                        gpu.arguments()
                                .add(outputGradient, in, gates, bias, dx, dz)
                                .add(sums.parts())
                                .add(sums.rows())
                                .add(width)
                                .add(ColumnSums.STRETCH));
        gpu.release(gates);
        return new Gradients(dx, dz, gpu.reductions().summed(sums.parts(), Shape.of(width)));
    }
}
