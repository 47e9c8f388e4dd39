package org.mohawk4j.op;

import org.mohawk4j.tensor.Tensor;
import org.mohawk4j.tensor.types.Shape;

/** Splitting widths into heads, and sharing one head among several. */
public final class Heads {
    private Heads() {}

    /** [B,T,H·P] to [B,T,H,P]. */
    public static Tensor split(Tensor x, long heads) {
        if (x.dim(-1) % heads != 0) {
            throw new IllegalArgumentException(heads + " heads do not divide the width of " + x.shape());
        }
        return x.reshape(x.dim(0), x.dim(1), heads, x.dim(2) / heads);
    }

    /** [B,T,H,P] to [B,T,H·P]. */
    public static Tensor merge(Tensor x) {
        return x.reshape(x.dim(0), x.dim(1), x.dim(2) * x.dim(3));
    }

    /** [B,T,G,P] to [B,T,H,P], each group's entries standing H/G times in a row. */
    public static Tensor repeat(Tensor x, long heads) {
        long groups = x.dim(2);
        if (groups == heads) {
            return x;
        }
        if (heads % groups != 0) {
            throw new IllegalArgumentException(groups + " groups do not divide " + heads + " heads");
        }
        long each = heads / groups;
        return x.reshape(x.dim(0), x.dim(1), groups, 1, x.dim(3))
                .broadcastTo(Shape.of(x.dim(0), x.dim(1), groups, each, x.dim(3)))
                .reshape(x.dim(0), x.dim(1), heads, x.dim(3));
    }
}
