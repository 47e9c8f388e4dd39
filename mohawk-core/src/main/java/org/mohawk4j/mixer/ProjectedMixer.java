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
 * gate. A subclass implements {@link #matrix}.
 */
public abstract class ProjectedMixer extends MatrixMixer {
    private final long width;
    private final long innerWidth;
    private final Linear vProj;
    private final Linear outProj;

    /** As wide inside as outside: H·P = D. */
    protected ProjectedMixer(Engine engine, long width, long heads, RandomGenerator random) {
        this(engine, width, width, heads, random);
    }

    /**
     * @param width D
     * @param innerWidth H·P
     * @param heads H, dividing H·P
     */
    protected ProjectedMixer(Engine engine, long width, long innerWidth, long heads, RandomGenerator random) {
        super(engine, heads);
        requireHeads(getClass().getSimpleName(), width, innerWidth, heads);
        this.width = width;
        this.innerWidth = innerWidth;
        vProj = part("v_proj", new Linear(engine, width, innerWidth, false, random));
        outProj = part("out_proj", new Linear(engine, innerWidth, width, false, random));
    }

    /**
     * For the constructors of configurations.
     *
     * @param mixer its name, for the message
     * @throws IllegalArgumentException if the heads do not divide the inner width H·P, or any of them is not positive
     */
    protected static void requireHeads(String mixer, long width, long innerWidth, long heads) {
        Arguments.atLeast(1, mixer + ": width", width);
        Arguments.atLeast(1, mixer + ": inner width", innerWidth);
        if (heads <= 0 || innerWidth % heads != 0) {
            throw new IllegalArgumentException(
                    mixer + " of width " + innerWidth + ": " + heads + " heads do not divide it");
        }
    }

    /** Values and output as an attention's of the same widths. */
    @Override
    public void initFrom(MatrixMixer replaced) {
        if (replaced instanceof AttentionWeights attention && attention.fits(width, innerWidth)) {
            try (Scope scope = engine().scope()) {
                attention.copyTo(vProj, outProj);
            }
        }
    }

    /**
     * For {@link #initFrom}: queries and keys of an attention as wide and with as many heads as this mixer, if that is what
     * is replaced.
     *
     * @param queries to [B,T,H·N]
     * @param keys to [B,T,H·N]
     */
    protected final void copyScores(MatrixMixer replaced, Linear queries, Linear keys) {
        int stateSize = Math.toIntExact(queries.weight().dim(0) / heads());
        if (replaced instanceof AttentionWeights attention && attention.copiedScores(width, heads(), stateSize) > 0) {
            try (Scope scope = engine().scope()) {
                attention.copyScores(attention.scoredQuery(), queries, 0, heads(), stateSize);
                attention.copyScores(attention.scoredKey(), keys, 0, heads(), stateSize);
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
