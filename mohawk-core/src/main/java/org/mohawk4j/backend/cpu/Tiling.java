package org.mohawk4j.backend.cpu;

import org.mohawk4j.backend.cpu.Lane.Sizes;

/**
 * How a product is cut into tasks. A task's product first copies its parts of both matrices, and that costs as much as
 * multiplying them by some tens of rows or columns: so tiles are as large and as square as {@value #TASKS} tasks allow.
 * Depends on the product's extents alone, so that results do not depend on the number of threads.
 *
 * @param rows of a tile, the last of which may have fewer
 * @param columns of a tile
 * @param depth of what is summed over; less than all of it gives partial sums
 */
record Tiling(long rows, long columns, long depth) {
    /** Enough for many threads to end at about the same time. */
    private static final int TASKS = 16;

    /** What half as many tasks cost: threads without one matter only where there are so many. */
    private static final double FEWER_TASKS = 0.25;

    /** Rows that multiply as long as copying the right matrix takes, and columns for the left. */
    private static final double RIGHT_COPY = 48;

    private static final double LEFT_COPY = 33;

    /** The same for writing and reading a partial sum, and what working memory for partial sums must gain. */
    private static final double PARTIAL_SUM = 50;

    private static final double PARTIAL_SUMS = 0.05;

    private static final long MOST = 512;
    private static final long VECTOR = 16;
    private static final long LEAST_DEPTH = 256;
    private static final int MOST_PIECES = 8;

    /** Of so few rows a product reads the right matrix as it is, and nothing is copied. */
    private static final long FEW_ROWS = 4;

    /** Tiles that hold their whole sums. */
    static Tiling whole(Sizes sizes) {
        return best(sizes, 1);
    }

    static Tiling of(Sizes sizes) {
        return best(sizes, (int) Math.max(1, Math.min(MOST_PIECES, sizes.k() / LEAST_DEPTH)));
    }

    private static Tiling best(Sizes sizes, int mostPieces) {
        if (sizes.m() <= FEW_ROWS) {
            return new Tiling(sizes.m(), Math.min(MOST, sizes.n()), sizes.k());
        }
        long fewestDown = blocks(sizes.m(), MOST);
        long fewestAcross = blocks(sizes.n(), MOST);
        Tiling best = cut(sizes, fewestDown, fewestAcross, 1);
        double least = best.cost(sizes);
        for (int pieces = 1; pieces <= mostPieces; pieces++) {
            for (long across = fewestAcross; across <= Math.max(TASKS, fewestAcross); across++) {
                Tiling tiling = cut(sizes, Math.max(fewestDown, blocks(TASKS, across * pieces)), across, pieces);
                double cost = tiling.cost(sizes);
                if (cost < least) {
                    least = cost;
                    best = tiling;
                }
            }
        }
        return best;
    }

    private static Tiling cut(Sizes sizes, long down, long across, long pieces) {
        return new Tiling(part(sizes.m(), down), part(sizes.n(), across), part(sizes.k(), pieces));
    }

    /** What is spent beside multiplying, in times of that. */
    private double cost(Sizes sizes) {
        long pieces = pieces(sizes);
        long tasks = down(sizes) * across(sizes) * pieces;
        double sums = pieces == 1 ? 0 : PARTIAL_SUMS + PARTIAL_SUM * (pieces + 1) / sizes.k();
        double fewer = FEWER_TASKS * Math.max(0, (double) TASKS / tasks - 1);
        return RIGHT_COPY / rows + LEFT_COPY / columns + sums + fewer;
    }

    long down(Sizes sizes) {
        return blocks(sizes.m(), rows);
    }

    long across(Sizes sizes) {
        return blocks(sizes.n(), columns);
    }

    long pieces(Sizes sizes) {
        return blocks(sizes.k(), depth);
    }

    /** Whole vectors, where there is room for some. */
    private static long part(long extent, long parts) {
        return Math.min(extent, blocks(blocks(extent, parts), VECTOR) * VECTOR);
    }

    private static long blocks(long extent, long block) {
        return (extent + block - 1) / block;
    }
}
