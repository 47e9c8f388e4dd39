package org.mohawk4j.backend.cpu.op;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.mohawk4j.backend.Array;
import org.mohawk4j.backend.cpu.Cpu;
import org.mohawk4j.backend.cpu.Lane;
import org.mohawk4j.backend.cpu.Lane.Matrix;
import org.mohawk4j.backend.cpu.Lane.Sizes;
import org.mohawk4j.backend.cpu.Raw;
import org.mohawk4j.matrix.FrobeniusDistance.FusedFrobenius;
import org.mohawk4j.matrix.MixingMatrix;
import org.mohawk4j.matrix.SemiseparableMatrix;
import org.mohawk4j.matrix.SoftmaxMatrix;
import org.mohawk4j.tensor.Edge;
import org.mohawk4j.tensor.Engine;
import org.mohawk4j.tensor.Tensor;

/**
 * The loss of stage 1 between softmax attention and a semiseparable matrix, some rows of one head at a time. The
 * difference's gradients are computed on the way and divided by the norm once it is known.
 */
public final class CpuFrobenius implements FusedFrobenius {
    private static final int ROWS = 64;

    private final Cpu cpu;

    public CpuFrobenius(Cpu cpu) {
        this.cpu = cpu;
    }

    @Override
    public Optional<Tensor> distance(MixingMatrix teacher, MixingMatrix student) {
        if (teacher instanceof SoftmaxMatrix softmax
                && student instanceof SemiseparableMatrix semiseparable
                && softmax.q()
                        .shape()
                        .without(3)
                        .equals(semiseparable.logDecay().shape())
                && softmax.scores().isPlain(softmax.k().dim(1))) {
            return Optional.of(new Pass(softmax, semiseparable).distance());
        }
        return Optional.empty();
    }

    private final class Pass {
        private final Engine engine;
        private final SemiseparableMatrix student;
        private final long batch;
        private final int time;
        private final long heads;
        private final long groups;
        private final long keyHeads;
        private final long headDim;
        private final int states;
        private final float scale;
        private final long q;
        private final long k;
        private final long c;
        private final long b;
        private final long decay;
        private final long skip;
        private final boolean tracked;

        Pass(SoftmaxMatrix teacher, SemiseparableMatrix student) {
            this.engine = student.c().engine();
            this.student = student;
            this.batch = teacher.q().dim(0);
            this.time = Math.toIntExact(teacher.q().dim(1));
            this.heads = teacher.q().dim(2);
            this.groups = student.c().dim(2);
            this.keyHeads = teacher.k().dim(2);
            this.headDim = teacher.q().dim(3);
            this.states = Math.toIntExact(student.c().dim(3));
            this.scale = (float) teacher.scale();
            this.q = cpu.at(teacher.q().array());
            this.k = cpu.at(teacher.k().array());
            this.c = cpu.at(student.c().array());
            this.b = cpu.at(student.b().array());
            this.decay = cpu.at(student.logDecay().array());
            this.skip = student.skip().map(d -> cpu.at(d.array())).orElse(0L);
            this.tracked = inputs().stream().anyMatch(engine::isTracked);
        }

        private List<Tensor> inputs() {
            List<Tensor> inputs = new ArrayList<>(List.of(student.c(), student.b(), student.logDecay()));
            student.skip().ifPresent(inputs::add);
            return inputs;
        }

        Tensor distance() {
            List<Tensor> inputs = inputs();
            List<Tensor> gradients = inputs.stream()
                    .filter(input -> tracked)
                    .map(input -> engine.wrap(cpu.take(input.shape())))
                    .toList();
            long[] targets = gradients.stream()
                    .mapToLong(gradient -> cpu.at(gradient.array()))
                    .toArray();
            double[] norms = new double[Math.toIntExact(batch * heads)];
            double[] diagonals = new double[norms.length];
            long shared = heads / groups;
            // heads of a group add to the same b and c
            cpu.run(batch * groups, (index, lane) -> {
                long sequence = index / groups;
                for (long i = 0; i < shared; i++) {
                    long head = index % groups * shared + i;
                    int map = Math.toIntExact(sequence * heads + head);
                    Head one = new Head(lane, sequence, head);
                    norms[map] = one.norm();
                    double factor = norms[map] == 0 ? 0 : 1 / (norms[map] * norms.length);
                    diagonals[map] = one.diagonal * factor;
                    if (tracked) {
                        one.store((float) factor, i > 0, targets);
                    }
                }
            });
            if (tracked && skip != 0) {
                skipGradient(targets[3], diagonals);
            }
            double sum = 0;
            for (double norm : norms) {
                sum += norm;
            }
            Array loss = cpu.take();
            Raw.put(cpu.at(loss), (float) (sum / norms.length));
            Edge[] edges = new Edge[gradients.size()];
            for (int i = 0; i < edges.length; i++) {
                Tensor gradient = gradients.get(i);
                edges[i] = Edge.of(inputs.get(i), g -> engine.isUnit(g) ? gradient : gradient.mul(g), gradient);
            }
            return engine.record(engine.wrap(loss), edges);
        }

        private void skipGradient(long target, double... diagonals) {
            for (int head = 0; head < heads; head++) {
                double sum = 0;
                for (int sequence = 0; sequence < batch; sequence++) {
                    sum += diagonals[(int) (sequence * heads + head)];
                }
                Raw.put(Cpu.plus(target, head), (float) sum);
            }
        }

