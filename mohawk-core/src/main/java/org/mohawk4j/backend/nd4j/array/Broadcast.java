package org.mohawk4j.backend.nd4j.array;

import org.mohawk4j.tensor.types.Shape;

/**
 * Two shapes that broadcast, written in as few axes as possible: neighboring axes along which the same side repeats
 * are one. ND4J's time grows steeply with the rank.
 */
public record Broadcast(Shape left, Shape right, Shape result) {
    public static Broadcast of(Shape left, Shape right) {
        Shape full = left.broadcast(right);
        Shape collapsedLeft = Shape.of();
        Shape collapsedRight = Shape.of();
        Shape collapsed = Shape.of();
        for (int back = 1; back <= full.rank(); back++) {
            long extent = full.dim(-back);
            if (extent == 1) {
                continue;
            }
            long ofLeft = back <= left.rank() ? left.dim(-back) : 1;
            long ofRight = back <= right.rank() ? right.dim(-back) : 1;
            boolean same = collapsed.rank() > 0
                    && (ofLeft == 1) == (collapsedLeft.dim(0) == 1)
                    && (ofRight == 1) == (collapsedRight.dim(0) == 1);
            collapsedLeft = joined(collapsedLeft, ofLeft, same);
            collapsedRight = joined(collapsedRight, ofRight, same);
            collapsed = joined(collapsed, extent, same);
        }
        return new Broadcast(collapsedLeft, collapsedRight, collapsed);
    }

    private static Shape joined(Shape shape, long extent, boolean intoFirst) {
        return intoFirst ? shape.with(0, shape.dim(0) * extent) : shape.insert(0, extent);
    }
}
