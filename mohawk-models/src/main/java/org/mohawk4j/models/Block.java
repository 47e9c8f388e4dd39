package org.mohawk4j.models;

import org.mohawk4j.layer.Module;
import org.mohawk4j.mixer.MatrixMixer;
import org.mohawk4j.mixer.MixerState;
import org.mohawk4j.tensor.Engine;
import org.mohawk4j.tensor.Tensor;

/** One layer of a model: a mixer with what surrounds it. All tensors are [B,T,D]. */
public abstract class Block extends Module {
    protected Block(Engine engine) {
        super(engine);
    }

    public abstract MatrixMixer mixer();

    /** What the mixer is applied to: the block's input, normalised. */
    public abstract Tensor mixerInput(Tensor h);

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

    /** For positions that follow those the state has seen. A block that can apply linear maps together does better. */
    public Tensor forward(Tensor h, MixerState state) {
        Tensor u = mixerInput(h);
        return combine(h, u, mixer().forward(u, state));
    }
}
