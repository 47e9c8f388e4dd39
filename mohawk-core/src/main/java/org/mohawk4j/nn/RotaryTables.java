package org.mohawk4j.nn;

import java.util.Arrays;
import org.jspecify.annotations.Nullable;
import org.mohawk4j.op.RotaryFunction;
import org.mohawk4j.tensor.Engine;
import org.mohawk4j.tensor.Scope;

/** Cosines and sines by position, which grow with the longest one seen. Used by several, and freed by the last of them. */
final class RotaryTables implements AutoCloseable {
    /** What they depend on. */
    record Key(int headDim, RotaryConfig config) {}

    private final Engine engine;
    private final Key key;
    private final Scope scope;
    private RotaryFunction.@Nullable Tables tables;
    private int users;

    private RotaryTables(Engine engine, Key key) {
        this.engine = engine;
        this.key = key;
        this.scope = engine.detachedScope();
    }

    /** Those of this engine, for one more user, who closes them. */
    static RotaryTables open(Engine engine, Key key) {
        RotaryTables shared = engine.shared(RotaryTables.class, key, () -> new RotaryTables(engine, key));
        shared.users++;
        return shared;
    }

    /** With rows for that many positions at least. */
    RotaryFunction.Tables upTo(long positions) {
        RotaryFunction.Tables current = tables;
        if (current == null || current.cos().dim(0) < positions) {
            long rows = positions;
            if (current != null) {
                scope.free(current.cos());
                scope.free(current.sin());
                scope.free(current.partner());
                rows = Math.max(positions, 2 * current.cos().dim(0));
            }
            current = create(Math.toIntExact(rows));
            tables = current;
        }
        return current;
    }

    private RotaryFunction.Tables create(int positions) {
        int headDim = key.headDim();
        RotaryConfig config = key.config();
        int half = config.dim() / 2;
        double factor = config.scaling().attentionFactor();
        double[] cos = new double[Math.multiplyExact(positions, headDim)];
        double[] sin = new double[cos.length];
        double[] partner = new double[headDim * headDim];
        Arrays.fill(cos, 1);
        for (int i = 0; i < half; i++) {
            double frequency = config.frequency(i);
            for (int t = 0; t < positions; t++) {
                int at = t * headDim + i;
                cos[at] = factor * Math.cos(t * frequency);
                sin[at] = factor * Math.sin(t * frequency);
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
                config.dim());
    }

    /** One user less. */
    @Override
    public void close() {
        if (--users == 0) {
            scope.close();
            engine.endSharing(RotaryTables.class, key);
        }
    }
}
