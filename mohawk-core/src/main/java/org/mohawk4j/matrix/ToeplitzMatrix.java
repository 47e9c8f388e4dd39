package org.mohawk4j.matrix;

import java.util.List;
import org.mohawk4j.Arguments;
import org.mohawk4j.tensor.Tensor;
import org.mohawk4j.tensor.types.Shape;

/**
 * A causal convolution over all of time, {@code M[t,s] = coefficients[t-s]} for t ≥ s, the same for every sequence.
 *
 * @param coefficients [H,T] by lag, the present first
 * @param batch B
 * @param chunk Q, positions that are multiplied as one dense block
 */
public record ToeplitzMatrix(Tensor coefficients, long batch, int chunk) implements MixingMatrix {
    public ToeplitzMatrix {
        Arguments.require(
                coefficients.shape().rank() == 2, "Toeplitz matrix", "coefficients [H,T]", coefficients.shape());
        Arguments.atLeast(1, "Toeplitz matrix: batch", batch);
        Arguments.atLeast(1, "Toeplitz matrix: chunk", chunk);
    }

    /** Block by block: T·Q numbers per head exist at once, never T·T. */
    @Override
    public Tensor multiply(Tensor x) {
        long heads = x.dim(2);
        long time = x.dim(1);
        long columns = x.dim(0) * x.dim(3);
        long q = Math.min(chunk, time);
        long chunks = (time + q - 1) / q;
        Tensor blocks = blocks(coefficients.narrow(1, 0, time).pad(1, 0, chunks * q - time), chunks, q);
        Tensor inputs = x.permute(2, 1, 0, 3)
                .reshape(heads, time, columns)
                .pad(1, 0, chunks * q - time)
                .reshape(heads, chunks, q, columns)
                .permute(0, 2, 1, 3);
        Tensor sum = x.engine().zeros(heads, q, chunks, columns);
        for (long lag = 0; lag < chunks; lag++) {
            long reached = chunks - lag;
            Tensor block = blocks.narrow(1, lag, 1).reshape(heads, q, q);
            Tensor product =
                    block.matmul(true, inputs.narrow(2, 0, reached).reshape(heads, q, reached * columns), false);
            sum = sum.add(product.reshape(heads, q, reached, columns).pad(2, lag, 0));
        }
        return sum.permute(0, 2, 1, 3)
                .reshape(heads, chunks * q, columns)
                .narrow(1, 0, time)
                .reshape(heads, time, x.dim(0), x.dim(3))
                .permute(2, 1, 0, 3);
    }

    @Override
    public Tensor materialize() {
        long heads = coefficients.dim(0);
        long time = coefficients.dim(1);
        return blocks(coefficients, 1, time)
                .reshape(heads, time, time)
                .permute(0, 2, 1)
                .reshape(1, heads, time, time)
                .broadcastTo(Shape.of(batch, heads, time, time));
    }

    /**
     * The blocks below the diagonal by lag k, transposed: {@code [h,k,j,i] = coefficients[h, kQ + i - j]}, zero where
     * that lies in the future. Each row is the row above read from one place earlier, so a block is one sequence of
     * length 2Q repeated, read with period 2Q - 1.
     *
     * @param lags [H, chunks·Q]
     * @return [H,chunks,Q,Q]
     */
    private static Tensor blocks(Tensor lags, long chunks, long q) {
        long heads = lags.dim(0);
        Tensor padded = lags.pad(1, q, 0).reshape(heads, chunks + 1, q);
        Tensor windows = Tensor.concat(2, List.of(padded.narrow(1, 0, chunks), padded.narrow(1, 1, chunks)));
        return windows.reshape(heads, chunks, 1, 2 * q)
                .broadcastTo(Shape.of(heads, chunks, q, 2 * q))
                .reshape(heads, chunks, 2 * q * q)
                .narrow(2, q, q * (2 * q - 1))
                .reshape(heads, chunks, q, 2 * q - 1)
                .narrow(3, 0, q);
    }
}
