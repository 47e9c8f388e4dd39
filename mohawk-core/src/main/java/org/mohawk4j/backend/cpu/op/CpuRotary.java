package org.mohawk4j.backend.cpu.op;

import org.mohawk4j.backend.Array;
import org.mohawk4j.backend.cpu.Cpu;
import org.mohawk4j.op.RotaryFunction.FusedRotary;

/** Rotation of each head's entries. */
public final class CpuRotary implements FusedRotary {
    private final Cpu cpu;

    public CpuRotary(Cpu cpu) {
        this.cpu = cpu;
    }

    @Override
    public Array rotate(Array x, Array cos, Array sin, int rotaryDim, long firstPosition, boolean inverse) {
        long time = x.shape().dim(1);
        long heads = x.shape().dim(2);
        int width = Math.toIntExact(x.shape().dim(3));
        Array y = cpu.take(x.shape());
        long in = cpu.at(x);
        long out = cpu.at(y);
        long cosines = cpu.at(cos);
        long sines = cpu.at(sin);
        cpu.inBlocks(x.shape().dim(0) * time, Cpu.BLOCK, (from, count, block, lane) -> {
            for (long t = from; t < from + count; t++) {
                long table = (firstPosition + t % time) * width;
                for (long row = t * heads; row < (t + 1) * heads; row++) {
                    lane.rows()
                            .rotate(
                                    Cpu.plus(out, row * width),
                                    Cpu.plus(in, row * width),
                                    Cpu.plus(cosines, table),
                                    Cpu.plus(sines, table),
                                    inverse ? -1 : 1,
                                    rotaryDim / 2,
                                    width);
                }
            }
        });
        return y;
    }
}
