package org.mohawk4j.backend.cpu.op;

import java.util.List;
import org.mohawk4j.backend.Array;
import org.mohawk4j.backend.cpu.Cpu;
import org.mohawk4j.backend.cpu.Lane;
import org.mohawk4j.backend.cpu.Lane.Matrix;
import org.mohawk4j.backend.cpu.Raw;
import org.mohawk4j.backend.cpu.op.Taps.Sequences;
import org.mohawk4j.op.Mamba2Function.Config;
import org.mohawk4j.op.Mamba2Function.FusedMamba2;

/**
 * Everything between the projections of a discrete Mamba-2, on the rows of the first one as they are. Saved: x, B and C
 * behind the convolution, the log-decay, y with the skip, the states before the chunks.
 */
public final class CpuMamba2 implements FusedMamba2 {
    private final Cpu cpu;

    public CpuMamba2(Cpu cpu) {
        this.cpu = cpu;
    }

    @Override
    public boolean supports(Config config) {
        return true;
    }

    @Override
    public Result forward(Array projected, Operands weights, Config config, boolean kept, boolean trained) {
        Pass pass = new Pass(projected, weights, config);
        Array mixed = cpu.take(pass.rows, pass.channels);
        Array decay = cpu.take(pass.rows, config.heads());
        Array y = cpu.take(pass.rows, pass.width);
        Array before = cpu.take(kept ? pass.maps() * pass.scan.chunks() * pass.scan.stateSize() : 1);
        Array output = cpu.take(pass.batch, pass.scan.time(), pass.width);
        try (Taps taps = pass.taps()) {
            taps.forward(pass.projected(), cpu.at(weights.convBias()), pass.mixed(mixed));
        }
        pass.decay(cpu.at(decay));
        pass.scan(cpu.at(mixed), cpu.at(decay), cpu.at(y), kept ? cpu.at(before) : 0);
        pass.gate(cpu.at(mixed), cpu.at(y), cpu.at(output));
        pass.close();
        if (kept) {
            return new Result(output, List.of(mixed, decay, y, before));
        }
        cpu.release(mixed, decay, y, before);
        return new Result(output, List.of());
    }

    @Override
    public Gradients backward(
            Array outputGradient, Array projected, Operands weights, Config config, List<Array> saved) {
        Pass pass = new Pass(projected, weights, config);
        Array mixed = saved.get(0);
        Array ofProjected = cpu.take(projected.shape());
        Array ofMixed = cpu.take(pass.rows, pass.channels);
        Array ofY = cpu.take(pass.rows, pass.width);
        Array[] sums = pass.gateGradient(
                cpu.at(outputGradient), cpu.at(mixed), cpu.at(saved.get(2)), ofY, ofProjected, ofMixed);
        pass.scanGradient(saved, cpu.at(ofY), cpu.at(ofMixed), cpu.at(ofProjected));
        Taps.OfWeights ofConvolution;
        try (Taps taps = pass.taps()) {
            ofConvolution = taps.backward(
                    pass.mixed(ofMixed),
                    pass.projected(),
                    new Sequences(cpu.at(ofProjected), projected.shape().dim(2)));
        }
        pass.close();
        cpu.release(ofMixed, ofY);
        return new Gradients(ofProjected, ofConvolution.weight(), ofConvolution.bias(), sums[0], sums[1]);
    }

    /** One call. */
    private final class Pass {
        private final Operands weights;
        private final Config config;
        private final long batch;
        private final long rows;
        private final int width;
        private final int channels;
        private final long stride;
        private final long projected;
        private final long zBias;
        private final Scan scan;
        /** The skip of each head for all of its entries, [D]. */
        private final Array skips;

