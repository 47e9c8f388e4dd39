package org.mohawk4j.backend.cpu.op;

import org.mohawk4j.backend.Array;
import org.mohawk4j.backend.cpu.Cpu;
import org.mohawk4j.backend.cpu.Lane;
import org.mohawk4j.backend.cpu.Raw;

/**
 * The causal convolution along time, of channels that may be part of wider rows. A task is some positions of a sequence:
 * their rows and the K - 1 before stay in the cache while each tap passes over them.
 */
final class Taps implements AutoCloseable {
    private static final int POSITIONS = 64;

    private final Cpu cpu;
    private final long batch;
    private final long time;
    private final int channels;
    private final int taps;
    private final Array byTap;
    private final long weights;

    /**
     * @param weight [C,1,K]
     */
    Taps(Cpu cpu, long batch, long time, Array weight) {
        this.cpu = cpu;
        this.batch = batch;
        this.time = time;
        this.channels = Math.toIntExact(weight.shape().dim(0));
        this.taps = Math.toIntExact(weight.shape().dim(2));
        this.byTap = cpu.take(taps, channels);
        this.weights = cpu.at(byTap);
        transpose(cpu.at(weight), weights, channels, taps);
    }

    /** Rows of sequences: where the first one begins, and how far apart they are. */
    record Sequences(long address, long stride) {
        long row(long index) {
            return Cpu.plus(address, index * stride);
        }
    }

    private static void transpose(long from, long to, long rows, long columns) {
        for (long i = 0; i < rows; i++) {
            for (long j = 0; j < columns; j++) {
                Raw.put(Cpu.plus(to, j * rows + i), Raw.get(Cpu.plus(from, i * columns + j)));
            }
        }
    }

    private interface Positions {
        void run(long sequence, long from, long to, int block, Lane lane);
    }

    private void inBlocks(Positions task) {
        int blocks = Cpu.blocks(time, POSITIONS);
        cpu.run(batch * blocks, (index, lane) -> {
            long from = (long) (index % blocks) * POSITIONS;
            task.run(index / blocks, from, Math.min(time, from + POSITIONS), index, lane);
        });
    }

    private long tap(int k) {
        return Cpu.plus(weights, (long) k * channels);
    }

    /** @param bias [C] */
    void forward(Sequences x, long bias, Sequences y) {
        inBlocks((sequence, from, to, block, lane) -> {
            for (long t = from; t < to; t++) {
                long row = y.row(sequence * time + t);
                Raw.copy(row, bias, channels);
                for (int k = 0; k < taps; k++) {
                    long s = t - taps + 1 + k;
                    if (s >= 0) {
                        lane.rows().multiplyAdd(row, tap(k), x.row(sequence * time + s), channels);
                    }
                }
            }
        });
    }

    /** Gradients [C,1,K] and [C]. */
    record OfWeights(Array weight, Array bias) {}

    OfWeights backward(Sequences g, Sequences x, Sequences ofX) {
        int blocks = Math.toIntExact(batch * Cpu.blocks(time, POSITIONS));
        long each = (taps + 1L) * channels;
        Array parts = cpu.take(blocks, each);
        long sums = cpu.at(parts);
        inBlocks((sequence, from, to, block, lane) -> {
            long sum = Cpu.plus(sums, block * each);
            Raw.zero(sum, each);
            for (long t = from; t < to; t++) {
                long row = ofX.row(sequence * time + t);
                long upstream = g.row(sequence * time + t);
                Raw.zero(row, channels);
                for (int k = 0; k < taps; k++) {
                    long after = t + taps - 1 - k;
                    if (after < time) {
                        lane.rows().multiplyAdd(row, tap(k), g.row(sequence * time + after), channels);
                    }
                    long before = t - taps + 1 + k;
                    if (before >= 0) {
                        long place = Cpu.plus(sum, (long) k * channels);
                        lane.rows().multiplyAdd(place, upstream, x.row(sequence * time + before), channels);
                    }
                }
                long ofBias = Cpu.plus(sum, (long) taps * channels);
                lane.rows().add(ofBias, ofBias, upstream, channels);
            }
        });
        Array total = cpu.take(each);
        cpu.sumOfParts(cpu.at(total), sums, blocks, each);
        Array ofWeight = cpu.take(channels, 1, taps);
        Array ofBias = cpu.take(channels);
        transpose(cpu.at(total), cpu.at(ofWeight), taps, channels);
        Raw.copy(cpu.at(ofBias), Cpu.plus(cpu.at(total), (long) taps * channels), channels);
        cpu.release(parts, total);
        return new OfWeights(ofWeight, ofBias);
    }

    @Override
    public void close() {
        cpu.release(byTap);
    }
}
