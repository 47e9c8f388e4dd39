package org.mohawk4j.layer;

import java.util.Arrays;
import org.jspecify.annotations.Nullable;
import org.mohawk4j.functional.RotaryFunction;
import org.mohawk4j.tensor.Engine;
import org.mohawk4j.tensor.Scope;
import org.mohawk4j.tensor.Tensor;

/**
 * Rotary position embedding on the first {@code rotaryDim} entries of each head, the rest untouched. Entry i turns with
 * entry i + rotaryDim/2 by {@code position · theta^(-2i/rotaryDim)}, scaled if the configuration says so, as Hugging
 * Face's models do. The tables are computed once and grow with the longest position seen.
 */
public final class RotaryEmbedding {
    private final Engine engine;
    private final int headDim;
    private final int rotaryDim;
    private final RotaryConfig config;
    private final Scope scope;
    private RotaryFunction.@Nullable Tables tables;

    /** Without scaling. */
    public RotaryEmbedding(Engine engine, int headDim, int rotaryDim, double base) {
        this(engine, headDim, new RotaryConfig(rotaryDim, base));
    }

    public RotaryEmbedding(Engine engine, int headDim, RotaryConfig config) {
        int rotaryDim = config.dim();
        if (rotaryDim < 0 || rotaryDim > headDim || rotaryDim % 2 != 0) {
            throw new IllegalArgumentException("rotary width " + rotaryDim + " must be even and at most " + headDim);
        }
        this.engine = engine;
        this.headDim = headDim;
        this.rotaryDim = rotaryDim;
        this.config = config;
        this.scope = engine.detachedScope();
    }

    /**
     * @param x [B,T,H,P]
     * @param firstPosition the position of x's first entry along time
     */
    public Tensor apply(Tensor x, long firstPosition) {
        return rotaryDim == 0 ? x : RotaryFunction.apply(x, tables(firstPosition + x.dim(1)), firstPosition);
    }

    private RotaryFunction.Tables tables(long positions) {
        RotaryFunction.Tables current = tables;
        if (current == null || current.cos().dim(0) < positions) {
            if (current != null) {
                scope.free(current.cos());
                scope.free(current.sin());
                scope.free(current.partner());
                positions = Math.max(positions, 2 * current.cos().dim(0));
            }
            current = create(Math.toIntExact(positions));
            tables = current;
        }
        return current;
    }

    private RotaryFunction.Tables create(int positions) {
        int half = rotaryDim / 2;
        double[] cos = new double[positions * headDim];
        double[] sin = new double[positions * headDim];
        double[] partner = new double[headDim * headDim];
        Arrays.fill(cos, 1);
        for (int i = 0; i < half; i++) {
            double frequency = config.frequency(i);
            for (int t = 0; t < positions; t++) {
                int at = t * headDim + i;
                cos[at] = Math.cos(t * frequency);
                sin[at] = Math.sin(t * frequency);
                cos[at + half] = cos[at];
                sin[at + half] = sin[at];
            }
            partner[(i + half) * headDim + i] = -1;
            partner[i * headDim + i + half] = 1;
        }
        return new RotaryFunction.Tables(
                scope.adopt(engine.tensor(cos, positions, headDim)),
                scope.adopt(engine.tensor(sin, positions, headDim)),
                scope.adopt(engine.tensor(partner, headDim, headDim)),
                rotaryDim);
    }
}
