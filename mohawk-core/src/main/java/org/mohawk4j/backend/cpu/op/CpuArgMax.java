package org.mohawk4j.backend.cpu.op;

import org.mohawk4j.backend.Array;
import org.mohawk4j.backend.cpu.Cpu;
import org.mohawk4j.backend.cpu.Raw;
import org.mohawk4j.op.ArgMaxFunction.FusedArgMax;

/** The place of the largest number, a row at a time. */
public final class CpuArgMax implements FusedArgMax {
    private final Cpu cpu;

    public CpuArgMax(Cpu cpu) {
        this.cpu = cpu;
    }

    @Override
    public Array argMax(Array x) {
        Array places = cpu.takeIndices(x.shape().dim(0));
        argMaxInto(places, x);
        return places;
    }

    @Override
    public void argMaxInto(Array target, Array x) {
        long columns = x.shape().dim(1);
        long in = cpu.at(x);
        long out = cpu.atIndices(target);
        cpu.run(x.shape().dim(0), x.shape().size(), (row, lane) -> {
            long start = Cpu.plus(in, row * columns);
            float largest = Raw.get(start);
            int best = 0;
            for (int i = 1; i < columns; i++) {
                float next = Raw.get(Cpu.plus(start, i));
                if (next > largest) {
                    largest = next;
                    best = i;
                }
            }
            Raw.putInt(Cpu.plus(out, row), best);
        });
    }
}
