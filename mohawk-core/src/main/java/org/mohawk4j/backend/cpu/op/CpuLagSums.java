package org.mohawk4j.backend.cpu.op;

import org.mohawk4j.backend.Array;
import org.mohawk4j.backend.cpu.Cpu;
import org.mohawk4j.backend.cpu.Raw;
import org.mohawk4j.backend.cpu.Rows;
import org.mohawk4j.op.LagSumsFunction.FusedLagSums;

/**
 * Sums along diagonals, row by row: a row's products are added where its last number, of lag 0, meets those of the other
 * rows. Some rows are summed in float32, and these sums in float64.
 */
public final class CpuLagSums implements FusedLagSums {
    private static final int ROWS = 256;

    private final Cpu cpu;

    public CpuLagSums(Cpu cpu) {
        this.cpu = cpu;
    }

    @Override
    public Array ofMatrix(Array matrix, Array scores, int shifts) {
        long a = cpu.at(matrix);
        long s = cpu.at(scores);
        return sums(matrix, 2 + shifts, (rows, start, n, to) -> {
            long own = Cpu.plus(a, start);
            rows.add(to.of(0), to.of(0), own, n);
            rows.multiplyAdd(to.of(1), own, own, n);
            for (int k = 0; k < shifts && k < n; k++) {
                rows.multiplyAdd(to.of(2 + k), own, Cpu.plus(s, start + k), n - k);
            }
        });
    }

    @Override
    public Array ofScores(Array scores, int shifts) {
        long s = cpu.at(scores);
        return sums(scores, shifts + shifts * (shifts + 1) / 2, (rows, start, n, to) -> {
            int place = shifts;
            for (int j = 0; j < shifts && j < n; j++) {
                long first = Cpu.plus(s, start + j);
                rows.add(to.of(j), to.of(j), first, n - j);
                for (int k = 0; k <= j; k++) {
                    rows.multiplyAdd(to.of(place++), first, Cpu.plus(s, start + k), n - j);
                }
            }
        });
    }

    /** Adds the products of the first n numbers of a row, which begins at start. */
    private interface RowProducts {
        void add(Rows rows, long start, int n, Sums to);
    }

    /** Where the first number of a row is added to each of the sums. */
    private record Sums(long first, int length) {
        long of(int index) {
            return Cpu.plus(first, (long) index * length);
        }
    }

    private Array sums(Array of, int count, RowProducts products) {
        int time = Math.toIntExact(of.shape().dim(-1));
        long rows = of.shape().size() / time;
        double[][] parts = new double[Cpu.blocks(rows, ROWS)][];
        cpu.inBlocks(rows, ROWS, (from, some, block, lane) -> {
            long part = lane.scratch().take((long) count * time);
            Raw.zero(part, (long) count * time);
            for (long row = from; row < from + some; row++) {
                int n = (int) (row % time) + 1;
                products.add(lane.rows(), row * time, n, new Sums(Cpu.plus(part, time - n), time));
            }
            double[] own = new double[count * time];
            for (int i = 0; i < own.length; i++) {
                own[i] = Raw.get(Cpu.plus(part, i));
            }
            parts[block] = own;
        });
        Array result = cpu.take(count, time);
        long to = cpu.at(result);
        for (int i = 0; i < count; i++) {
            for (int lag = 0; lag < time; lag++) {
                double sum = 0;
                for (double[] part : parts) {
                    sum += part[(i + 1) * time - 1 - lag];
                }
                Raw.put(Cpu.plus(to, (long) i * time + lag), (float) sum);
            }
        }
        return result;
    }
}
