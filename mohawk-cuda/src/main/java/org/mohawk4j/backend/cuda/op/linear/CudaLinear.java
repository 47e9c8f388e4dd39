package org.mohawk4j.backend.cuda.op.linear;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.mohawk4j.backend.Array;
import org.mohawk4j.backend.cuda.compile.ElementType;
import org.mohawk4j.backend.cuda.gemm.GemmPlan;
import org.mohawk4j.backend.cuda.memory.CudaArray;
import org.mohawk4j.backend.cuda.op.Gpu;
import org.mohawk4j.backend.cuda.op.tensor.ColumnSums;
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

    private final Gpu gpu;
    private final CudaProjections few;

    public CudaLinear(Gpu gpu, CudaProjections few) {
        this.gpu = gpu;
        this.few = few;
    }

    @Override
    public boolean supports(Activation activation) {
        return true;
    }

    @Override
    public Result forward(Array input, Array weight, Optional<Array> bias, Activation activation, Wanted wanted) {
        boolean kept = wanted.any();
        DType operands = gpu.matmul().operands(input.dtype());
        CudaArray x = gpu.as(operands, input);
        CudaArray w = gpu.parameter(operands, weight, wanted.weight());
        List<Array> saved = new ArrayList<>();
        CudaArray y;
        if (!kept && weight.dtype() == operands && few.supports(x, w, bias)) {
            y = few.product(x, w, bias, code(activation), input.dtype());
        } else if (bias.isEmpty() && activation == Activation.NONE) {
            y = gpu.matmul().product(x, false, w, true, input.dtype());
        } else if (bias.isPresent()
                && (activation == Activation.NONE || activation == Activation.GELU_TANH)
                && input.dtype() == operands
                && gpu.matmul().canFinish(x, w)) {
            y = finished(x, w, bias.get(), activation, wanted, saved);
        } else {
            y = separate(gpu.matmul().product(x, false, w, true, input.dtype()), bias, activation, kept, saved);
        }
        gpu.release(x);
        if (kept) {
            saved.add(0, w);
        } else {
            gpu.release(w);
        }
        return new Result(y, saved);
    }

    private CudaArray finished(
            CudaArray x, CudaArray w, Array bias, Activation activation, Wanted wanted, List<Array> saved) {
        CudaArray shift = gpu.parameter(x.dtype(), bias, wanted.bias());
        CudaArray y;
        if (activation == Activation.NONE) {
            y = gpu.matmul().finished(x, w, shift, GemmPlan.Finish.BIAS, null);
        } else if (wanted.any()) {
            CudaArray before =
                    gpu.take(x.dtype(), Shape.of(x.shape().dim(0), w.shape().dim(0)));
            saved.add(before);
            y = gpu.matmul().finished(x, w, shift, GemmPlan.Finish.GELU_KEPT, before);
        } else {
            y = gpu.matmul().finished(x, w, shift, GemmPlan.Finish.GELU, null);
        }
        gpu.release(shift);
        return y;
    }

    /** Bias and activation in a pass of their own. */
    private CudaArray separate(
            CudaArray product, Optional<Array> bias, Activation activation, boolean kept, List<Array> saved) {
        boolean separate = kept && activation != Activation.NONE;
        CudaArray y = separate ? gpu.take(product.dtype(), product.shape()) : product;
        gpu.kernel(SOURCE, "bias_activation", product.dtype())
                .each(
                        y.size(),
                        gpu.arguments()
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
        CudaArray factor = gpu.into(
                w.dtype(), beforeActivation(CudaArray.cast(outputGradient), w.dtype(), before, activation, sums));
        Optional<Array> dx = wanted.input()
                ? Optional.of(gpu.matmul().product(factor, false, w, false, inputType))
                : Optional.empty();
        Optional<Array> dw = input.filter(x -> wanted.weight()).map(array -> {
            CudaArray x = gpu.as(w.dtype(), array);
            CudaArray product = gpu.matmul().product(factor, true, x, false, ElementType.accumulator(w.dtype()));
            gpu.release(x);
            return product;
        });
        gpu.release(factor);
        return new Gradients(dx, dw, sums.map(this::total));
    }

    /** Room for the sums of the columns of [R,E]. */
    public ColumnSums sumsOf(DType dtype, Shape shape) {
        return new ColumnSums(gpu.pool(), dtype, shape.dim(0), shape.dim(1));
    }

    /** The sums [E], in place of their parts. */
    public CudaArray total(ColumnSums sums) {
        return gpu.reductions().summed(sums.parts(), Shape.of(sums.width()));
    }

    /** The sums [E] of the columns of [R,E]. */
    public CudaArray columnSums(CudaArray x) {
        ColumnSums sums = sumsOf(x.dtype(), x.shape());
        gpu.release(beforeActivation(x, x.dtype(), Optional.empty(), Activation.NONE, Optional.of(sums)));
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
            return gpu.view(upstream, 0, shape);
        }
        CudaArray target = written ? gpu.take(dtype, shape) : gpu.view(upstream, 0, shape);
        gpu.kernel(SOURCE, "linear_gradient", upstream.dtype(), dtype)
                .each(
                        ColumnSums.threads(shape.dim(0), shape.dim(1)),
                        gpu.arguments()
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
