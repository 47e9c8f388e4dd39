package org.mohawk4j.backend.cpu.op;

import org.mohawk4j.backend.Array;
import org.mohawk4j.backend.BinaryOp;
import org.mohawk4j.backend.cpu.Cpu;
import org.mohawk4j.backend.cpu.Lane.Matrix;
import org.mohawk4j.backend.cpu.Lane.Sizes;
import org.mohawk4j.backend.cpu.Raw;

/** What a step does between fused operations: sums, products, copies of parts, rows by index. */
public final class CpuTensors {
    private static final int PIECE = 1 << 14;
    private static final int VOCABULARY_PIECE = 512;

    private final Cpu cpu;

    public CpuTensors(Cpu cpu) {
        this.cpu = cpu;
    }

    /** Whether {@link #binary} computes it, of two arrays of one shape. */
    public static boolean isSimple(BinaryOp op) {
        return op == BinaryOp.ADD || op == BinaryOp.SUBTRACT || op == BinaryOp.MULTIPLY;
    }

    /** @param y receives the result */
    public void binary(BinaryOp op, Array a, Array b, Array y) {
        long left = cpu.at(a);
        long right = cpu.at(b);
        long out = cpu.at(y);
        cpu.inPieces(y.shape().size(), PIECE, (from, count, block, lane) -> {
            long one = Cpu.plus(left, from);
            long two = Cpu.plus(right, from);
            long target = Cpu.plus(out, from);
            switch (op) {
                case ADD -> lane.rows().add(target, one, two, count);
                case SUBTRACT -> lane.rows().subtract(target, one, two, count);
                default -> lane.rows().multiply(target, one, two, count);
            }
        });
    }

    /** {@code y = scale x + shift}. */
    public void affine(Array x, double scale, double shift, Array y) {
        long in = cpu.at(x);
        long out = cpu.at(y);
        cpu.inPieces(
                y.shape().size(),
                PIECE,
                (from, count, block, lane) -> lane.rows()
                        .affine(Cpu.plus(out, from), (float) scale, (float) shift, Cpu.plus(in, from), count));
    }

    /** {@code target += scale x}. */
    public void accumulate(Array target, Array x, double scale) {
        long sum = cpu.at(target);
        long in = cpu.at(x);
        cpu.inPieces(
                x.shape().size(),
                PIECE,
                (from, count, block, lane) ->
                        lane.rows().addScaled(Cpu.plus(sum, from), (float) scale, Cpu.plus(in, from), count));
    }

    /** Products of matrices, one per index of the leading axes. */
    public void matmul(Array a, boolean transposeA, Array b, boolean transposeB, Array y) {
        long m = y.shape().dim(-2);
        long n = y.shape().dim(-1);
        Sizes sizes = new Sizes(m, n, a.shape().dim(transposeA ? -2 : -1));
        long batch = y.shape().size() / (m * n);
        Matrix left = new Matrix(cpu.at(a), a.shape().dim(-1), transposeA);
        Matrix right = new Matrix(cpu.at(b), b.shape().dim(-1), transposeB);
        long out = cpu.at(y);
        if (batch == 1) {
            cpu.product(sizes, left, right, out);
            return;
        }
        cpu.run(
                batch,
                batch * m * n * sizes.k(),
                (index, lane) -> lane.gemm(
                        sizes,
                        1,
                        left.from(index * a.shape().dim(-2), 0),
                        right.from(index * b.shape().dim(-2), 0),
                        0,
                        new Matrix(Cpu.plus(out, index * m * n), n)));
    }

    /**
     * Stretches of bytes at equal distances.
     *
     * @param length of a stretch, in bytes like the distances
     */
    public void copy(long to, long toStride, long from, long fromStride, long length, long count) {
        int together = (int) Math.max(1, PIECE / Math.max(1, length / Float.BYTES));
        cpu.inPieces(count, together, (first, some, block, lane) -> {
            for (long i = first; i < first + some; i++) {
                Raw.copyBytes(to + i * toStride, from + i * fromStride, length);
            }
        });
    }

    /** {@code y[i] = table[ids[i]]}. */
    public void gatherRows(Array table, Array ids, Array y) {
        long width = table.shape().dim(1);
        long rows = table.shape().dim(0);
        long in = cpu.at(table);
        long out = cpu.at(y);
        long indices = cpu.atIndices(ids);
        cpu.inPieces(ids.shape().size(), Cpu.BLOCK, (from, count, block, lane) -> {
            for (long i = from; i < from + count; i++) {
                Raw.copy(Cpu.plus(out, i * width), Cpu.plus(in, row(indices, i, rows) * width), width);
            }
        });
    }

    /** {@code table[ids[i]] += rows[i]}, of each row of the table in the order of i. */
    public void addRows(Array table, Array rows, Array ids) {
        int width = Math.toIntExact(table.shape().dim(1));
        long vocabulary = table.shape().dim(0);
        long count = ids.shape().size();
        long target = cpu.at(table);
        long in = cpu.at(rows);
        long indices = cpu.atIndices(ids);
        cpu.inBlocks(vocabulary, VOCABULARY_PIECE, (from, some, block, lane) -> {
            for (long i = 0; i < count; i++) {
                long row = row(indices, i, vocabulary);
                if (row >= from && row < from + some) {
                    long sum = Cpu.plus(target, row * width);
                    lane.rows().add(sum, sum, Cpu.plus(in, i * width), width);
                }
            }
        });
    }

    /** Index i, which the memory of {@code rows} rows has. */
    static int row(long indices, long i, long rows) {
        int row = Raw.getInt(indices + i * Integer.BYTES);
        if (row < 0 || row >= rows) {
            throw new IllegalArgumentException("index " + row + " into " + rows + " rows");
        }
        return row;
    }
}
