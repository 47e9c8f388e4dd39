package org.mohawk4j.backend.nd4j;

import java.util.List;
import java.util.Optional;
import org.mohawk4j.backend.Array;
import org.mohawk4j.backend.nd4j.array.Nd4jArray;
import org.mohawk4j.backend.nd4j.array.Nd4jMasks;
import org.mohawk4j.backend.nd4j.array.Nd4jPool;
import org.mohawk4j.backend.nd4j.array.Nd4jScratch;
import org.mohawk4j.op.SemiseparableFunction.FusedSemiseparable.Forward;
import org.mohawk4j.tensor.types.Shape;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * The chunked product of Mamba-2 with its gradient written out (arXiv 2405.21060, section 6). Arrays lie chunk first,
 * [T/Q, B, H, Q, ·], so that the recurrence over chunks works on views. With s the running sum of the log-decay within a
 * chunk and S the state before it,
 *
 * <pre>
 * L[t,r] = exp(s_t - s_r)          y_t = sum over r ≤ t of L[t,r] (c_t·b_r) x_r + exp(s_t) S c_t
 * S'     = exp(s_Q) S + sum over r of exp(s_Q - s_r) x_r b_rᵀ
 * </pre>
 */
final class Nd4jSemiseparableForward {
    private final Nd4jPool pool;
    private final Nd4jMasks masks;

    Nd4jSemiseparableForward(Nd4jPool pool, Nd4jMasks masks) {
        this.pool = pool;
        this.masks = masks;
    }

    Forward run(Array x, Array b, Array c, Array logDecay, Optional<Array> state, int chunk) {
        try (Nd4jScratch work = new Nd4jScratch(pool, x.dtype())) {
            Nd4jChunks sizes = Nd4jChunks.of(x, b, chunk);
            Nd4jArray xs = sizes.split(work, x, true);
            Nd4jArray bs = sizes.split(work, b, true);
            Nd4jArray cs = sizes.split(work, c, true);
            Nd4jArray sums = sizes.runningSums(work, logDecay);
            Nd4jArray decay = decay(work, sizes, sums);
            Nd4jArray matrix = work.result(decay.shape());
            Nd4jScratch.matmul(matrix.values(), cs.values(), false, bs.values(), true);
            Nd4jScratch.multiply(matrix.values(), matrix.values(), decay.values());

            Nd4jArray fromState = work.result(xs.shape());
            Nd4jArray before = work.result(sizes.states());
            Nd4jArray last = work.result(sizes.state());
            recur(work, sizes, xs, bs, sums, state, before, last);
            Nd4jScratch.matmul(fromState.values(), cs.values(), false, before.values(), true);
            INDArray reach = work.take(sizes.maps(), sizes.q(), 1);
            Nd4jScratch.exp(reach, sums.shaped(sizes.maps(), sizes.q(), 1));
            Nd4jScratch.multiply(fromState.values(), fromState.values(), reach);

            INDArray y = work.take(xs.shape().toArray());
            Nd4jScratch.matmul(y, matrix.values(), false, xs.values(), false);
            y.addi(fromState.values());
            return new Forward(
                    sizes.join(work, y, sizes.width(), sizes.heads()),
                    last,
                    List.of(xs, bs, cs, sums, decay, matrix, fromState, before));
        }
    }

    /** {@code L}, [maps,Q,Q]. */
    private Nd4jArray decay(Nd4jScratch work, Nd4jChunks sizes, Nd4jArray sums) {
        Nd4jArray decay = work.result(Shape.of(sizes.maps(), sizes.q(), sizes.q()));
        INDArray values = decay.values();
        Nd4jScratch.subtract(values, sums.shaped(sizes.maps(), sizes.q(), 1), sums.shaped(sizes.maps(), 1, sizes.q()));
        Nd4jScratch.add(values, values, masks.future(decay.dtype(), sizes.q(), sizes.q()));
        Nd4jScratch.exp(values, values);
        return decay;
    }

    /** Fills the states before each chunk and the one after the last. */
    private static void recur(
            Nd4jScratch work,
            Nd4jChunks sizes,
            Nd4jArray x,
            Nd4jArray b,
            Nd4jArray sums,
            Optional<Array> state,
            Nd4jArray before,
            Nd4jArray last) {
        Nd4jArray added = work.taken(sizes.states());
        INDArray weighted = work.take(x.shape().toArray());
        INDArray toEnd = work.take(sizes.maps(), sizes.q(), 1);
        Nd4jArray kept = work.taken(Shape.of(sizes.maps(), 1, 1));
        sizes.lastOf(sums, kept.shaped(sizes.maps(), 1));
        Nd4jScratch.subtract(toEnd, kept.values(), sums.shaped(sizes.maps(), sizes.q(), 1));
        Nd4jScratch.exp(toEnd, toEnd);
        Nd4jScratch.multiply(weighted, x.values(), toEnd);
        Nd4jScratch.matmul(added.values(), weighted, true, b.values(), false);
        Nd4jScratch.exp(kept.values(), kept.values());
        INDArray now = last.shaped(sizes.lanes(), sizes.width(), sizes.n());
        if (state.isPresent()) {
            now.assign(Nd4jArray.shaped(state.get(), sizes.lanes(), sizes.width(), sizes.n()));
        } else {
            now.assign(0);
        }
        for (long i = 0; i < sizes.chunks(); i++) {
            sizes.stateOf(before, i).assign(now);
            Nd4jScratch.multiply(now, now, sizes.scalarOf(kept, i));
            now.addi(sizes.stateOf(added, i));
        }
    }
}
