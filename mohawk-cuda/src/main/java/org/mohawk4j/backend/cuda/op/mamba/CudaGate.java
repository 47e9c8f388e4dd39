package org.mohawk4j.backend.cuda.op.mamba;

import org.mohawk4j.backend.Array;
import org.mohawk4j.backend.cuda.compile.CudaKernels;
import org.mohawk4j.backend.cuda.memory.CudaArray;
import org.mohawk4j.backend.cuda.memory.CudaPool;
import org.mohawk4j.backend.cuda.op.tensor.ColumnSums;
import org.mohawk4j.backend.cuda.op.tensor.Conversions;
import org.mohawk4j.backend.cuda.op.tensor.CudaReductions;
import org.mohawk4j.op.GateFunction.FusedGate;
import org.mohawk4j.tensor.types.Shape;

/** The gate of a mixer's output, in one pass each way. */
public final class CudaGate implements FusedGate {
    public static final String SOURCE = "op/mamba/gate.cu";

    private final CudaPool pool;
    private final CudaKernels kernels;
    private final CudaReductions reductions;
    private final Conversions conversions;

    public CudaGate(CudaPool pool, CudaKernels kernels, CudaReductions reductions, Conversions conversions) {
        this.conversions = conversions;
        this.pool = pool;
        this.kernels = kernels;
        this.reductions = reductions;
    }

    @Override
    public Array forward(Array x, Array z, Array bias) {
        CudaArray in = CudaArray.cast(x);
        CudaArray gates = conversions.as(in.dtype(), z);
        CudaArray y = pool.take(in.dtype(), in.shape());
        kernels.get(SOURCE, "gate", in.dtype())
                .each(
                        y.size(),
                        kernels.arguments()
                                .add(in)
                                .add(gates)
                                .add(CudaArray.cast(bias))
                                .add(y)
                                .add(y.size())
                                .add(bias.shape().size()));
        pool.release(gates);
        return y;
    }

    @Override
    public Gradients backward(Array outputGradient, Array x, Array z, Array bias) {
        CudaArray in = CudaArray.cast(x);
        CudaArray gates = conversions.as(in.dtype(), z);
        CudaArray dx = pool.take(in.dtype(), in.shape());
        CudaArray dz = pool.take(in.dtype(), in.shape());
        long width = bias.shape().size();
        ColumnSums sums = new ColumnSums(pool, in.dtype(), in.size() / width, width);
        kernels.get(SOURCE, "gate_gradient", outputGradient.dtype(), in.dtype())
                .each(
                        ColumnSums.threads(sums.rows(), width),
                        kernels.arguments()
                                .add(CudaArray.cast(outputGradient))
                                .add(in)
                                .add(gates)
                                .add(CudaArray.cast(bias))
                                .add(dx)
                                .add(dz)
                                .add(sums.parts())
                                .add(sums.rows())
                                .add(width)
                                .add(ColumnSums.STRETCH));
        pool.release(gates);
        return new Gradients(dx, dz, reductions.summed(sums.parts(), Shape.of(width)));
    }
}
