package org.mohawk4j.backend.cuda.op.linear;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.mohawk4j.backend.Array;
import org.mohawk4j.backend.cuda.compile.CudaKernels;
import org.mohawk4j.backend.cuda.compile.ElementType;
import org.mohawk4j.backend.cuda.gemm.CudaMatmul;
import org.mohawk4j.backend.cuda.gemm.GemmPlan;
import org.mohawk4j.backend.cuda.memory.CudaArray;
import org.mohawk4j.backend.cuda.memory.CudaPool;
import org.mohawk4j.backend.cuda.op.tensor.ColumnSums;
import org.mohawk4j.backend.cuda.op.tensor.Conversions;
import org.mohawk4j.backend.cuda.op.tensor.CudaReductions;
import org.mohawk4j.op.Activation;
import org.mohawk4j.op.LinearFunction.FusedLinear;
import org.mohawk4j.tensor.types.DType;
import org.mohawk4j.tensor.types.Shape;

/**
 * A product with its bias and activation, which cuBLASLt applies where it can, and else one pass after it. Saves the
 * weight in the type that it was multiplied in, and what went into the activation.
 */
public final class CudaLinear implements FusedLinear {
    private static final String SOURCE = "op/linear/linear.cu";

    private final CudaPool pool;
    private final CudaKernels kernels;
    private final CudaMatmul matmul;
    private final CudaProjections few;
    private final CudaReductions reductions;
    private final Conversions conversions;

    public CudaLinear(
            CudaPool pool,
            CudaKernels kernels,
            CudaMatmul matmul,
            CudaProjections few,
            CudaReductions reductions,
            Conversions conversions) {
        this.pool = pool;
        this.kernels = kernels;
        this.matmul = matmul;
        this.few = few;
        this.reductions = reductions;
        this.conversions = conversions;
    }

    @Override
    public boolean supports(Activation activation) {
        return true;
    }

    @Override
    public Result forward(Array input, Array weight, Optional<Array> bias, Activation activation, Wanted wanted) {
        boolean kept = wanted.any();
        DType operands = matmul.operands(input.dtype());
        CudaArray x = conversions.as(operands, input);
        CudaArray w = conversions.parameter(operands, weight, wanted.weight());
        List<Array> saved = new ArrayList<>();
        CudaArray y;
        if (!kept && weight.dtype() == operands && few.supports(x, w, bias)) {
            y = few.product(x, w, bias, code(activation), input.dtype());
        } else if (bias.isEmpty() && activation == Activation.NONE) {
            y = matmul.product(x, false, w, true, input.dtype());
        } else if (bias.isPresent()
                && (activation == Activation.NONE || activation == Activation.GELU_TANH)
                && input.dtype() == operands
                && matmul.canFinish(x, w)) {
            y = finished(x, w, bias.get(), activation, wanted, saved);
        } else {
            y = separate(matmul.product(x, false, w, true, input.dtype()), bias, activation, kept, saved);
        }
        pool.release(x);
        if (kept) {
            saved.add(0, w);
        } else {
            pool.release(w);
        }
        return new Result(y, saved);
    }

    private CudaArray finished(
            CudaArray x, CudaArray w, Array bias, Activation activation, Wanted wanted, List<Array> saved) {
        CudaArray shift = conversions.parameter(x.dtype(), bias, wanted.bias());
        CudaArray y;
        if (activation == Activation.NONE) {
            y = matmul.finished(x, w, shift, GemmPlan.Finish.BIAS, null);
        } else if (wanted.any()) {
            CudaArray before =
                    pool.take(x.dtype(), Shape.of(x.shape().dim(0), w.shape().dim(0)));
            saved.add(before);
            y = matmul.finished(x, w, shift, GemmPlan.Finish.GELU_KEPT, before);
        } else {
            y = matmul.finished(x, w, shift, GemmPlan.Finish.GELU, null);
        }
        pool.release(shift);
        return y;
    }

