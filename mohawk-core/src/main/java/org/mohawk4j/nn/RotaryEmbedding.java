package org.mohawk4j.nn;

import java.util.HashMap;
import java.util.Map;
import org.mohawk4j.op.RotaryFunction;
import org.mohawk4j.tensor.Engine;
import org.mohawk4j.tensor.Tensor;

/**
 * Rotary position embedding on the first {@code rotaryDim} entries of each head, the rest untouched. Entry i turns with
 * entry i + rotaryDim/2 by {@code position · theta^(-2i/rotaryDim)}, scaled if the configuration says so, as Hugging
 * Face's models do. A scaling that depends on a sequence's length takes that up to x's last position. All embeddings of
 * an engine that turn alike share their tables, which the last of them to be closed frees.
 */
public final class RotaryEmbedding extends Layer {
    private final int headDim;
    private final RotaryConfig config;
    private final Map<RotaryConfig, RotaryTables> tables = new HashMap<>();
    private boolean closed;

    /** Without scaling. */
    public RotaryEmbedding(Engine engine, int headDim, int rotaryDim, double base) {
        this(engine, headDim, new RotaryConfig(rotaryDim, base));
    }

    /** @param headDim P */
    public RotaryEmbedding(Engine engine, int headDim, RotaryConfig config) {
        super(engine);
        config.requireFits(headDim);
        this.headDim = headDim;
        this.config = config;
    }

    /**
     * @param x [B,T,H,P]
     * @param firstPosition the position of x's first entry along time
     */
    public Tensor apply(Tensor x, long firstPosition) {
        if (closed) {
            throw new IllegalStateException("a rotary embedding is used after its module was closed");
        }
        if (config.dim() == 0) {
            return x;
        }
        long positions = firstPosition + x.dim(1);
        RotaryTables shared = tables.computeIfAbsent(
                config.forLength(positions), own -> RotaryTables.open(engine(), new RotaryTables.Key(headDim, own)));
        return RotaryFunction.apply(x, shared.upTo(positions), firstPosition);
    }

    @Override
    public void close() {
        super.close();
        closed = true;
        tables.values().forEach(RotaryTables::close);
        tables.clear();
    }
}
