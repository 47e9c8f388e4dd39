package org.mohawk4j.backend.cpu.op;

import java.util.List;
import org.mohawk4j.backend.Array;
import org.mohawk4j.backend.cpu.Cpu;
import org.mohawk4j.backend.cpu.Raw;
import org.mohawk4j.op.LayerNormFunction.FusedLayerNorm;
import org.mohawk4j.op.ResidualNormFunction.FusedResidualNorm;
import org.mohawk4j.tensor.types.DType;
import org.mohawk4j.tensor.types.Shape;

/** Layer normalization row by row, alone or of a residual sum. */
public final class CpuLayerNorm {
    private static final int STATISTICS = 2;

    private final Cpu cpu;

    public CpuLayerNorm(Cpu cpu) {
        this.cpu = cpu;
    }

    public FusedLayerNorm alone() {
        return new Alone();
    }

    public FusedResidualNorm ofSum() {
        return new OfSum();
    }

    private final class Alone implements FusedLayerNorm {
        @Override
        public FusedLayerNorm.Result forward(Array x, Array weight, Array bias, double epsilon) {
            Array y = cpu.take(x.shape());
            Array statistics = statistics(x.shape());
            int width = Math.toIntExact(x.shape().dim(-1));
            long in = cpu.at(x);
            long out = cpu.at(y);
            long scale = cpu.at(weight);
            long shift = cpu.at(bias);
            long kept = cpu.at(statistics);
            cpu.inBlocks(x.shape().size() / width, Cpu.BLOCK, (from, count, block, lane) -> {
                for (long i = from; i < from + count; i++) {
                    lane.rows()
                            .layerNorm(
                                    Cpu.plus(out, i * width),
                                    Cpu.plus(in, i * width),
                                    scale,
                                    shift,
                                    (float) epsilon,
                                    Cpu.plus(kept, STATISTICS * i),
                                    width);
                }
            });
            return new FusedLayerNorm.Result(y, List.of(statistics));
        }

        @Override
        public FusedLayerNorm.Gradients backward(Array outputGradient, Array x, Array weight, List<Array> saved) {
            Array ofX = cpu.take(x.shape());
            Array[] sums = gradients(ofX, outputGradient, x, weight, saved.get(0));
            return new FusedLayerNorm.Gradients(ofX, sums[0], sums[1]);
        }
    }

    private final class OfSum implements FusedResidualNorm {
        @Override
        public boolean supports(DType stream, DType branch) {
            return stream == DType.FLOAT32 && branch == DType.FLOAT32;
        }

        @Override
        public FusedResidualNorm.Result forward(Array h, Array a, Array b, Array weight, Array bias, double epsilon) {
            Array sum = cpu.take(h.shape());
            Array y = cpu.take(h.shape());
            Array statistics = statistics(h.shape());
            int width = Math.toIntExact(h.shape().dim(-1));
            long stream = cpu.at(h);
            long one = cpu.at(a);
            long two = cpu.at(b);
            long total = cpu.at(sum);
            long out = cpu.at(y);
            long scale = cpu.at(weight);
            long shift = cpu.at(bias);
            long kept = cpu.at(statistics);
            cpu.inBlocks(h.shape().size() / width, Cpu.BLOCK, (from, count, block, lane) -> {
                for (long i = from; i < from + count; i++) {
                    long row = Cpu.plus(total, i * width);
                    lane.rows().add(row, Cpu.plus(stream, i * width), Cpu.plus(one, i * width), width);
                    lane.rows().add(row, row, Cpu.plus(two, i * width), width);
                    lane.rows()
                            .layerNorm(
                                    Cpu.plus(out, i * width),
                                    row,
                                    scale,
                                    shift,
                                    (float) epsilon,
                                    Cpu.plus(kept, STATISTICS * i),
                                    width);
                }
            });
            return new FusedResidualNorm.Result(sum, y, List.of(statistics));
        }

        @Override
        public FusedResidualNorm.Gradients backward(
                Array sumGradient, Array normalizedGradient, Array sum, Array weight, DType branch, List<Array> saved) {
            Array ofX = cpu.take(sum.shape());
            Array[] sums = gradients(ofX, normalizedGradient, sum, weight, saved.get(0));
            long x = cpu.at(ofX);
            long more = cpu.at(sumGradient);
            int width = Math.toIntExact(sum.shape().dim(-1));
            cpu.inBlocks(sum.shape().size() / width, Cpu.BLOCK, (from, count, block, lane) -> {
                long place = Cpu.plus(x, from * width);
                lane.rows().add(place, place, Cpu.plus(more, from * width), count * width);
            });
            return new FusedResidualNorm.Gradients(ofX, ofX, sums[0], sums[1]);
        }
    }

    private Array statistics(Shape shape) {
        return cpu.take(shape.size() / shape.dim(-1), STATISTICS);
    }

    /** Fills the gradient by x; gives those by weight and bias. */
    private Array[] gradients(Array ofX, Array outputGradient, Array x, Array weight, Array statistics) {
        int width = Math.toIntExact(x.shape().dim(-1));
        long rows = x.shape().size() / width;
        int blocks = Cpu.blocks(rows, Cpu.BLOCK);
        Array parts = cpu.take(2, blocks, width);
        long ofWeights = cpu.at(parts);
        long ofBiases = Cpu.plus(ofWeights, (long) blocks * width);
        long result = cpu.at(ofX);
        long g = cpu.at(outputGradient);
        long in = cpu.at(x);
        long scale = cpu.at(weight);
        long kept = cpu.at(statistics);
        cpu.inBlocks(rows, Cpu.BLOCK, (from, count, block, lane) -> {
            long ofWeight = Cpu.plus(ofWeights, (long) block * width);
            long ofBias = Cpu.plus(ofBiases, (long) block * width);
            Raw.zero(ofWeight, width);
            Raw.zero(ofBias, width);
            for (long i = from; i < from + count; i++) {
                lane.rows()
                        .layerNormGradient(
                                Cpu.plus(result, i * width),
                                Cpu.plus(g, i * width),
                                Cpu.plus(in, i * width),
                                scale,
                                Cpu.plus(kept, STATISTICS * i),
                                ofWeight,
                                ofBias,
                                width);
            }
        });
        Array[] sums = {cpu.take(width), cpu.take(width)};
        cpu.sumOfParts(cpu.at(sums[0]), ofWeights, blocks, width);
        cpu.sumOfParts(cpu.at(sums[1]), ofBiases, blocks, width);
        cpu.release(parts);
        return sums;
    }
}
