package org.mohawk4j.op;

import java.util.List;
import java.util.Optional;
import org.mohawk4j.backend.Array;
import org.mohawk4j.backend.FusedOp;
import org.mohawk4j.tensor.Engine;
import org.mohawk4j.tensor.Tensor;

/** Causal softmax attention. Queries are the last positions of the keys' time. */
public final class AttentionFunction {
    /** Takes the place of minus infinity where a future key is masked: its exponential is zero in every type. */
    public static final double MASKED = -1e30;

    private AttentionFunction() {}

    /** Fused attention that keeps no matrix. */
    public interface FusedAttention extends FusedOp {
        /** Output [B,Tq,H,P], and what {@link #backward} needs besides the inputs. */
        record Result(Array output, List<Array> saved) {}

        /** Gradients of q, k and v. */
        record Gradients(Array q, Array k, Array v) {}

        /**
         * Whether it computes H query heads of width P that share G key heads, with such scores.
         *
         * @param kept whether {@link #backward} may follow
         */
        boolean supports(long heads, long groups, long headDim, AttentionScores scores, boolean kept);

        /** @param kept whether {@link #backward} may follow; otherwise nothing need be saved */
        Result forward(Array q, Array k, Array v, AttentionScores scores, boolean kept);

        Gradients backward(
                Array outputGradient,
                Array q,
                Array k,
                Array v,
                Array output,
                List<Array> saved,
                AttentionScores scores);
    }

    /**
     * @param q [B,Tq,H,P]
     * @param k [B,T,G,P] with T ≥ Tq and G dividing H; group g serves heads g·H/G and following
     * @param v [B,T,G,P]; kernels serve only v of k's shape, others run as the composition
     * @param scale multiplies the scores
     * @return [B,Tq,H,P]
     */
    public static Tensor apply(Tensor q, Tensor k, Tensor v, double scale) {
        return apply(q, k, v, AttentionScores.scaled(scale));
    }

    /** As {@link #apply(Tensor, Tensor, Tensor, double)}. */
    public static Tensor apply(Tensor q, Tensor k, Tensor v, AttentionScores given) {
        requireShapes(q, k, v);
        Engine engine = q.engine();
        AttentionScores scores = given.among(k.dim(1));
        boolean tracked = engine.isTracked(q) || engine.isTracked(k) || engine.isTracked(v);
        Optional<FusedAttention> kernel = engine.backend()
                .fused(FusedAttention.class)
                .filter(fused -> fused.supports(q.dim(2), k.dim(2), q.dim(3), scores, tracked)
                        && v.shape().equals(k.shape()));
        if (kernel.isEmpty()) {
            return reference(q, k, v, scores);
        }
        FusedAttention.Result result = kernel.get().forward(q.array(), k.array(), v.array(), scores, tracked);
        Tensor output = engine.wrap(result.output());
        return engine.fused(
                        List.of(q, k, v),
                        List.of(q, k, v, output),
                        List.of(output),
                        result.saved(),
                        (gradients, saved) -> {
                            FusedAttention.Gradients g = kernel.get()
                                    .backward(
                                            gradients.get(0),
                                            q.array(),
                                            k.array(),
                                            v.array(),
                                            output.array(),
                                            saved,
                                            scores);
                            return List.of(g.q(), g.k(), g.v());
                        })
                .get(0);
    }

    public static Tensor reference(Tensor q, Tensor k, Tensor v, AttentionScores scores) {
        Tensor weights = weights(q, k, scores);
        Tensor values = Heads.repeat(v, q.dim(2)).permute(0, 2, 1, 3);
        return weights.matmul(values).permute(0, 2, 1, 3);
    }

    /**
     * The attention matrix.
     *
     * @return [B,H,Tq,T]
     */
    public static Tensor weights(Tensor q, Tensor k, AttentionScores scores) {
        Tensor queries = q.permute(0, 2, 1, 3);
        Tensor keys = Heads.repeat(k, q.dim(2)).permute(0, 2, 1, 3);
        return scores.weights(queries.mul(scores.scale()).matmul(false, keys, true));
    }

    private static void requireShapes(Tensor q, Tensor k, Tensor v) {
        boolean fits = q.shape().rank() == 4
                && k.shape().equals(q.shape().with(1, k.dim(1)).with(2, k.dim(2)))
                && k.dim(1) >= q.dim(1)
                && q.dim(2) % k.dim(2) == 0
                && v.shape().rank() == 4
                && v.dim(0) == k.dim(0)
                && v.dim(1) == k.dim(1)
                && q.dim(2) % v.dim(2) == 0;
        if (!fits) {
            throw new IllegalArgumentException("attention needs q [B,Tq,H,P], k and v [B,T,G,P] with T >= Tq and G"
                    + " dividing H; got q " + q.shape() + ", k " + k.shape() + ", v " + v.shape());
        }
    }
}