        Pass(Array projected, Operands weights, Config config) {
            this.weights = weights;
            this.config = config;
            this.batch = projected.shape().dim(0);
            this.rows = batch * projected.shape().dim(1);
            this.width = Math.toIntExact(config.width());
            this.channels = Math.toIntExact(config.convChannels());
            this.stride = projected.shape().dim(2);
            this.projected = cpu.at(projected);
            this.zBias = cpu.at(weights.zBias());
            this.scan = Scan.of(projected.shape().dim(1), width / config.heads(), config.stateSize(), config.chunk());
            this.skips = cpu.take(width);
            for (int i = 0; i < width; i++) {
                Raw.put(Cpu.plus(cpu.at(skips), i), Raw.get(Cpu.plus(cpu.at(weights.skip()), i / scan.width())));
            }
        }

        void close() {
            cpu.release(skips);
        }

        long maps() {
            return batch * config.heads();
        }

        Taps taps() {
            return new Taps(cpu, batch, scan.time(), weights.convWeight());
        }

        Sequences projected() {
            return new Sequences(projected, stride);
        }

        Sequences mixed(Array rowsOfChannels) {
            return new Sequences(cpu.at(rowsOfChannels), channels);
        }

        private long z(long start, long row) {
            return Cpu.plus(start, row * stride + channels);
        }

        private long logit(long start, long row, long head) {
            return Cpu.plus(start, row * stride + channels + width + head);
        }

        /** {@code -softplus(A_log)}. */
        void decay(long target) {
            cpu.inBlocks(rows, Cpu.BLOCK, (from, count, block, lane) -> {
                for (long row = from; row < from + count; row++) {
                    for (int head = 0; head < config.heads(); head++) {
                        double a = Raw.get(logit(projected, row, head));
                        double softplus = Math.max(a, 0) + Math.log1p(Math.exp(-Math.abs(a)));
                        Raw.put(Cpu.plus(target, row * config.heads() + head), (float) -softplus);
                    }
                }
            });
        }

        private Scan.Inputs inputs(long mixed, long decay, long sequence, long head) {
            Scan.Gradients places = places(mixed, decay, sequence, head);
            return new Scan.Inputs(places.x(), places.b(), places.c(), places.decay());
        }

        /** Rows of a head among the channels, and of its decay. */
        private Scan.Gradients places(long mixed, long decay, long sequence, long head) {
            long first = Cpu.plus(mixed, sequence * scan.time() * channels);
            long group = head / (config.heads() / config.groups());
            long b = width + group * scan.states();
            return new Scan.Gradients(
                    new Matrix(Cpu.plus(first, head * scan.width()), channels),
                    new Matrix(Cpu.plus(first, b), channels),
                    new Matrix(Cpu.plus(first, b + config.stateWidth()), channels),
                    new Matrix(Cpu.plus(decay, sequence * scan.time() * config.heads() + head), config.heads()),
                    false);
        }

        private Matrix headRows(long start, long sequence, long head) {
            return new Matrix(Cpu.plus(start, sequence * scan.time() * width + head * scan.width()), width);
        }

        void scan(long mixed, long decay, long y, long before) {
            cpu.run(maps(), (map, lane) -> {
                long sequence = map / config.heads();
                long head = map % config.heads();
                long state = lane.scratch().take(scan.stateSize());
                Raw.zero(state, scan.stateSize());
                scan.forward(
                        lane,
                        inputs(mixed, decay, sequence, head),
                        headRows(y, sequence, head),
                        state,
                        before == 0 ? 0 : Cpu.plus(before, (long) map * scan.chunks() * scan.stateSize()));
            });
        }

        /** {@code y += skip x}, then the gate. */
        void gate(long mixed, long y, long output) {
            long skip = cpu.at(skips);
            cpu.inBlocks(rows, Cpu.BLOCK, (from, count, block, lane) -> {
                for (long row = from; row < from + count; row++) {
                    long own = Cpu.plus(y, row * width);
                    lane.rows().multiplyAdd(own, Cpu.plus(mixed, row * channels), skip, width);
                    lane.rows().gate(Cpu.plus(output, row * width), own, z(projected, row), zBias, width);
                }
            });
        }