        /** Rows along time of a head, of {@code own} side by side that heads share, n wide each. */
        private Matrix rows(long start, long sequence, long head, long own, long n) {
            return new Matrix(Cpu.plus(start, (sequence * time * own + head / (heads / own)) * n), own * n);
        }

        /** One head of one sequence, with its gradients by the difference as it is. */
        private final class Head {
            private final Lane lane;
            private final long sequence;
            private final long head;
            private final Matrix queries;
            private final Matrix keys;
            private final Matrix cs;
            private final Matrix bs;
            private final double[] sums = new double[time];
            private final long exponents;
            private final long weights;
            private final long matrix;
            private final long decays;
            private final long ofSums;
            private final Matrix ofC;
            private final Matrix ofB;
            private double squares;
            private double diagonal;

            Head(Lane lane, long sequence, long head) {
                this.lane = lane;
                this.sequence = sequence;
                this.head = head;
                queries = rows(q, sequence, head, heads, headDim);
                keys = rows(k, sequence, head, keyHeads, headDim);
                cs = rows(c, sequence, head, groups, states);
                bs = rows(b, sequence, head, groups, states);
                exponents = lane.scratch().take(time);
                weights = lane.scratch().take((long) ROWS * time);
                matrix = lane.scratch().take((long) ROWS * time);
                decays = lane.scratch().take(time);
                ofSums = lane.scratch().take(time);
                ofC = new Matrix(lane.scratch().take((long) time * states), states);
                ofB = new Matrix(lane.scratch().take((long) time * states), states);
            }

            double norm() {
                Matrix logs = rows(decay, sequence, head, heads, 1);
                double sum = 0;
                for (int t = 0; t < time; t++) {
                    sum += Raw.get(logs.from(t, 0).address());
                    sums[t] = sum;
                }
                Raw.zero(ofSums, time);
                Raw.zero(ofB.address(), (long) time * states);
                for (int from = 0; from < time; from += ROWS) {
                    block(from, Math.min(ROWS, time - from));
                }
                return Math.sqrt(squares);
            }

            private void block(int from, int count) {
                int columns = from + count;
                // from the block on: sums from the start would lose what their differences are made of
                for (int s = 0; s < columns; s++) {
                    Raw.put(Cpu.plus(exponents, s), (float) (sums[s] - sums[from]));
                }
                lane.gemm(
                        new Sizes(count, columns, headDim),
                        scale,
                        queries.from(from, 0),
                        keys.transpose(),
                        0,
                        new Matrix(weights, columns));
                lane.gemm(
                        new Sizes(count, columns, states),
                        1,
                        cs.from(from, 0),
                        bs.transpose(),
                        0,
                        new Matrix(matrix, columns));
                for (int i = 0; i < count; i++) {
                    row(from + i, Cpu.plus(weights, (long) i * columns), Cpu.plus(matrix, (long) i * columns));
                    Raw.zero(Cpu.plus(weights, (long) i * columns + from + i + 1), count - i - 1);
                }
                if (!tracked) {
                    return;
                }
                Matrix ofProducts = new Matrix(weights, columns);
                lane.gemm(new Sizes(count, states, columns), 1, ofProducts, bs, 0, ofC.from(from, 0));
                lane.gemm(new Sizes(columns, states, count), 1, ofProducts.transpose(), cs.from(from, 0), 1, ofB);
            }

            /** Leaves the gradient by the products {@code c·b} in place of the scores. */
            private void row(int t, long scores, long products) {
                int n = t + 1;
                lane.rows().softmax(scores, 1, scores, n);
                lane.rows().exp(decays, -1, Raw.get(Cpu.plus(exponents, t)), exponents, n);
                lane.rows().multiply(products, products, decays, n);
                lane.rows().subtract(scores, products, scores, n);
                if (skip != 0) {
                    long place = Cpu.plus(scores, t);
                    float difference = Raw.get(place) + Raw.get(Cpu.plus(skip, head));
                    Raw.put(place, difference);
                    diagonal += difference;
                }
                squares += lane.rows().dot(scores, scores, n);
                if (tracked) {
                    // s_t is in row t with a plus and in column t with a minus
                    lane.rows().multiply(products, products, scores, n);
                    lane.rows().subtract(ofSums, ofSums, products, n);
                    long own = Cpu.plus(ofSums, t);
                    Raw.put(own, Raw.get(own) + lane.rows().sum(products, n));
                    lane.rows().multiply(scores, scores, decays, n);
                }
            }

            /**
             * Writes the gradients times a factor.
             *
             * @param targets of c, b and the decay
             */
            void store(float factor, boolean adding, long... targets) {
                store(ofC, rows(targets[0], sequence, head, groups, states), factor, adding);
                store(ofB, rows(targets[1], sequence, head, groups, states), factor, adding);
                Matrix ofDecay = rows(targets[2], sequence, head, heads, 1);
                double sum = 0;
                for (int t = time - 1; t >= 0; t--) {
                    sum += Raw.get(Cpu.plus(ofSums, t));
                    Raw.put(ofDecay.from(t, 0).address(), (float) (sum * factor));
                }
            }

            private void store(Matrix from, Matrix to, float factor, boolean adding) {
                for (int t = 0; t < time; t++) {
                    long target = to.from(t, 0).address();
                    if (adding) {
                        lane.rows().addScaled(target, factor, from.from(t, 0).address(), states);
                    } else {
                        lane.rows().affine(target, factor, 0, from.from(t, 0).address(), states);
                    }
                }
            }
        }
    }
}
