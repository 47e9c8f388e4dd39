package org.mohawk4j.backend.cuda.op.linear;

import java.util.List;
import java.util.Optional;
import org.mohawk4j.backend.Array;
import org.mohawk4j.backend.cuda.compile.ElementType;
import org.mohawk4j.backend.cuda.gemm.CudaMatmul;
import org.mohawk4j.backend.cuda.gemm.GemmPlan;
import org.mohawk4j.backend.cuda.memory.CudaArray;
import org.mohawk4j.backend.cuda.memory.CudaPool;
import org.mohawk4j.backend.cuda.op.tensor.Conversions;
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
    private final CudaPool pool;
    private final CudaMatmul matmul;
    private final CudaLinear linear;
    private final Conversions conversions;

    public CudaMlp(CudaPool pool, CudaMatmul matmul, CudaLinear linear, Conversions conversions) {
        this.pool = pool;
        this.matmul = matmul;
        this.linear = linear;
        this.conversions = conversions;
    }

    @Override
    public boolean supports(Array input, Operands weights, Activation activation) {
        return activation == Activation.GELU_TANH
                && input.dtype() == DType.BFLOAT16
                && matmul.canFinish(CudaArray.cast(input), weights.first().shape())
                && matmul.canFinish(CudaArray.cast(input), weights.second().shape());
    }

    @Override
    public Result forward(Array input, Operands weights, Activation activation) {
        CudaArray x = CudaArray.cast(input);
        CudaArray first = conversions.parameter(x.dtype(), weights.first(), true);
        CudaArray second = conversions.parameter(x.dtype(), weights.second(), true);
        CudaArray before =
                pool.take(x.dtype(), Shape.of(x.shape().dim(0), first.shape().dim(0)));
        CudaArray hidden = finished(x, first, weights.firstBias(), GemmPlan.Finish.GELU_KEPT, Optional.of(before));
        CudaArray y = finished(hidden, second, weights.secondBias(), GemmPlan.Finish.BIAS, Optional.empty());
        return new Result(y, List.of(first, second, before, hidden));
    }

    private CudaArray finished(
            CudaArray x, CudaArray weight, Array bias, GemmPlan.Finish finish, Optional<CudaArray> before) {
        CudaArray shift = conversions.parameter(x.dtype(), bias, true);
        CudaArray y = matmul.finished(x, weight, shift, finish, before.orElse(null));
        pool.release(shift);
        return y;
    }

    @Override
    public Gradients backward(Array outputGradient, Array input, List<Array> saved, Activation activation) {
        CudaArray x = CudaArray.cast(input);
        CudaArray first = CudaArray.cast(saved.get(0));
        CudaArray second = CudaArray.cast(saved.get(1));
        CudaArray before = CudaArray.cast(saved.get(2));
        CudaArray hidden = CudaArray.cast(saved.get(3));
        CudaArray upstream = conversions.as(x.dtype(), outputGradient);
        DType sums = ElementType.accumulator(x.dtype());
        CudaArray ofSecond = matmul.product(upstream, true, hidden, false, sums);
        CudaArray ofSecondBias = linear.columnSums(upstream);
        CudaArray inner = inner(upstream, second, before);
        pool.release(upstream);
        CudaArray dx = matmul.product(inner, false, first, false, x.dtype());
        CudaArray ofFirst = matmul.product(inner, true, x, false, sums);
        CudaArray ofFirstBias = linear.columnSums(inner);
        pool.release(inner);
        return new Gradients(dx, ofFirst, ofFirstBias, ofSecond, ofSecondBias);
    }

    /** The gradient of what went into the gelu. */
    private CudaArray inner(CudaArray upstream, CudaArray second, CudaArray before) {
        return matmul.throughGelu(upstream, second, before).orElseGet(() -> {
            CudaArray ofHidden = matmul.product(upstream, false, second, false, before.dtype());
            CudaArray ofBefore = linear.beforeActivation(
                    ofHidden, before.dtype(), Optional.of(before), Activation.GELU_TANH, Optional.empty());
            pool.release(ofHidden);
            return ofBefore;
        });
    }
}
