package org.mohawk4j.backend.cpu.op;

import java.util.List;
import java.util.Optional;
import org.mohawk4j.backend.Array;
import org.mohawk4j.backend.cpu.Cpu;
import org.mohawk4j.backend.cpu.Lane.Matrix;
import org.mohawk4j.backend.cpu.Raw;
import org.mohawk4j.op.SemiseparableFunction.FusedSemiseparable;

/** The semiseparable product, a head of a sequence at a time. */
public final class CpuSemiseparable implements FusedSemiseparable {
    private final Cpu cpu;

    public CpuSemiseparable(Cpu cpu) {
        this.cpu = cpu;
    }

    /** Extents of one call. */
    private record Call(long batch, long heads, long groups, Scan scan) {
        static Call of(Array x, Array b, int chunk) {
            return new Call(
                    x.shape().dim(0),
                    x.shape().dim(2),
                    b.shape().dim(2),
                    Scan.of(x.shape().dim(1), x.shape().dim(3), b.shape().dim(3), chunk));
        }

        long shared() {
            return heads / groups;
        }

        /** Rows of a head, of {@code own} side by side, n wide each. */
        Matrix rows(long start, long sequence, long head, long own, long n) {
            return new Matrix(Cpu.plus(start, (sequence * scan.time() * own + head) * n), own * n);
        }

        Matrix values(long start, long sequence, long head) {
            return rows(start, sequence, head, heads, scan.width());
        }

        Matrix keys(long start, long sequence, long group) {
            return rows(start, sequence, group, groups, scan.states());
        }

        Matrix numbers(long start, long sequence, long head) {
            return rows(start, sequence, head, heads, 1);
        }

        long state(long start, long map) {
            return Cpu.plus(start, map * scan.stateSize());
        }

        long before(long start, long map) {
            return Cpu.plus(start, map * scan.chunks() * scan.stateSize());
        }

        Scan.Inputs inputs(long x, long b, long c, long decay, long map) {
            long sequence = map / heads;
            long head = map % heads;
            long group = head / shared();
            return new Scan.Inputs(
                    values(x, sequence, head),
                    keys(b, sequence, group),
                    keys(c, sequence, group),
                    numbers(decay, sequence, head));
        }
    }

    @Override
    public boolean supports(long headDim, long stateSize) {
        return true;
    }

    @Override
    public Forward forward(Array x, Array b, Array c, Array logDecay, Optional<Array> state, int chunk, boolean kept) {
        Call call = Call.of(x, b, chunk);
        Scan scan = call.scan;
        long maps = call.batch * call.heads;
        Array y = cpu.take(x.shape());
        Array last = cpu.take(call.batch, call.heads, scan.width(), scan.states());
        Array before = cpu.take(kept ? maps * scan.chunks() * scan.stateSize() : 1);
        long given = state.map(cpu::at).orElse(0L);
        long states = kept ? cpu.at(before) : 0;
        long values = cpu.at(x);
        long keys = cpu.at(b);
        long queries = cpu.at(c);
        long decay = cpu.at(logDecay);
        long out = cpu.at(y);
        long end = cpu.at(last);
        cpu.run(maps, (map, lane) -> {
            long now = call.state(end, map);
            if (given == 0) {
                Raw.zero(now, scan.stateSize());
            } else {
                Raw.copy(now, call.state(given, map), scan.stateSize());
            }
            scan.forward(
                    lane,
                    call.inputs(values, keys, queries, decay, map),
                    call.values(out, map / call.heads, map % call.heads),
                    now,
                    states == 0 ? 0 : call.before(states, map));
        });
        if (!kept) {
            cpu.release(before);
        }
        return new Forward(y, last, kept ? List.of(before) : List.of());
    }

    @Override
    public Gradients backward(
            Array yGradient,
            Array stateGradient,
            Array x,
            Array b,
            Array c,
            Array logDecay,
            Optional<Array> state,
            List<Array> saved,
            int chunk) {
        Call call = Call.of(x, b, chunk);
        Array ofX = cpu.take(x.shape());
        Array ofB = cpu.take(b.shape());
        Array ofC = cpu.take(c.shape());
        Array ofDecay = cpu.take(logDecay.shape());
        Array ofState = cpu.take(stateGradient.shape());
        cpu.zero(cpu.at(ofX), x.shape().size());
        Raw.copy(cpu.at(ofState), cpu.at(stateGradient), stateGradient.shape().size());
        long before = cpu.at(saved.get(0));
        long values = cpu.at(x);
        long keys = cpu.at(b);
        long queries = cpu.at(c);
        long decay = cpu.at(logDecay);
        long g = cpu.at(yGradient);
        long outX = cpu.at(ofX);
        long outB = cpu.at(ofB);
        long outC = cpu.at(ofC);
        long outDecay = cpu.at(ofDecay);
        long outState = cpu.at(ofState);
        // heads of a group add to the same b and c
        cpu.run(call.batch * call.groups, (index, lane) -> {
            long sequence = index / call.groups;
            long group = index % call.groups;
            for (long i = 0; i < call.shared(); i++) {
                long head = group * call.shared() + i;
                long map = sequence * call.heads + head;
                call.scan.backward(
                        lane,
                        call.inputs(values, keys, queries, decay, map),
                        call.values(g, sequence, head),
                        call.before(before, map),
                        call.state(outState, map),
                        new Scan.Gradients(
                                call.values(outX, sequence, head),
                                call.keys(outB, sequence, group),
                                call.keys(outC, sequence, group),
                                call.numbers(outDecay, sequence, head),
                                i > 0));
            }
        });
        if (state.isEmpty()) {
            cpu.release(ofState);
        }
        return new Gradients(ofX, ofB, ofC, ofDecay, state.map(given -> ofState));
    }
}
