package org.mohawk4j.backend.cpu.op;

import org.mohawk4j.backend.Array;
import org.mohawk4j.backend.cpu.Cpu;
import org.mohawk4j.backend.cpu.Lane;
import org.mohawk4j.backend.cpu.Raw;
import org.mohawk4j.mixer.DiscreteMamba2.Config;
import org.mohawk4j.mixer.DiscreteMamba2.FusedStep;

/** One position of a discrete Mamba-2 between its projections. */
public final class CpuMambaStep implements FusedStep {
    private final Cpu cpu;

    public CpuMambaStep(Cpu cpu) {
        this.cpu = cpu;
    }

    @Override
    public Array step(Array projected, Weights weights, Array history, Array state) {
        Config config = weights.config();
        long batch = projected.shape().dim(0);
        int width = Math.toIntExact(config.innerWidth());
        int channels = width + 2 * config.groups() * config.stateSize();
        Array mixed = cpu.take(batch, channels);
        Array y = cpu.take(batch, width);
        Position position = new Position(
                cpu,
                weights,
                cpu.at(projected),
                projected.shape().dim(1),
                cpu.at(history),
                cpu.at(state),
                cpu.at(mixed));
        long out = cpu.at(y);
        long heads = config.heads();
        cpu.run(
                batch,
                batch * channels * config.convWidth(),
                (sequence, lane) -> position.convolve(sequence, channels));
        cpu.run(
                batch * heads,
                batch * width * config.stateSize() * 2L,
                (index, lane) -> position.head(lane, index / heads, index % heads, out, channels));
        cpu.run(1, (index, lane) -> {
            for (long sequence = 0; sequence < batch; sequence++) {
                long row = Cpu.plus(out, sequence * width);
                lane.rows().gate(row, row, position.row(sequence, channels), cpu.at(weights.zBias()), width);
            }
        });
        cpu.release(mixed);
        return y;
    }

    private record Position(
            Cpu cpu, Weights weights, long projected, long stride, long history, long state, long mixed) {
        /** From a column of the projected row on. */
        long row(long sequence, long column) {
            return Cpu.plus(projected, sequence * stride + column);
        }

        /** Convolves the new inputs and those before, and moves these on by one. */
        void convolve(long sequence, int channels) {
            int taps = weights.config().convWidth();
            long past = Cpu.plus(history, sequence * (taps - 1) * channels);
            long now = row(sequence, 0);
            long target = Cpu.plus(mixed, sequence * channels);
            long weight = cpu.at(weights.convWeight());
            long bias = cpu.at(weights.convBias());
            for (int c = 0; c < channels; c++) {
                float sum = Raw.get(Cpu.plus(bias, c));
                for (int k = 0; k < taps - 1; k++) {
                    sum += Raw.get(Cpu.plus(weight, (long) c * taps + k))
                            * Raw.get(Cpu.plus(past, (long) k * channels + c));
                }
                sum += Raw.get(Cpu.plus(weight, (long) c * taps + taps - 1)) * Raw.get(Cpu.plus(now, c));
                Raw.put(Cpu.plus(target, c), sum);
            }
            for (int k = 0; k < taps - 2; k++) {
                Raw.copy(Cpu.plus(past, (long) k * channels), Cpu.plus(past, (k + 1L) * channels), channels);
            }
            Raw.copy(Cpu.plus(past, (taps - 2L) * channels), now, channels);
        }

        /** One head's state and output. */
        void head(Lane lane, long sequence, long head, long y, int channels) {
            Config config = weights.config();
            int heads = config.heads();
            int states = config.stateSize();
            int each = Math.toIntExact(config.innerWidth() / heads);
            long group = head / (heads / config.groups());
            long x = Cpu.plus(mixed, sequence * channels + head * each);
            long b = Cpu.plus(mixed, sequence * channels + config.innerWidth() + group * states);
            long c = Cpu.plus(b, (long) config.groups() * states);
            double a = Raw.get(row(sequence, channels + config.innerWidth() + head));
            // exp(-softplus(a))
            float kept = (float) (1 / (1 + Math.exp(a)));
            float skip = Raw.get(Cpu.plus(cpu.at(weights.skip()), head));
            long target = Cpu.plus(y, sequence * config.innerWidth() + head * each);
            long own = Cpu.plus(state, (sequence * heads + head) * each * states);
            lane.rows().affine(own, kept, 0, own, each * states);
            for (int p = 0; p < each; p++) {
                lane.rows().addScaled(Cpu.plus(own, (long) p * states), Raw.get(Cpu.plus(x, p)), b, states);
            }
            lane.rows().dots(target, own, each, c, states);
            lane.rows().addScaled(target, skip, x, each);
        }
    }
}
