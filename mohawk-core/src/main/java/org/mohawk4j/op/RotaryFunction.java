package org.mohawk4j.op;

import java.util.Optional;
import org.mohawk4j.backend.Array;
import org.mohawk4j.backend.FusedOp;
import org.mohawk4j.tensor.Edge;
import org.mohawk4j.tensor.Engine;
import org.mohawk4j.tensor.Tensor;
import org.mohawk4j.tensor.types.Shape;

/** Rotary position embedding (Su et al. 2021, arXiv 2104.09864): each pair of entries of a head turns with position. */
public final class RotaryFunction {
    private RotaryFunction() {}

    /**
     * @param cos [positions, P], 1 where an entry does not turn
     * @param sin [positions, P], 0 where an entry does not turn
     * @param partner [P,P]: a row of entries times this is each entry's partner with its sign
     * @param rotaryDim how many entries turn: entry i with entry i + rotaryDim/2
     */
    public record Tables(Tensor cos, Tensor sin, Tensor partner, int rotaryDim) {}

    /** Fused rotation. */
    public interface FusedRotary extends FusedOp {
        /** @param inverse turns back, which is also the gradient */
        Array rotate(Array x, Array cos, Array sin, int rotaryDim, long firstPosition, boolean inverse);
    }

    /**
     * @param x [B,T,H,P]
     * @param firstPosition the row of the tables for x's first entry along time
     */
    public static Tensor apply(Tensor x, Tables tables, long firstPosition) {
        requireShapes(x, tables, firstPosition);
        Engine engine = x.engine();
        Optional<FusedRotary> kernel = engine.backend().fused(FusedRotary.class);
        if (kernel.isEmpty()) {
            return reference(x, tables, firstPosition);
        }
        Tensor turned = engine.wrap(rotate(kernel.get(), x, tables, firstPosition, false));
        return engine.record(
                turned,
                Edge.of(
                        x,
                        g -> engine.wrap(rotate(kernel.get(), g, tables, firstPosition, true)),
                        tables.cos(),
                        tables.sin()));
    }

    private static void requireShapes(Tensor x, Tables tables, long firstPosition) {
        Shape table = tables.cos().shape();
        boolean fits = x.shape().rank() == 4
                && table.rank() == 2
                && table.dim(1) == x.dim(3)
                && tables.sin().shape().equals(table)
                && firstPosition >= 0
                && firstPosition + x.dim(1) <= table.dim(0)
                && tables.rotaryDim() % 2 == 0
                && tables.rotaryDim() <= x.dim(3);
        if (!fits) {
            throw new IllegalArgumentException("rotary embedding needs x [B,T,H,P], cos and sin [positions, P] with"
                    + " positions for T from the first; got x " + x.shape() + " from position " + firstPosition
                    + ", cos "
                    + table + ", sin " + tables.sin().shape() + ", " + tables.rotaryDim() + " entries that turn");
        }
    }

    public static Tensor reference(Tensor x, Tables tables, long firstPosition) {
        long time = x.dim(1);
        long width = x.dim(3);
        Tensor cos = tables.cos().narrow(0, firstPosition, time).reshape(time, 1, width);
        Tensor sin = tables.sin().narrow(0, firstPosition, time).reshape(time, 1, width);
        Tensor partner = x.reshape(-1, width).matmul(tables.partner());
        return x.mul(cos).add(partner.reshape(x.shape().toArray()).mul(sin));
    }

    private static Array rotate(FusedRotary kernel, Tensor x, Tables tables, long firstPosition, boolean inverse) {
        return kernel.rotate(
                x.array(), tables.cos().array(), tables.sin().array(), tables.rotaryDim(), firstPosition, inverse);
    }
}
