package org.mohawk4j.backend.nd4j;

import java.util.function.LongFunction;
import org.mohawk4j.backend.Array;
import org.mohawk4j.backend.nd4j.array.Nd4jArray;
import org.mohawk4j.backend.nd4j.array.Nd4jExec;
import org.mohawk4j.backend.nd4j.array.Nd4jPool;
import org.mohawk4j.backend.nd4j.array.Nd4jScratch;
import org.mohawk4j.op.CausalConv1dFunction.FusedCausalConv1d;
import org.mohawk4j.tensor.types.Shape;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * Depthwise causal convolution on sequences laid end to end with K-1 zeros before each: a shift in time is then a view,
 * and every tap one product with a row of weights.
 */
final class Nd4jConvolution implements FusedCausalConv1d {
    private final Nd4jPool pool;

    Nd4jConvolution(Nd4jPool pool) {
        this.pool = pool;
    }

    /** Dimensions of one call. */
    private record Sizes(long batch, long time, long channels, long taps) {
        static Sizes of(Array x, Array weight) {
            return new Sizes(
                    x.shape().dim(0),
                    x.shape().dim(1),
                    x.shape().dim(2),
                    weight.shape().dim(2));
        }

        long padded() {
            return time + taps - 1;
        }

        /** Rows of the convolution of everything laid end to end; each sequence's own are its first T. */
        long rows() {
            return batch * padded() - (taps - 1);
        }
    }

    @Override
    public Array forward(Array x, Array weight, Array bias, boolean trained) {
        Sizes sizes = Sizes.of(x, weight);
        try (Nd4jScratch work = new Nd4jScratch(pool, x.dtype())) {
            Nd4jArray in = padded(work, x, sizes, true);
            Nd4jArray all = work.taken(Shape.of(sizes.batch(), sizes.padded(), sizes.channels()));
            INDArray byTap = byTap(work, weight, sizes);
            INDArray sum = rows(all, 0, sizes);
            convolve(work, sum, in, sizes, byTap::getRow);
            Nd4jScratch.add(sum, sum, Nd4jArray.values(bias));
            return sequences(work, all, sizes);
        }
    }

    @Override
    public Gradients backward(Array outputGradient, Array x, Array weight) {
        Sizes sizes = Sizes.of(x, weight);
        try (Nd4jScratch work = new Nd4jScratch(pool, x.dtype())) {
            Nd4jArray in = padded(work, x, sizes, true);
            Nd4jArray gradient = padded(work, outputGradient, sizes, false);
            Nd4jArray weightGradient = work.result(weight.shape());
            Nd4jArray biasGradient = work.result(Shape.of(sizes.channels()));
            INDArray byTap = byTap(work, weight, sizes);
            INDArray byTapGradient = work.take(sizes.taps(), sizes.channels());
            INDArray term = work.take(sizes.rows(), sizes.channels());
            work.columnSums(
                    biasGradient.values(),
                    Nd4jArray.shaped(outputGradient, sizes.batch() * sizes.time(), sizes.channels()));
            // padding after each sequence is zero in the gradient, so rows between sequences add nothing
            INDArray own = rows(gradient, 0, sizes);
            for (long k = 0; k < sizes.taps(); k++) {
                Nd4jScratch.multiply(term, own, rows(in, k, sizes));
                work.columnSums(byTapGradient.getRow(k), term);
            }
            weightGradient.shaped(sizes.channels(), sizes.taps()).assign(byTapGradient.transpose());
            return new Gradients(inputGradient(work, gradient, byTap, sizes), weightGradient, biasGradient);
        }
    }

    /** {@code dx[s] = sum_k w[k] dy[s+K-1-k]}: the convolution run backwards, with zeros after each sequence. */
    private Nd4jArray inputGradient(Nd4jScratch work, Nd4jArray gradient, INDArray byTap, Sizes sizes) {
        Nd4jArray all = work.taken(Shape.of(sizes.batch(), sizes.padded(), sizes.channels()));
        convolve(work, rows(all, 0, sizes), gradient, sizes, shift -> byTap.getRow(sizes.taps() - 1 - shift));
        return sequences(work, all, sizes);
    }

    /** {@code sum[s] = sum over k of tap(k) in[s+k]}. */
    private static void convolve(
            Nd4jScratch work, INDArray sum, Nd4jArray in, Sizes sizes, LongFunction<INDArray> tap) {
        INDArray term = work.take(sizes.rows(), sizes.channels());
        for (long k = 0; k < sizes.taps(); k++) {
            Nd4jScratch.multiply(k == 0 ? sum : term, rows(in, k, sizes), tap.apply(k));
            if (k > 0) {
                Nd4jScratch.add(sum, sum, term);
            }
        }
    }

    /** [B,T,C] with K-1 zeros before or after each sequence. */
    private static Nd4jArray padded(Nd4jScratch work, Array x, Sizes sizes, boolean before) {
        if (sizes.taps() == 1) {
            return Nd4jArray.cast(x);
        }
        Nd4jArray target = work.taken(Shape.of(sizes.batch(), sizes.padded(), sizes.channels()));
        INDArray zeros = work.take(sizes.batch(), sizes.taps() - 1, sizes.channels());
        zeros.assign(0);
        INDArray values = Nd4jArray.values(x);
        Nd4jExec.run("concat", target.values(), new int[] {1}, before ? zeros : values, before ? values : zeros);
        return target;
    }

    /** The rows from {@code shift} on, of all sequences end to end. */
    private static INDArray rows(Nd4jArray padded, long shift, Sizes sizes) {
        return padded.block()
                .array(padded.offset() + shift * sizes.channels(), Shape.of(sizes.rows(), sizes.channels()));
    }

    /** Each sequence's first T rows. */
    private static Nd4jArray sequences(Nd4jScratch work, Nd4jArray padded, Sizes sizes) {
        Nd4jArray result = work.result(Shape.of(sizes.batch(), sizes.time(), sizes.channels()));
        int[] beginAndSize = {
            0, 0, 0, (int) sizes.batch(), Math.toIntExact(sizes.time()), Math.toIntExact(sizes.channels())
        };
        Nd4jExec.run("slice", result.values(), beginAndSize, padded.values());
        return result;
    }

    /** Weights [C,1,K] as [K,C]. */
    private static INDArray byTap(Nd4jScratch work, Array weight, Sizes sizes) {
        INDArray byTap = work.take(sizes.taps(), sizes.channels());
        byTap.assign(Nd4jArray.shaped(weight, sizes.channels(), sizes.taps()).transpose());
        return byTap;
    }
}
