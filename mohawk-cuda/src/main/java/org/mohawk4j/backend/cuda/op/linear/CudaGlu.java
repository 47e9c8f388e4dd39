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
import org.mohawk4j.tensor.types.Shape;

/** The middle of a gated MLP in one pass each way; saves nothing. */
public final class CudaGlu implements FusedGlu {
    private static final String SOURCE = "op/linear/glu.cu";
    private static final int VECTOR_BYTES = 16;
    private static final long VECTOR = VECTOR_BYTES / 2;

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
        if (inVectors(y.size(), gates, ups, y)) {
            rows(gates.address(), ups.address(), y, 1, y.size(), y.size(), activation);
        } else {
            gpu.kernel(SOURCE, "glu", dtype)
                    .overlapping()
                    .each(
                            CudaKernels.fours(y.size()),
                            gpu.arguments().add(gates, ups, y).add(y.size()).add(CudaLinear.code(activation)));
        }
        gpu.release(gates);
        gpu.release(ups);
        return new Result(y, List.of());
    }

    /** Whether rows of this width of bfloat16 lie so that eight neighbors may be moved at once. */
    private static boolean inVectors(long width, CudaArray... arrays) {
        boolean all = width % VECTOR == 0;
        for (CudaArray array : arrays) {
            all &= array.dtype() == DType.BFLOAT16 && array.address() % VECTOR_BYTES == 0;
        }
        return all;
    }

    /** Whether {@link #ofRows} can be asked for. */
    static boolean fitsRows(long width) {
        return width % VECTOR == 0;
    }

    /**
     * Of rows that hold both.
     *
     * @param both [R, 2F], gate and up, memory of its own
     * @return [R,F]
     */
    CudaArray ofRows(CudaArray both, Activation activation) {
        long rows = both.shape().dim(0);
        long width = both.shape().dim(1) / 2;
        CudaArray y = gpu.take(DType.BFLOAT16, Shape.of(rows, width));
        rows(both.address(), both.address() + width * Short.BYTES, y, rows, width, 2 * width, activation);
        return y;
    }

    private void rows(long gate, long up, CudaArray y, long rows, long width, long stride, Activation activation) {
        gpu.kernel(SOURCE, "glu_rows", DType.BFLOAT16)
                .overlapping()
                .each(
                        y.size() / VECTOR,
                        gpu.arguments()
                                .add(gate)
                                .add(up)
                                .add(y)
                                .add(rows)
                                .add(width)
                                .add(stride)
                                .add(CudaLinear.code(activation)));
    }

    /**
     * The gradient of such rows.
     *
     * @param outputGradient [R,F] in bfloat16
     * @param both as {@link #ofRows} had it
     */
    CudaArray gradientOfRows(CudaArray outputGradient, CudaArray both, Activation activation) {
        CudaArray result = gpu.take(DType.BFLOAT16, both.shape());
        gpu.kernel(SOURCE, "glu_rows_gradient", DType.BFLOAT16)
                .each(
                        outputGradient.size() / VECTOR,
                        gpu.arguments()
                                .add(outputGradient, both, result)
                                .add(outputGradient.shape().dim(0))
                                .add(outputGradient.shape().dim(1))
                                .add(CudaLinear.code(activation)));
        return result;
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
