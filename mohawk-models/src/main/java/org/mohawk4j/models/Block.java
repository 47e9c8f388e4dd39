package org.mohawk4j.models;

import org.mohawk4j.mixer.MatrixMixer;
import org.mohawk4j.mixer.MixerState;
import org.mohawk4j.nn.Layer;
import org.mohawk4j.nn.Norm;
import org.mohawk4j.op.ResidualNormFunction.Normed;
import org.mohawk4j.tensor.Engine;
import org.mohawk4j.tensor.Tensor;

/** One layer of a model: a mixer with what surrounds it. All tensors are [B,T,D]. */
public abstract class Block extends Layer {
    protected Block(Engine engine) {
        super(engine);
    }

    public abstract MatrixMixer mixer();

    /** What the block's input goes through before the mixer. */
    public abstract Norm norm();

    /** What the mixer is applied to: the block's input, normalized. */
    public final Tensor mixerInput(Tensor h) {
        return norm().apply(h);
    }

    /**
     * The block's output.
     *
     * @param h the block's input
     * @param u {@link #mixerInput} of h
     * @param mixed the mixer's output
     */
    public abstract Tensor combine(Tensor h, Tensor u, Tensor mixed);

    public final Tensor forward(Tensor h) {
        Tensor u = mixerInput(h);
        return combine(h, u, mixer().forward(u));
    }

    /**
     * The block's output with the norm of what follows it. This version applies one after the other; a block that ends
     * with a residual sum does both at once.
     *
     * @param in the block's input with its own norm
     * @param next of the next block, or the model's last one
     */
    public Normed forward(Normed in, Norm next) {
        Tensor output = combine(in.sum(), in.normalized(), mixer().forward(in.normalized()));
        return new Normed(output, next.apply(output));
    }

    /** For positions that follow those the state has seen. A block that can apply linear maps together does better. */
    public Tensor forward(Tensor h, MixerState state) {
        Tensor u = mixerInput(h);
        return combine(h, u, mixer().forward(u, state));
    }
}
