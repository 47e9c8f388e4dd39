package org.mohawk4j.layer;

import org.jspecify.annotations.Nullable;
import org.mohawk4j.Arguments;
import org.mohawk4j.functional.RotaryFunction;
import org.mohawk4j.tensor.Engine;
import org.mohawk4j.tensor.Tensor;

/**
 * Rotary position embedding on the first {@code rotaryDim} entries of each head, the rest untouched. Entry i turns with
 * entry i + rotaryDim/2 by {@code position · base^(-2i/rotaryDim)}, as Hugging Face's Phi does. All embeddings of an
 * engine that turn alike share their tables, which the last of them to be closed frees.
 */
public final class RotaryEmbedding extends Module {
    private final RotaryTables.Key key;
    private @Nullable RotaryTables tables;
    private boolean closed;

    /**
     * @param headDim P
     * @param rotaryDim even, from 0 to P
     * @param base of the rotation frequencies, above 0
     */
    public RotaryEmbedding(Engine engine, int headDim, int rotaryDim, double base) {
        super(engine);
        requireFits(headDim, rotaryDim, base);
        this.key = new RotaryTables.Key(headDim, rotaryDim, base);
    }

    /** @throws IllegalArgumentException for what the constructor does not take */
    public static void requireFits(long headDim, int rotaryDim, double base) {
        Arguments.require(
                rotaryDim >= 0 && rotaryDim <= headDim && rotaryDim % 2 == 0,
                "rotary embedding",
                "an even number of entries that turn, from 0 to the head width " + headDim,
                rotaryDim);
        Arguments.positive("rotary embedding: base", base);
    }

    /**
     * @param x [B,T,H,P]
     * @param firstPosition the position of x's first entry along time
     */
    public Tensor apply(Tensor x, long firstPosition) {
        if (closed) {
            throw new IllegalStateException("a rotary embedding is used after its module was closed");
        }
        if (key.rotaryDim() == 0) {
            return x;
        }
        RotaryTables shared = tables;
        if (shared == null) {
            shared = RotaryTables.open(engine(), key);
            tables = shared;
        }
        return RotaryFunction.apply(x, shared.upTo(firstPosition + x.dim(1)), firstPosition);
    }

    @Override
    public void close() {
        super.close();
        closed = true;
        if (tables != null) {
            tables.close();
            tables = null;
        }
    }
}
