package org.mohawk4j.backend.cuda.op.linear;

import java.util.List;
import org.mohawk4j.backend.Array;
import org.mohawk4j.backend.cuda.compile.CudaKernels;
import org.mohawk4j.backend.cuda.compile.ElementType;
import org.mohawk4j.backend.cuda.memory.CudaArray;
import org.mohawk4j.backend.cuda.op.Gpu;
import org.mohawk4j.op.Activation;
import org.mohawk4j.op.glu.GluFunction.FusedGlu;
import org.mohawk4j.tensor.types.DType;

/** The middle of a gated MLP in one pass each way; saves nothing. */
public final class CudaGlu implements FusedGlu {
    private static final String SOURCE = "op/linear/glu.cu";

    private final Gpu gpu;

    public CudaGlu(Gpu gpu) {
        this.gpu = gpu;
    }

    @Override
    public boolean supports(Activation activation) {
        return true;
    }

    @Override
    public Result forward(Array gate, Array up, Activation activation) {
        DType dtype = ElementType.wider(gate.dtype(), up.dtype());
        CudaArray gates = gpu.as(dtype, gate);
        CudaArray ups = gpu.as(dtype, up);
        CudaArray y = gpu.take(dtype, gate.shape());
        gpu.kernel(SOURCE, "glu", dtype)
                .overlapping()
                .each(
                        CudaKernels.fours(y.size()),
                        gpu.arguments().add(gates, ups, y).add(y.size()).add(CudaLinear.code(activation)));
        gpu.release(gates);
        gpu.release(ups);
        return new Result(y, List.of());
    }

    @Override
    public Gradients backward(Array outputGradient, Array gate, Array up, List<Array> saved, Activation activation) {
        DType dtype = ElementType.wider(gate.dtype(), up.dtype());
        CudaArray gates = gpu.as(dtype, gate);
        CudaArray ups = gpu.as(dtype, up);
        CudaArray ofGate = gpu.take(dtype, gate.shape());
        CudaArray ofUp = gpu.take(dtype, up.shape());
        gpu.kernel(SOURCE, "glu_gradient", outputGradient.dtype(), dtype)
                .each(
                        CudaKernels.fours(ofUp.size()),
                        gpu.arguments()
                                .add(outputGradient, gates, ups, ofGate, ofUp)
                                .add(ofUp.size())
                                .add(CudaLinear.code(activation)));
        gpu.release(gates);
        gpu.release(ups);
        return new Gradients(gpu.into(gate.dtype(), ofGate), gpu.into(up.dtype(), ofUp));
    }
}
