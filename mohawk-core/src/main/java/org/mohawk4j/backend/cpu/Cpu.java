package org.mohawk4j.backend.cpu;

import java.util.Arrays;
import org.mohawk4j.backend.Array;
import org.mohawk4j.backend.cpu.Lane.Matrix;
import org.mohawk4j.backend.cpu.Lane.Sizes;
import org.mohawk4j.tensor.types.DType;
import org.mohawk4j.tensor.types.Shape;

/**
 * What a fused operation on the CPU works with: arrays, threads, products. How an operation is cut into tasks depends on
 * its extents alone and not on the number of threads, and so do its results.
 */
public final class Cpu implements AutoCloseable {
    /** Rows in a block, for operations without a reason for another number. */
    public static final int BLOCK = 64;

    /** What a thread multiplies in some ten microseconds. */
    private static final long LEAST_SHARED = 1L << 18;

    private final HostArrays arrays;
    private final Workers workers;

    /** A block of rows. */
    @FunctionalInterface
    public interface BlockTask {
        /** @param block its number */
        void run(long from, int count, int block, Lane lane);
    }

    public Cpu(HostArrays arrays, int threads) {
        this.arrays = arrays;
        this.workers = new Workers(threads, RowsVersion.choose());
        BlasThreads.one();
    }

    /** Version of the row kernels, for a backend's description. */
    public String rows() {
        return RowsVersion.choose().get().name();
    }

    /** A float32 array with whatever was there before. */
    public Array take(long... dims) {
        return arrays.take(Shape.of(dims));
    }

    public Array take(Shape shape) {
        return arrays.take(shape);
    }

    /** An int32 array with whatever was there before. */
    public Array takeIndices(long... dims) {
        return arrays.takeIndices(Shape.of(dims));
    }

    public void release(Array... spent) {
        Arrays.stream(spent).forEach(arrays::release);
    }

    /** The address of a float32 array. */
    public long at(Array array) {
        return addressOf(DType.FLOAT32, array);
    }

    /** The address of an array of indices. */
    public long atIndices(Array array) {
        return addressOf(DType.INT32, array);
    }

    private long addressOf(DType dtype, Array array) {
        if (array.dtype() != dtype) {
            throw new IllegalArgumentException("a kernel for " + dtype + " was given " + array.dtype());
        }
        return arrays.address(array);
    }

    public static long plus(long address, long elements) {
        return address + elements * Float.BYTES;
    }

    public void run(long tasks, Workers.Task task) {
        workers.run(Math.toIntExact(tasks), task);
    }

    /**
     * As {@link #run(long, Workers.Task)}; by this thread alone if all of it takes less time than waking the others.
     *
     * @param work about how many multiplications it is
     */
    public void run(long tasks, long work, Workers.Task task) {
        if (work < LEAST_SHARED) {
            workers.runHere(Math.toIntExact(tasks), task);
        } else {
            run(tasks, task);
        }
    }

    public static int blocks(long rows, int block) {
        return Math.toIntExact((rows + block - 1) / block);
    }

    /** Rows in blocks, each a task. */
    public void inBlocks(long rows, int block, BlockTask task) {
        run(blocks(rows, block), (index, lane) -> {
            long from = (long) index * block;
            task.run(from, (int) Math.min(block, rows - from), index, lane);
        });
    }

    /** As {@link #inBlocks}, for simple passes: by this thread alone if all of it is a piece or two. */
    public void inPieces(long count, int piece, BlockTask task) {
        int pieces = blocks(count, piece);
        run(pieces, pieces <= 2 ? 0 : LEAST_SHARED, (index, lane) -> {
            long from = (long) index * piece;
            task.run(from, (int) Math.min(piece, count - from), index, lane);
        });
    }

    /** A tile of a product's result. */
    @FunctionalInterface
    public interface TileTask {
        /**
         * @param row its first one
         * @param tile its rows and columns, and what is summed over
         */
        void run(long row, long column, Sizes tile, Lane lane);
    }

    /** The tiles of a product of these extents, each a task. */
    public void inTiles(Sizes sizes, TileTask task) {
        Tiling tiling = Tiling.whole(sizes);
        long across = tiling.across(sizes);
        run(tiling.down(sizes) * across, sizes.m() * sizes.n() * sizes.k(), (index, lane) -> {
            long row = index / across * tiling.rows();
            long column = index % across * tiling.columns();
            Sizes tile = new Sizes(
                    Math.min(tiling.rows(), sizes.m() - row),
                    Math.min(tiling.columns(), sizes.n() - column),
                    sizes.k());
            task.run(row, column, tile, lane);
        });
    }

    /**
     * {@code C = A B} by all threads, in tiles.
     *
     * @param sizes of C, and what is summed over
     */
    public void product(Sizes sizes, Matrix a, Matrix b, long target) {
        Tiling tiling = Tiling.of(sizes);
        long pieces = tiling.pieces(sizes);
        if (pieces == 1) {
            tiles(sizes, tiling, a, b, target);
            return;
        }
        Array parts = take(pieces, sizes.m(), sizes.n());
        tiles(sizes, tiling, a, b, at(parts));
        sumOfParts(target, at(parts), pieces, sizes.m() * sizes.n());
        release(parts);
    }

    /** One array of partial sums after the other. */
    private void tiles(Sizes sizes, Tiling tiling, Matrix a, Matrix b, long target) {
        long across = tiling.across(sizes);
        long down = tiling.down(sizes);
        run(across * down * tiling.pieces(sizes), (index, lane) -> {
            long piece = index / (across * down);
            long row = index / across % down * tiling.rows();
            long column = index % across * tiling.columns();
            long first = piece * tiling.depth();
            Sizes tile = new Sizes(
                    Math.min(tiling.rows(), sizes.m() - row),
                    Math.min(tiling.columns(), sizes.n() - column),
                    Math.min(tiling.depth(), sizes.k() - first));
            lane.gemm(
                    tile,
                    1,
                    a.transposed() ? a.from(first, row) : a.from(row, first),
                    b.transposed() ? b.from(column, first) : b.from(first, column),
                    0,
                    new Matrix(plus(target, piece * sizes.m() * sizes.n() + row * sizes.n() + column), sizes.n()));
        });
    }

    /** {@code target = Σ parts}, one after the other; each of n numbers, close together. */
    public void sumOfParts(long target, long parts, long count, long n) {
        int width = 1 << 14;
        run((n + width - 1) / width, (index, lane) -> {
            long from = (long) index * width;
            int length = (int) Math.min(width, n - from);
            long sum = plus(target, from);
            if (count == 1) {
                Raw.copy(sum, plus(parts, from), length);
                return;
            }
            lane.rows().add(sum, plus(parts, from), plus(parts, n + from), length);
            for (long i = 2; i < count; i++) {
                lane.rows().add(sum, sum, plus(parts, i * n + from), length);
            }
        });
    }

    /** Zeros. */
    public void zero(long address, long count) {
        long width = 1 << 16;
        run(
                (count + width - 1) / width,
                (index, lane) -> Raw.zero(plus(address, index * width), Math.min(width, count - index * width)));
    }

    @Override
    public void close() {
        workers.close();
        BlasThreads.release();
    }
}
