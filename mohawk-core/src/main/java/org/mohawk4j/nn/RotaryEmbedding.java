package org.mohawk4j.nn;

import org.jspecify.annotations.Nullable;
import org.mohawk4j.op.RotaryFunction;
import org.mohawk4j.tensor.Engine;
import org.mohawk4j.tensor.Tensor;

/**
 * Rotary position embedding on the first {@code rotaryDim} entries of each head, the rest untouched. Entry i turns with
 * entry i + rotaryDim/2 by {@code position · theta^(-2i/rotaryDim)}, scaled if the configuration says so, as Hugging
 * Face's models do. All embeddings of an engine that turn alike share their tables, which the last of them to be closed
 * frees.
 */
public final class RotaryEmbedding extends Layer {
    private final RotaryTables.Key key;
    private @Nullable RotaryTables tables;
    private boolean closed;

    /** Without scaling. */
    public RotaryEmbedding(Engine engine, int headDim, int rotaryDim, double base) {
        this(engine, headDim, new RotaryConfig(rotaryDim, base));
    }

    /** @param headDim P */
    public RotaryEmbedding(Engine engine, int headDim, RotaryConfig config) {
        super(engine);
        config.requireFits(headDim);
        this.key = new RotaryTables.Key(headDim, config);
    }

    /**
     * @param x [B,T,H,P]
     * @param firstPosition the position of x's first entry along time
     */
    public Tensor apply(Tensor x, long firstPosition) {
        if (closed) {
            throw new IllegalStateException("a rotary embedding is used after its module was closed");
        }
        if (key.config().dim() == 0) {
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
