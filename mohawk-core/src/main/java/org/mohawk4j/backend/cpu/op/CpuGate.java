package org.mohawk4j.backend.cpu.op;

import org.mohawk4j.backend.Array;
import org.mohawk4j.backend.cpu.Cpu;
import org.mohawk4j.backend.cpu.Raw;
import org.mohawk4j.op.GateFunction.FusedGate;

/** The gate of a mixer's output, row by row. */
public final class CpuGate implements FusedGate {
    private final Cpu cpu;

    public CpuGate(Cpu cpu) {
        this.cpu = cpu;
    }

    @Override
    public Array forward(Array x, Array z, Array bias) {
        Array y = cpu.take(x.shape());
        int width = Math.toIntExact(x.shape().dim(-1));
        long in = cpu.at(x);
        long gate = cpu.at(z);
        long shift = cpu.at(bias);
        long out = cpu.at(y);
        cpu.inBlocks(x.shape().size() / width, Cpu.BLOCK, (from, count, block, lane) -> {
            for (long at = from * width; at < (from + count) * width; at += width) {
                lane.rows().gate(Cpu.plus(out, at), Cpu.plus(in, at), Cpu.plus(gate, at), shift, width);
            }
        });
        return y;
    }

    @Override
    public Gradients backward(Array outputGradient, Array x, Array z, Array bias) {
        int width = Math.toIntExact(x.shape().dim(-1));
        long rows = x.shape().size() / width;
        int blocks = Cpu.blocks(rows, Cpu.BLOCK);
        Array ofX = cpu.take(x.shape());
        Array ofZ = cpu.take(x.shape());
        Array ofBias = cpu.take(width);
        Array parts = cpu.take(blocks, width);
        long g = cpu.at(outputGradient);
        long in = cpu.at(x);
        long gate = cpu.at(z);
        long shift = cpu.at(bias);
        long one = cpu.at(ofX);
        long two = cpu.at(ofZ);
        long sums = cpu.at(parts);
        cpu.inBlocks(rows, Cpu.BLOCK, (from, count, block, lane) -> {
            long sum = Cpu.plus(sums, (long) block * width);
            Raw.zero(sum, width);
            for (long at = from * width; at < (from + count) * width; at += width) {
                long ofGate = Cpu.plus(two, at);
                lane.rows()
                        .gateGradient(
                                Cpu.plus(one, at),
                                ofGate,
                                Cpu.plus(g, at),
                                Cpu.plus(in, at),
                                Cpu.plus(gate, at),
                                shift,
                                width);
                lane.rows().add(sum, sum, ofGate, width);
            }
        });
        cpu.sumOfParts(cpu.at(ofBias), sums, blocks, width);
        cpu.release(parts);
        return new Gradients(ofX, ofZ, ofBias);
    }
}
