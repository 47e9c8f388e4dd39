package org.mohawk4j.backend.cpu.op;

import java.util.List;
import org.mohawk4j.backend.Array;
import org.mohawk4j.backend.cpu.Cpu;
import org.mohawk4j.backend.cpu.Raw;
import org.mohawk4j.op.RmsNormFunction.FusedRmsNorm;

/** Root mean square normalization row by row. */
public final class CpuRmsNorm implements FusedRmsNorm {
    private final Cpu cpu;

    public CpuRmsNorm(Cpu cpu) {
        this.cpu = cpu;
    }

    @Override
    public Result forward(Array x, Array weight, double epsilon) {
        int width = Math.toIntExact(x.shape().dim(-1));
        long rows = x.shape().size() / width;
        Array y = cpu.take(x.shape());
        Array statistics = cpu.take(rows);
        long in = cpu.at(x);
        long out = cpu.at(y);
        long scale = cpu.at(weight);
        long kept = cpu.at(statistics);
        cpu.inBlocks(rows, Cpu.BLOCK, (from, count, block, lane) -> {
            for (long i = from; i < from + count; i++) {
                lane.rows()
                        .rmsNorm(
                                Cpu.plus(out, i * width),
                                Cpu.plus(in, i * width),
                                scale,
                                (float) epsilon,
                                Cpu.plus(kept, i),
                                width);
            }
        });
        return new Result(y, List.of(statistics));
    }

    @Override
    public Gradients backward(Array outputGradient, Array x, Array weight, List<Array> saved) {
        int width = Math.toIntExact(x.shape().dim(-1));
        long rows = x.shape().size() / width;
        int blocks = Cpu.blocks(rows, Cpu.BLOCK);
        Array ofX = cpu.take(x.shape());
        Array ofWeight = cpu.take(width);
        Array parts = cpu.take(blocks, width);
        long g = cpu.at(outputGradient);
        long in = cpu.at(x);
        long scale = cpu.at(weight);
        long kept = cpu.at(saved.get(0));
        long result = cpu.at(ofX);
        long sums = cpu.at(parts);
        cpu.inBlocks(rows, Cpu.BLOCK, (from, count, block, lane) -> {
            long sum = Cpu.plus(sums, (long) block * width);
            Raw.zero(sum, width);
            for (long i = from; i < from + count; i++) {
                lane.rows()
                        .rmsNormGradient(
                                Cpu.plus(result, i * width),
                                Cpu.plus(g, i * width),
                                Cpu.plus(in, i * width),
                                scale,
                                Cpu.plus(kept, i),
                                sum,
                                width);
            }
        });
        cpu.sumOfParts(cpu.at(ofWeight), sums, blocks, width);
        cpu.release(parts);
        return new Gradients(ofX, ofWeight);
    }
}
