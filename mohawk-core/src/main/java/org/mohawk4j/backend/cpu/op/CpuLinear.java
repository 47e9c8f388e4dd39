package org.mohawk4j.backend.cpu.op;

import java.util.List;
import java.util.Optional;
import org.mohawk4j.backend.Array;
import org.mohawk4j.backend.cpu.Cpu;
import org.mohawk4j.backend.cpu.Lane;
import org.mohawk4j.backend.cpu.Lane.Matrix;
import org.mohawk4j.backend.cpu.Lane.Sizes;
import org.mohawk4j.backend.cpu.Raw;
import org.mohawk4j.op.Activation;
import org.mohawk4j.op.LinearFunction.FusedLinear;
import org.mohawk4j.tensor.types.DType;

/** Product with bias and activation while a tile of it is in the cache. */
public final class CpuLinear implements FusedLinear {
    private static final int ROWS = 128;
    private static final long FEW_ROWS = 4;

    private final Cpu cpu;

    public CpuLinear(Cpu cpu) {
        this.cpu = cpu;
    }

    @Override
    public boolean supports(Activation activation) {
        return true;
    }

    @Override
    public Result forward(Array input, Array weight, Optional<Array> bias, Activation activation, Wanted wanted) {
        long rows = input.shape().dim(0);
        long width = weight.shape().dim(0);
        long depth = weight.shape().dim(1);
        Array output = cpu.take(rows, width);
        boolean saves = activation != Activation.NONE && wanted.any();
        Array product = saves ? cpu.take(rows, width) : output;
        long x = cpu.at(input);
        long w = cpu.at(weight);
        long before = cpu.at(product);
        long after = cpu.at(output);
        long shift = bias.map(cpu::at).orElse(0L);
        cpu.inTiles(new Sizes(rows, width, depth), (from, column, tile, lane) -> {
            long place = from * width + column;
            int columns = Math.toIntExact(tile.n());
            map(
                    lane,
                    tile,
                    Cpu.plus(x, from * depth),
                    Cpu.plus(w, column * depth),
                    new Matrix(Cpu.plus(before, place), width));
            for (int i = 0; i < tile.m(); i++) {
                long row = Cpu.plus(before, place + i * width);
                if (shift != 0) {
                    lane.rows().add(row, row, Cpu.plus(shift, column), columns);
                }
                if (activation != Activation.NONE) {
                    lane.rows().activate(activation, Cpu.plus(after, place + i * width), row, columns);
                }
            }
        });
        return new Result(output, saves ? List.of(product) : List.of());
    }

    /** {@code x Wᵀ}. Of few rows, W is read as it is: a product copies it first, which costs more than the rest. */
    static void map(Lane lane, Sizes sizes, long x, long weight, Matrix target) {
        if (sizes.m() > FEW_ROWS) {
            lane.gemm(sizes, 1, new Matrix(x, sizes.k()), new Matrix(weight, sizes.k(), true), 0, target);
            return;
        }
        int depth = Math.toIntExact(sizes.k());
        for (long i = 0; i < sizes.m(); i++) {
            lane.rows()
                    .dots(
                            target.from(i, 0).address(),
                            weight,
                            Math.toIntExact(sizes.n()),
                            Cpu.plus(x, i * depth),
                            depth);
        }
    }

    @Override
    public Gradients backward(
            Array outputGradient,
            Optional<Array> input,
            Optional<Array> weight,
            DType inputType,
            List<Array> saved,
            Activation activation,
            Wanted wanted) {
        long rows = outputGradient.shape().dim(0);
        long width = outputGradient.shape().dim(1);
        boolean activated = activation != Activation.NONE;
        Array upstream = activated ? cpu.take(rows, width) : outputGradient;
        Optional<Array> ofInput = weight.filter(w -> wanted.input())
                .map(w -> cpu.take(rows, w.shape().dim(1)));
        Array parts = cpu.take(wanted.bias() ? Cpu.blocks(rows, ROWS) : 1, width);
        long given = cpu.at(outputGradient);
        long before = activated ? cpu.at(saved.get(0)) : 0;
        long g = cpu.at(upstream);
        long w = weight.map(cpu::at).orElse(0L);
        long sums = cpu.at(parts);
        if (activated || wanted.bias()) {
            cpu.inBlocks(rows, ROWS, (from, count, block, lane) -> {
                long place = from * width;
                if (activated) {
                    lane.rows()
                            .activationGradient(
                                    activation,
                                    Cpu.plus(g, place),
                                    Cpu.plus(given, place),
                                    Cpu.plus(before, place),
                                    Math.toIntExact(count * width));
                }
                if (wanted.bias()) {
                    sumOfRows(lane, Cpu.plus(sums, block * width), Cpu.plus(g, place), count, width);
                }
            });
        }
        ofInput.ifPresent(result -> {
            long depth = result.shape().dim(1);
            cpu.product(new Sizes(rows, depth, width), new Matrix(g, width), new Matrix(w, depth), cpu.at(result));
        });
        Optional<Array> ofWeight = input.filter(x -> wanted.weight()).map(x -> weightGradient(cpu, upstream, x));
        Optional<Array> ofBias = Optional.empty();
        if (wanted.bias()) {
            Array total = cpu.take(width);
            cpu.sumOfParts(cpu.at(total), sums, Cpu.blocks(rows, ROWS), width);
            ofBias = Optional.of(total);
        }
        cpu.release(parts);
        if (activated) {
            cpu.release(upstream);
        }
        return new Gradients(ofInput, ofWeight, ofBias);
    }

    /** {@code gᵀ x}, [E,D] of g [R,E] and x [R,D]. */
    static Array weightGradient(Cpu cpu, Array g, Array x) {
        long width = g.shape().dim(1);
        long depth = x.shape().dim(1);
        Array result = cpu.take(width, depth);
        cpu.product(
                new Sizes(width, depth, g.shape().dim(0)),
                new Matrix(cpu.at(g), width, true),
                new Matrix(cpu.at(x), depth),
                cpu.at(result));
        return result;
    }

    /** The sum of some rows that are close together. */
    static void sumOfRows(Lane lane, long target, long rows, int count, long width) {
        int n = Math.toIntExact(width);
        Raw.copy(target, rows, n);
        for (int i = 1; i < count; i++) {
            lane.rows().add(target, target, Cpu.plus(rows, i * width), n);
        }
    }
}
