package org.mohawk4j.mixer;

import java.util.random.RandomGenerator;
import org.mohawk4j.Arguments;
import org.mohawk4j.nn.Linear;
import org.mohawk4j.op.Heads;
import org.mohawk4j.tensor.Engine;
import org.mohawk4j.tensor.Scope;
import org.mohawk4j.tensor.Tensor;

/**
 * A mixer between two linear maps without bias, {@code v_proj} before the matrix and {@code out_proj} after it, and no
 * gate: what remains to be written is {@link #matrix}.
 */
public abstract class ProjectedMixer extends MatrixMixer {
    private final long width;
    private final Linear vProj;
    private final Linear outProj;

    /**
     * @param width D
     * @param heads H, dividing D
     */
    protected ProjectedMixer(Engine engine, long width, long heads, RandomGenerator random) {
        super(engine, heads);
        requireHeads(getClass().getSimpleName(), width, heads);
        this.width = width;
        vProj = part("v_proj", new Linear(engine, width, width, false, random));
        outProj = part("out_proj", new Linear(engine, width, width, false, random));
    }

    /**
     * For the constructors of configurations.
     *
     * @param mixer its name, for the message
     * @throws IllegalArgumentException if the heads do not divide the width, or either is not positive
     */
    protected static void requireHeads(String mixer, long width, long heads) {
        Arguments.atLeast(1, mixer + ": width", width);
        if (heads <= 0 || width % heads != 0) {
            throw new IllegalArgumentException(mixer + " of width " + width + ": " + heads + " heads do not divide it");
        }
    }

    /** Values and output as an attention's of the same width. */
    @Override
    public void initFrom(MatrixMixer replaced) {
        if (replaced instanceof AttentionWeights attention && attention.fits(width, width)) {
            try (Scope scope = engine().scope()) {
                attention.copyTo(vProj, outProj);
            }
        }
    }

    @Override
    protected Tensor values(Tensor u) {
        return Heads.split(vProj.apply(u), heads());
    }

    @Override
    protected Tensor output(Tensor u, Tensor mixed) {
        return outProj.apply(mixed);
    }
}