    /** Bias and activation in a pass of their own. */
    private CudaArray separate(
            CudaArray product, Optional<Array> bias, Activation activation, boolean kept, List<Array> saved) {
        boolean separate = kept && activation != Activation.NONE;
        CudaArray y = separate ? pool.take(product.dtype(), product.shape()) : product;
        kernels.get(SOURCE, "bias_activation", product.dtype())
                .each(
                        y.size(),
                        kernels.arguments()
                                .add(product)
                                .add(bias)
                                .add(y)
                                .add(y.size())
                                .add(y.shape().dim(-1))
                                .add(code(activation))
                                .add(separate ? 1 : 0));
        if (separate) {
            saved.add(product);
        }
        return y;
    }

    @Override
    public Gradients backward(
            Array outputGradient,
            Optional<Array> input,
            Optional<Array> weight,
            DType inputType,
            List<Array> saved,
            Activation activation,
            Wanted wanted) {
        CudaArray w = CudaArray.cast(saved.get(0));
        Optional<CudaArray> before =
                activation == Activation.NONE ? Optional.empty() : Optional.of(CudaArray.cast(saved.get(1)));
        Shape shape = outputGradient.shape();
        Optional<ColumnSums> sums = wanted.bias() ? Optional.of(sumsOf(w.dtype(), shape)) : Optional.empty();
        CudaArray factor = conversions.into(
                w.dtype(), beforeActivation(CudaArray.cast(outputGradient), w.dtype(), before, activation, sums));
        Optional<Array> dx =
                wanted.input() ? Optional.of(matmul.product(factor, false, w, false, inputType)) : Optional.empty();
        Optional<Array> dw = input.filter(x -> wanted.weight()).map(array -> {
            CudaArray x = conversions.as(w.dtype(), array);
            CudaArray product = matmul.product(factor, true, x, false, ElementType.accumulator(w.dtype()));
            pool.release(x);
            return product;
        });
        pool.release(factor);
        return new Gradients(dx, dw, sums.map(this::total));
    }

    /** Room for the sums of the columns of [R,E]. */
    public ColumnSums sumsOf(DType dtype, Shape shape) {
        return new ColumnSums(pool, dtype, shape.dim(0), shape.dim(1));
    }

    /** The sums [E], in place of their parts. */
    public CudaArray total(ColumnSums sums) {
        return reductions.summed(sums.parts(), Shape.of(sums.width()));
    }

    /** The sums [E] of the columns of [R,E]. */
    public CudaArray columnSums(CudaArray x) {
        ColumnSums sums = sumsOf(x.dtype(), x.shape());
        pool.release(beforeActivation(x, x.dtype(), Optional.empty(), Activation.NONE, Optional.of(sums)));
        return total(sums);
    }

    /**
     * The gradient before the activation, in the type of what went into it or of operands, and on the way the columns'
     * sums if they are wanted.
     */
    public CudaArray beforeActivation(
            CudaArray upstream,
            DType operands,
            Optional<CudaArray> before,
            Activation activation,
            Optional<ColumnSums> sums) {
        Shape shape = upstream.shape();
        DType dtype = before.map(CudaArray::dtype).orElse(operands);
        boolean written = before.isPresent() || upstream.dtype() != dtype;
        if (!written && sums.isEmpty()) {
            return pool.view(upstream, 0, shape);
        }
        CudaArray target = written ? pool.take(dtype, shape) : pool.view(upstream, 0, shape);
        kernels.get(SOURCE, "linear_gradient", upstream.dtype(), dtype)
                .each(
                        ColumnSums.threads(shape.dim(0), shape.dim(1)),
                        kernels.arguments()
                                .add(upstream)
                                .add(before)
                                .add(written ? target.address() : 0L)
                                .add(sums.map(ColumnSums::parts))
                                .add(shape.dim(0))
                                .add(shape.dim(1))
                                .add(ColumnSums.STRETCH)
                                .add(code(activation)));
        return target;
    }

    /** As in {@code linear.cu}. */
    public static int code(Activation activation) {
        return switch (activation) {
            case NONE -> 0;
            case GELU_TANH -> 1;
            case RELU -> 2;
            case SILU -> 3;
        };
    }
}