        /**
         * Fills the gradients by y, by z, and by x as far as it goes around the state.
         *
         * @return those by skip and z_bias
         */
        Array[] gateGradient(long g, long mixed, long y, Array ofY, Array ofProjected, Array ofMixed) {
            int blocks = Cpu.blocks(rows, Cpu.BLOCK);
            Array parts = cpu.take(blocks, 2, width);
            long sums = cpu.at(parts);
            long skip = cpu.at(skips);
            long result = cpu.at(ofY);
            long ofX = cpu.at(ofMixed);
            long ofRows = cpu.at(ofProjected);
            cpu.inBlocks(rows, Cpu.BLOCK, (from, count, block, lane) -> {
                long ofSkip = Cpu.plus(sums, 2L * block * width);
                long ofBias = Cpu.plus(ofSkip, width);
                Raw.zero(ofSkip, 2L * width);
                for (long row = from; row < from + count; row++) {
                    long own = Cpu.plus(result, row * width);
                    long ofZ = z(ofRows, row);
                    lane.rows()
                            .gateGradient(
                                    own,
                                    ofZ,
                                    Cpu.plus(g, row * width),
                                    Cpu.plus(y, row * width),
                                    z(projected, row),
                                    zBias,
                                    width);
                    lane.rows().add(ofBias, ofBias, ofZ, width);
                    lane.rows().multiplyAdd(ofSkip, own, Cpu.plus(mixed, row * channels), width);
                    lane.rows().multiply(Cpu.plus(ofX, row * channels), own, skip, width);
                }
            });
            Array total = cpu.take(2, width);
            cpu.sumOfParts(cpu.at(total), sums, blocks, 2L * width);
            Array ofSkip = cpu.take(config.heads());
            Array ofBias = cpu.take(width);
            cpu.run(1, (index, lane) -> {
                for (long head = 0; head < config.heads(); head++) {
                    float sum = lane.rows().sum(Cpu.plus(cpu.at(total), head * scan.width()), scan.width());
                    Raw.put(Cpu.plus(cpu.at(ofSkip), head), sum);
                }
                Raw.copy(cpu.at(ofBias), Cpu.plus(cpu.at(total), width), width);
            });
            cpu.release(parts, total);
            return new Array[] {ofSkip, ofBias};
        }

        void scanGradient(List<Array> saved, long ofY, long ofMixed, long ofProjected) {
            long mixed = cpu.at(saved.get(0));
            long decay = cpu.at(saved.get(1));
            long before = cpu.at(saved.get(3));
            Array decayGradients = cpu.take(rows, config.heads());
            long ofDecay = cpu.at(decayGradients);
            int shared = config.heads() / config.groups();
            cpu.run(batch * config.groups(), (index, lane) -> {
                long sequence = index / config.groups();
                for (int i = 0; i < shared; i++) {
                    long head = (long) index % config.groups() * shared + i;
                    head(lane, sequence, head, i > 0, new long[] {mixed, decay, before, ofY, ofMixed, ofDecay});
                    logitGradient(sequence, head, ofDecay, ofProjected);
                }
            });
            cpu.release(decayGradients);
        }

        private void head(Lane lane, long sequence, long head, boolean adding, long... arrays) {
            long ofState = lane.scratch().take(scan.stateSize());
            Raw.zero(ofState, scan.stateSize());
            Scan.Gradients out = places(arrays[4], arrays[5], sequence, head);
            scan.backward(
                    lane,
                    inputs(arrays[0], arrays[1], sequence, head),
                    headRows(arrays[3], sequence, head),
                    Cpu.plus(arrays[2], (sequence * config.heads() + head) * scan.chunks() * scan.stateSize()),
                    ofState,
                    new Scan.Gradients(out.x(), out.b(), out.c(), out.decay(), adding));
        }

        /** Through {@code -softplus}. */
        private void logitGradient(long sequence, long head, long ofDecay, long ofProjected) {
            for (long row = sequence * scan.time(); row < (sequence + 1) * scan.time(); row++) {
                double a = Raw.get(logit(projected, row, head));
                float g = Raw.get(Cpu.plus(ofDecay, row * config.heads() + head));
                Raw.put(logit(ofProjected, row, head), (float) (-g / (1 + Math.exp(-a))));
            }
        }
    }
}
