package org.mohawk4j.backend.cuda;

import java.util.List;
import java.util.Optional;
import org.mohawk4j.backend.Array;
import org.mohawk4j.functional.Activation;
import org.mohawk4j.functional.LinearFunction.LinearKernel;

/** A product, then bias and activation in one pass over it. */
final class CudaLinear implements LinearKernel {
    private static final String SOURCE = "linear.cu";

    private final CudaPool pool;
    private final CudaKernels kernels;
    private final CudaMatmul matmul;

    CudaLinear(CudaPool pool, CudaKernels kernels, CudaMatmul matmul) {
        this.pool = pool;
        this.kernels = kernels;
        this.matmul = matmul;
    }

    @Override
    public boolean supports(Activation activation) {
        return true;
    }

    @Override
    public Result forward(Array input, Array weight, Optional<Array> bias, Activation activation, boolean forGradient) {
        CudaArray product = CudaArray.cast(matmul.matmul(input, false, weight, true));
        if (bias.isEmpty() && activation == Activation.NONE) {
            return new Result(product, List.of());
        }
        CudaArray y = forGradient ? pool.take(product.dtype(), product.shape()) : product;
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
                                .add(forGradient ? 1 : 0));
        return new Result(y, forGradient ? List.of(product) : List.of());
    }

    @Override
    public Array activationGradient(Array outputGradient, List<Array> saved, Activation activation) {
        CudaArray before = CudaArray.cast(saved.get(0));
        CudaArray dx = pool.take(before.dtype(), before.shape());
        kernels.get(SOURCE, "activation_gradient", before.dtype())
                .each(
                        dx.size(),
                        kernels.arguments()
                                .add(CudaArray.cast(outputGradient))
                                .add(before)
                                .add(dx)
                                .add(dx.size())
                                .add(code(activation)));
        return dx;
    }

    /** As in {@code linear.cu}. */
    private static int code(Activation activation) {
        return switch (activation) {
            case NONE -> 0;
            case GELU_TANH -> 1;
            case RELU -> 2;
            case SILU -> 3;
        };
    }
}
