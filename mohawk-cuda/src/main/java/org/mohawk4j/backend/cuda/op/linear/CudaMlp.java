package org.mohawk4j.backend.cuda.op.linear;

import java.util.List;
import java.util.Optional;
import org.mohawk4j.backend.Array;
import org.mohawk4j.backend.cuda.compile.ElementType;
import org.mohawk4j.backend.cuda.gemm.GemmPlan;
import org.mohawk4j.backend.cuda.memory.CudaArray;
import org.mohawk4j.backend.cuda.op.Gpu;
import org.mohawk4j.op.Activation;
import org.mohawk4j.op.MlpFunction.FusedMlp;
import org.mohawk4j.tensor.types.DType;
import org.mohawk4j.tensor.types.Shape;

/**
 * Two linear maps in bfloat16, all of which is trained, with tanh-gelu between, whose slope cuBLASLt applies to the product that passes the
 * gradient back through the second one. Saves both weights as they were multiplied, what went into the gelu and what came
 * out of it.
 */
public final class CudaMlp implements FusedMlp {
    private final Gpu gpu;
    private final CudaLinear linear;

    public CudaMlp(Gpu gpu, CudaLinear linear) {
        this.gpu = gpu;
        this.linear = linear;
    }

    @Override
    public boolean supports(Array input, Operands weights, Activation activation) {
        return activation == Activation.GELU_TANH
                && input.dtype() == DType.BFLOAT16
                && gpu.matmul().canFinish(CudaArray.cast(input), weights.first().shape())
                && gpu.matmul()
                        .canFinish(CudaArray.cast(input), weights.second().shape());
    }

    @Override
    public Result forward(Array input, Operands weights, Activation activation) {
        CudaArray x = CudaArray.cast(input);
        CudaArray first = gpu.parameter(x.dtype(), weights.first(), true);
        CudaArray second = gpu.parameter(x.dtype(), weights.second(), true);
        CudaArray before =
                gpu.take(x.dtype(), Shape.of(x.shape().dim(0), first.shape().dim(0)));
        CudaArray hidden = finished(x, first, weights.firstBias(), GemmPlan.Finish.GELU_KEPT, Optional.of(before));
        CudaArray y = finished(hidden, second, weights.secondBias(), GemmPlan.Finish.BIAS, Optional.empty());
        return new Result(y, List.of(first, second, before, hidden));
    }

    private CudaArray finished(
            CudaArray x, CudaArray weight, Array bias, GemmPlan.Finish finish, Optional<CudaArray> before) {
        CudaArray shift = gpu.parameter(x.dtype(), bias, true);
        CudaArray y = gpu.matmul().finished(x, weight, shift, finish, before.orElse(null));
        gpu.release(shift);
        return y;
    }

    @Override
    public Gradients backward(Array outputGradient, Array input, List<Array> saved, Activation activation) {
        CudaArray x = CudaArray.cast(input);
        CudaArray first = CudaArray.cast(saved.get(0));
        CudaArray second = CudaArray.cast(saved.get(1));
        CudaArray before = CudaArray.cast(saved.get(2));
        CudaArray hidden = CudaArray.cast(saved.get(3));
        CudaArray upstream = gpu.as(x.dtype(), outputGradient);
        DType sums = ElementType.accumulator(x.dtype());
        CudaArray ofSecond = gpu.matmul().product(upstream, true, hidden, false, sums);
        CudaArray ofSecondBias = linear.columnSums(upstream);
        CudaArray inner = inner(upstream, second, before);
        gpu.release(upstream);
        CudaArray dx = gpu.matmul().product(inner, false, first, false, x.dtype());
        CudaArray ofFirst = gpu.matmul().product(inner, true, x, false, sums);
        CudaArray ofFirstBias = linear.columnSums(inner);
        gpu.release(inner);
        return new Gradients(dx, ofFirst, ofFirstBias, ofSecond, ofSecondBias);
    }

    /** The gradient of what went into the gelu. */
    private CudaArray inner(CudaArray upstream, CudaArray second, CudaArray before) {
        return gpu.matmul().throughGelu(upstream, second, before).orElseGet(() -> {
            CudaArray ofHidden = gpu.matmul().product(upstream, false, second, false, before.dtype());
            CudaArray ofBefore = linear.beforeActivation(
                    ofHidden, before.dtype(), Optional.of(before), Activation.GELU_TANH, Optional.empty());
            gpu.release(ofHidden);
            return ofBefore;
        });
    }
}
