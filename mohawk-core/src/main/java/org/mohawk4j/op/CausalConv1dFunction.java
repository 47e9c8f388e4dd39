package org.mohawk4j.op;

import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.stream.LongStream;
import org.mohawk4j.backend.Array;
import org.mohawk4j.backend.FusedOp;
import org.mohawk4j.tensor.Engine;
import org.mohawk4j.tensor.Tensor;
import org.mohawk4j.tensor.types.Shape;

/**
 * Depthwise causal convolution along time: {@code y[t,c] = bias[c] + sum_k weight[c,0,k] x[t-K+1+k,c]}, the last tap
 * meeting the present. The form and weight layout of {@code torch.nn.Conv1d(groups=C, padding=K-1)}, cut to T.
 */
public final class CausalConv1dFunction {
    private CausalConv1dFunction() {}

    /** Fused convolution. */
    public interface FusedCausalConv1d extends FusedOp {
        /** Gradients of x [B,T,C], weight [C,1,K] and bias [C]. */
        record Gradients(Array x, Array weight, Array bias) {
            List<Array> all() {
                return List.of(x, weight, bias);
            }
        }

        /**
         * No history: what came before the first position is zero.
         *
         * @param trained whether gradients of weight or bias are wanted: what they give may be rounded otherwise then
         */
        Array forward(Array x, Array weight, Array bias, boolean trained);

        Gradients backward(Array outputGradient, Array x, Array weight);
    }

    /**
     * @param x [B,T,C]
     * @param weight [C,1,K]
     * @param bias [C]
     * @return [B,T,C]
     */
    public static Tensor apply(Tensor x, Tensor weight, Tensor bias) {
        requireShapes(x, weight, bias);
        Engine engine = x.engine();
        Optional<FusedCausalConv1d> kernel = engine.backend().fused(FusedCausalConv1d.class);
        if (kernel.isEmpty()) {
            return reference(x, weight, bias);
        }
        return engine.fused(
                List.of(x, weight, bias),
                List.of(x, weight),
                kernel.get().forward(x.array(), weight.array(), bias.array(), isTrained(weight, bias)),
                List.of(),
                (gradients, saved) -> kernel.get()
                        .backward(gradients.get(0), x.array(), weight.array())
                        .all());
    }

    /** As {@link FusedCausalConv1d}, with the channels in parts that lie apart. */
    public interface FusedSplitConv1d extends FusedOp {
        /** How many parts it can write. */
        default int mostParts() {
            return Integer.MAX_VALUE;
        }

        /**
         * @param trained as in {@link FusedCausalConv1d#forward}
         * @return [B,T,length] for each length
         */
        List<Array> forward(Array x, Array weight, Array bias, boolean trained, long... lengths);

        /** @param outputGradients in parts */
        FusedCausalConv1d.Gradients backward(List<Array> outputGradients, Array x, Array weight);
    }

    /**
     * As {@link #apply}, split into neighboring channels.
     *
     * @param lengths with sum C
     * @return [B,T,length] for each
     */
    public static List<Tensor> applyParts(Tensor x, Tensor weight, Tensor bias, long... lengths) {
        requireShapes(x, weight, bias);
        if (LongStream.of(lengths).sum() != x.dim(2) || LongStream.of(lengths).anyMatch(length -> length < 1)) {
            throw new IllegalArgumentException("convolution split into " + Arrays.toString(lengths)
                    + ": expected lengths" + " from 1 with sum C of x " + x.shape());
        }
        Engine engine = x.engine();
        Optional<FusedSplitConv1d> kernel =
                engine.backend().fused(FusedSplitConv1d.class).filter(fused -> lengths.length <= fused.mostParts());
        if (kernel.isEmpty()) {
            return apply(x, weight, bias).split(-1, lengths);
        }
        List<Tensor> parts =
                kernel.get().forward(x.array(), weight.array(), bias.array(), isTrained(weight, bias), lengths).stream()
                        .map(engine::wrap)
                        .toList();
        return engine.fused(
                List.of(x, weight, bias),
                List.of(x, weight),
                parts,
                List.of(),
                (gradients, saved) -> kernel.get()
                        .backward(gradients, x.array(), weight.array())
                        .all());
    }

    /**
     * Continues from what came before.
     *
     * @param history [B,K-1,C], the inputs just before x
     */
    public static Tensor continued(Tensor history, Tensor x, Tensor weight, Tensor bias) {
        requireShapes(x, weight, bias);
        if (!history.shape().equals(x.shape().with(1, weight.dim(-1) - 1))) {
            throw new IllegalArgumentException("convolution continued needs history [B,K-1,C]; got history "
                    + history.shape() + ", x " + x.shape() + ", weight " + weight.shape());
        }
        return valid(Tensor.concat(1, List.of(history, x)), weight, bias);
    }

    static boolean isTrained(Tensor weight, Tensor bias) {
        return weight.engine().isTracked(weight) || bias.engine().isTracked(bias);
    }

    private static void requireShapes(Tensor x, Tensor weight, Tensor bias) {
        boolean fits = x.shape().rank() == 3
                && weight.shape().rank() == 3
                && weight.dim(0) == x.dim(2)
                && weight.dim(1) == 1
                && bias.shape().equals(Shape.of(x.dim(2)));
        if (!fits) {
            throw new IllegalArgumentException("convolution needs x [B,T,C], weight [C,1,K], bias [C]; got x "
                    + x.shape() + ", weight " + weight.shape() + ", bias " + bias.shape());
        }
    }

    public static Tensor reference(Tensor x, Tensor weight, Tensor bias) {
        return valid(x.pad(1, weight.dim(-1) - 1, 0), weight, bias);
    }

    /** Without padding: [B, T+K-1, C] to [B,T,C]. */
    private static Tensor valid(Tensor x, Tensor weight, Tensor bias) {
        long taps = weight.dim(-1);
        long time = x.dim(1) - taps + 1;
        Tensor byTap = weight.reshape(weight.dim(0), taps).permute(1, 0);
        Tensor y = bias;
        for (int k = 0; k < taps; k++) {
            y = x.narrow(1, k, time).mul(byTap.narrow(0, k, 1).reshape(-1)).add(y);
        }
        return y;
    }
}
