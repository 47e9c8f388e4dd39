package org.mohawk4j.mixer;

import org.mohawk4j.matrix.MixingMatrix;
import org.mohawk4j.nn.Layer;
import org.mohawk4j.op.Heads;
import org.mohawk4j.tensor.Engine;
import org.mohawk4j.tensor.Tensor;

/**
 * A sequence mixer seen as a matrix along time. From the block's normalized input u [B,T,D] a subclass makes the matrix,
 * the values it multiplies, and the block's output from the product; gradients, all three stages and generation follow.
 *
 * <p>Parameters that only the matrix depends on are what stage 1 trains; nothing needs to be said about that.
 */
public abstract class MatrixMixer extends Layer {
    private final long heads;

    protected MatrixMixer(Engine engine, long heads) {
        super(engine);
        this.heads = heads;
    }

    /** H. */
    public final long heads() {
        return heads;
    }

    /** The matrix for an input u [B,T,D]. */
    public abstract MixingMatrix matrix(Tensor u);

    /** What the matrix multiplies, [B,T,H,P], for an input u [B,T,D]. */
    protected abstract Tensor values(Tensor u);

    /**
     * The mixer's output [B,T,D].
     *
     * @param u the input [B,T,D], for gates
     * @param mixed the matrix's product with the values, [B,T,H·P]
     */
    protected abstract Tensor output(Tensor u, Tensor mixed);

    /** The whole mixer, [B,T,D] to [B,T,D]. */
    public Tensor forward(Tensor u) {
        return forward(u, matrix(u));
    }

    /** As {@link #forward(Tensor)}, with the matrix for u given, where it is needed for itself as well. */
    public final Tensor forward(Tensor u, MixingMatrix matrix) {
        return output(u, Heads.merge(matrix.multiply(values(u))));
    }

    /**
     * Begins as near as it can to the mixer that it replaces in a student, by copying what it can use of its weights.
     * This version copies nothing.
     */
    public void initFrom(MatrixMixer replaced) {}

    /** A state that has seen nothing. */
    public MixerState newState(long batch) {
        return new HistoryState(engine());
    }

    /**
     * As {@link #forward(Tensor)}, for positions that follow those the state has seen; the state then includes them.
     * This version keeps the whole input and computes all positions again, which is right for every mixer; a mixer with
     * a recurrence or a cache does better.
     */
    public Tensor forward(Tensor u, MixerState state) {
        if (!(state instanceof HistoryState history)) {
            throw new IllegalStateException(getClass().getSimpleName() + ": a mixer with a state of its own overrides"
                    + " forward(u, state) beside newState; this one got "
                    + state.getClass().getSimpleName());
        }
        Tensor seen = history.append(u);
        return forward(seen).narrow(1, seen.dim(1) - u.dim(1), u.dim(1));
    }
}
