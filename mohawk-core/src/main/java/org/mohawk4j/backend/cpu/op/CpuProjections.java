package org.mohawk4j.backend.cpu.op;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.mohawk4j.backend.Array;
import org.mohawk4j.backend.cpu.Cpu;
import org.mohawk4j.backend.cpu.Lane;
import org.mohawk4j.backend.cpu.Lane.Matrix;
import org.mohawk4j.backend.cpu.Lane.Sizes;
import org.mohawk4j.op.Activation;
import org.mohawk4j.op.LinearMap;
import org.mohawk4j.op.NormedLinearsFunction.FusedNormedLinears;
import org.mohawk4j.op.NormedLinearsFunction.Norm;
import org.mohawk4j.op.SummedLinearsFunction.FusedSummedLinears;
import org.mohawk4j.op.SummedLinearsFunction.Term;
import org.mohawk4j.op.glu.NormedGluFunction.FusedNormedGlu;
import org.mohawk4j.tensor.types.DType;

/** What a block begins and ends with in generation, where the rows are few and reading the weights is all the cost. */
public final class CpuProjections {
    private static final long MOST_ROWS = 8;
    private static final long OUTPUTS = 256;

    private final Cpu cpu;

    public CpuProjections(Cpu cpu) {
        this.cpu = cpu;
    }

    public FusedNormedLinears normed() {
        return new Normed();
    }

    public FusedNormedGlu glu() {
        return new Glu();
    }

    public FusedSummedLinears summed() {
        return new Summed();
    }

    private final class Normed implements FusedNormedLinears {
        @Override
        public boolean supports(Array x, Norm.Arrays norm, List<LinearMap.Arrays> maps) {
            return x.shape().dim(0) <= MOST_ROWS;
        }

        @Override
        public List<Array> forward(Array x, Norm.Arrays norm, List<LinearMap.Arrays> maps, DType result) {
            Array u = normalized(x, norm);
            List<Array> results = applied(u, maps);
            cpu.release(u);
            return results;
        }
    }

    private final class Glu implements FusedNormedGlu {
        @Override
        public boolean supports(Array x, Norm.Arrays norm, LinearMap.Arrays gate, LinearMap.Arrays up) {
            return x.shape().dim(0) <= MOST_ROWS
                    && gate.weight().shape().equals(up.weight().shape());
        }

        @Override
        public Array forward(Array x, Norm.Arrays norm, LinearMap.Arrays gate, LinearMap.Arrays up) {
            Array u = normalized(x, norm);
            List<Array> both = applied(u, List.of(gate, up));
            Array y = both.get(0);
            int size = Math.toIntExact(y.shape().size());
            cpu.run(1, (index, lane) -> lane.rows().multiply(cpu.at(y), cpu.at(y), cpu.at(both.get(1)), size));
            cpu.release(u, both.get(1));
            return y;
        }
    }

    private final class Summed implements FusedSummedLinears {
        @Override
        public boolean supports(Array h, List<Term.Arrays> terms) {
            return h.shape().dim(0) <= MOST_ROWS;
        }

        @Override
        public Array forward(Array h, List<Term.Arrays> terms) {
            List<Map> maps = new ArrayList<>();
            Array sum = cpu.take(h.shape());
            for (Term.Arrays term : terms) {
                maps.add(new Map(term.x(), term.map(), cpu.take(h.shape())));
            }
            run(maps);
            int size = Math.toIntExact(h.shape().size());
            cpu.run(1, (index, lane) -> {
                lane.rows().add(cpu.at(sum), cpu.at(h), cpu.at(maps.get(0).target), size);
                for (Map map : maps.subList(1, maps.size())) {
                    lane.rows().add(cpu.at(sum), cpu.at(sum), cpu.at(map.target), size);
                }
            });
            maps.forEach(map -> cpu.release(map.target));
            return sum;
        }
    }

    private Array normalized(Array x, Norm.Arrays norm) {
        Array u = cpu.take(x.shape());
        int width = Math.toIntExact(x.shape().dim(1));
        long scale = cpu.at(norm.weight());
        Optional<Long> shift = norm.bias().map(cpu::at);
        cpu.run(1, (index, lane) -> {
            long statistics = lane.scratch().take(2);
            for (long i = 0; i < x.shape().dim(0); i++) {
                long in = Cpu.plus(cpu.at(x), i * width);
                long out = Cpu.plus(cpu.at(u), i * width);
                if (shift.isPresent()) {
                    lane.rows().layerNorm(out, in, scale, shift.get(), (float) norm.epsilon(), statistics, width);
                } else {
                    lane.rows().rmsNorm(out, in, scale, (float) norm.epsilon(), statistics, width);
                }
            }
        });
        return u;
    }

    private List<Array> applied(Array u, List<LinearMap.Arrays> maps) {
        List<Map> all = maps.stream()
                .map(map -> new Map(
                        u, map, cpu.take(u.shape().dim(0), map.weight().shape().dim(0))))
                .toList();
        run(all);
        return all.stream().map(map -> map.target).toList();
    }

    /** A map of all rows of x, as tasks of some outputs each. */
    private final class Map {
        private final Array target;
        private final Activation activation;
        private final long rows;
        private final long width;
        private final int depth;
        private final long x;
        private final long weight;
        private final long bias;
        private final long y;

        Map(Array x, LinearMap.Arrays map, Array target) {
            this.target = target;
            this.activation = map.activation();
            this.rows = x.shape().dim(0);
            this.width = map.weight().shape().dim(0);
            this.depth = Math.toIntExact(map.weight().shape().dim(1));
            this.x = cpu.at(x);
            this.weight = cpu.at(map.weight());
            this.bias = map.bias().map(cpu::at).orElse(0L);
            this.y = cpu.at(target);
        }

        long tasks() {
            return (width + OUTPUTS - 1) / OUTPUTS;
        }

        void run(long task, Lane lane) {
            long from = task * OUTPUTS;
            int count = (int) Math.min(OUTPUTS, width - from);
            CpuLinear.map(
                    lane,
                    new Sizes(rows, count, depth),
                    x,
                    Cpu.plus(weight, from * depth),
                    new Matrix(Cpu.plus(y, from), width));
            for (long i = 0; i < rows; i++) {
                long row = Cpu.plus(y, i * width + from);
                if (bias != 0) {
                    lane.rows().add(row, row, Cpu.plus(bias, from), count);
                }
                if (activation != Activation.NONE) {
                    lane.rows().activate(activation, row, row, count);
                }
            }
        }
    }

    private void run(List<Map> maps) {
        long tasks = maps.stream().mapToLong(Map::tasks).sum();
        long work =
                maps.stream().mapToLong(map -> map.rows * map.width * map.depth).sum();
        cpu.run(tasks, work, (index, lane) -> {
            long task = index;
            for (Map map : maps) {
                if (task < map.tasks()) {
                    map.run(task, lane);
                    return;
                }
                task -= map.tasks();
            }
        });
    }
}
