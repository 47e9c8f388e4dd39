package org.mohawk4j.backend.cpu.op;

import java.util.Optional;
import org.mohawk4j.backend.Array;
import org.mohawk4j.backend.cpu.Cpu;
import org.mohawk4j.backend.cpu.Lane;
import org.mohawk4j.backend.cpu.Lane.Matrix;
import org.mohawk4j.backend.cpu.Lane.Sizes;
import org.mohawk4j.backend.cpu.Raw;
import org.mohawk4j.op.loss.DistillationFunction.FusedDistillation;
import org.mohawk4j.op.loss.DistillationFunction.Operands;
import org.mohawk4j.op.loss.DistillationFunction.Weights;

/**
 * The loss of stage 3 with its gradients. A task computes both models' logits of some rows, their loss and its gradient
 * while they are in the cache; of a number of such blocks the weight's gradient follows.
 */
public final class CpuDistillation implements FusedDistillation {
    /** Blocks whose gradient is held at once. */
    private static final int BLOCKS = 16;

    private static final int VOCABULARY_TILE = 256;

    /** Of a task: both models' fit into a second cache of 2 MB. */
    private static final long LOGITS = 1L << 18;

    private static final long MOST_ROWS = 128;
    private static final long LEAST_ROWS = 16;

    private final Cpu cpu;

    public CpuDistillation(Cpu cpu) {
        this.cpu = cpu;
    }

    @Override
    public Result forward(Operands teacher, Operands student, Optional<Array> labels, Weights weights, Wanted wanted) {
        return new Pass(teacher, student, labels, weights, wanted).run();
    }

    /**
     * Rows of logits that a task computes. The more there are, the less it matters that a product copies the weight first;
     * the fewer, the less memory they take.
     */
    static int rowsAtOnce(int vocabulary) {
        return (int) Math.max(LEAST_ROWS, Math.min(MOST_ROWS, LOGITS / vocabulary));
    }

    /** A head's addresses. */
    private record Head(long hidden, long weight, long bias, long depth) {}

    private final class Pass {
        private final Operands shapes;
        private final Head teacher;
        private final Head student;
        private final long labels;
        private final Weights weights;
        private final Wanted wanted;
        private final long rows;
        private final int vocabulary;
        /** In a block. */
        private final int each;

        Pass(Operands teacher, Operands student, Optional<Array> labels, Weights weights, Wanted wanted) {
            this.shapes = student;
            this.teacher = head(teacher);
            this.student = head(student);
            this.labels = labels.map(cpu::atIndices).orElse(0L);
            this.weights = weights;
            this.wanted = wanted;
            this.rows = student.hidden().shape().dim(0);
            this.vocabulary = Math.toIntExact(student.weight().shape().dim(0));
            this.each = rowsAtOnce(vocabulary);
        }

        private Head head(Operands head) {
            return new Head(
                    cpu.at(head.hidden()),
                    cpu.at(head.weight()),
                    head.bias().map(cpu::at).orElse(0L),
                    head.hidden().shape().dim(1));
        }

        Result run() {
            long held = Math.min(rows, (long) BLOCKS * each);
            Optional<Array> ofHidden = taken(wanted.hidden(), shapes.hidden());
            Optional<Array> ofWeight = taken(wanted.weight(), shapes.weight());
            Optional<Array> ofBias = wanted.bias() ? Optional.of(cpu.take(vocabulary)) : Optional.empty();
            Array gradient = cpu.take(held, vocabulary);
            double[] losses = new double[Cpu.blocks(rows, each)];
            for (long first = 0; first < rows; first += held) {
                long start = first;
                long count = Math.min(held, rows - first);
                cpu.inBlocks(
                        count,
                        each,
                        (from, some, block, lane) -> losses[(int) ((start + from) / each)] = rows(
                                lane,
                                start + from,
                                some,
                                Cpu.plus(cpu.at(gradient), from * vocabulary),
                                ofHidden.map(cpu::at).orElse(0L)));
                weightGradients(cpu.at(gradient), start, count, ofWeight, ofBias);
            }
            cpu.release(gradient);
            double total = 0;
            for (double loss : losses) {
                total += loss;
            }
            Array loss = cpu.take();
            Raw.put(cpu.at(loss), (float) (total / rows));
            return new Result(loss, ofHidden, ofWeight, ofBias);
        }

        private Optional<Array> taken(boolean isWanted, Array like) {
            return isWanted ? Optional.of(cpu.take(like.shape())) : Optional.empty();
        }

        /**
         * The sum of the losses of some rows.
         *
         * @param gradient receives that by the student's logits
         */
        private double rows(Lane lane, long from, int count, long gradient, long ofHidden) {
            float sharpness = (float) (1 / weights.temperature());
            double share = weights.hardLabelShare();
            float soft = (float) ((1 - share) / (weights.temperature() * rows));
            long target = lane.scratch().take((long) count * vocabulary);
            long hard = lane.scratch().take(share > 0 ? vocabulary : 1);
            logits(lane, teacher, from, count, target);
            logits(lane, student, from, count, gradient);
            double sum = 0;
            for (int i = 0; i < count; i++) {
                long p = Cpu.plus(target, (long) i * vocabulary);
                long x = Cpu.plus(gradient, (long) i * vocabulary);
                lane.rows().softmax(p, sharpness, p, vocabulary);
                double expected = sharpness * lane.rows().dot(p, x, vocabulary);
                double ofLabel = 0;
                if (share > 0) {
                    int label = CpuTensors.row(labels, from + i, vocabulary);
                    float logit = Raw.get(Cpu.plus(x, label));
                    ofLabel = lane.rows().softmax(hard, 1, x, vocabulary) - logit;
                    Raw.put(Cpu.plus(hard, label), Raw.get(Cpu.plus(hard, label)) - 1);
                }
                sum += (1 - share) * (lane.rows().softmax(x, sharpness, x, vocabulary) - expected) + share * ofLabel;
                lane.rows().subtract(x, x, p, vocabulary);
                lane.rows().affine(x, soft, 0, x, vocabulary);
                if (share > 0) {
                    lane.rows().addScaled(x, (float) (share / rows), hard, vocabulary);
                }
            }
            if (ofHidden != 0) {
                long depth = student.depth();
                lane.gemm(
                        new Sizes(count, depth, vocabulary),
                        1,
                        new Matrix(gradient, vocabulary),
                        new Matrix(student.weight(), depth),
                        0,
                        new Matrix(Cpu.plus(ofHidden, from * depth), depth));
            }
            return sum;
        }

        private void logits(Lane lane, Head head, long from, int count, long target) {
            long depth = head.depth();
            lane.gemm(
                    new Sizes(count, vocabulary, depth),
                    1,
                    new Matrix(Cpu.plus(head.hidden(), from * depth), depth),
                    new Matrix(head.weight(), depth, true),
                    0,
                    new Matrix(target, vocabulary));
            for (int i = 0; head.bias() != 0 && i < count; i++) {
                long row = Cpu.plus(target, (long) i * vocabulary);
                lane.rows().add(row, row, head.bias(), vocabulary);
            }
        }

        /** Adds what {@code count} rows contribute. */
        private void weightGradients(
                long gradient, long first, long count, Optional<Array> ofWeight, Optional<Array> ofBias) {
            if (ofWeight.isEmpty() && ofBias.isEmpty()) {
                return;
            }
            long depth = student.depth();
            float before = first == 0 ? 0 : 1;
            long weight = ofWeight.map(cpu::at).orElse(0L);
            long bias = ofBias.map(cpu::at).orElse(0L);
            cpu.inBlocks(vocabulary, VOCABULARY_TILE, (from, tokens, block, lane) -> {
                if (weight != 0) {
                    lane.gemm(
                            new Sizes(tokens, depth, count),
                            1,
                            new Matrix(Cpu.plus(gradient, from), vocabulary, true),
                            new Matrix(Cpu.plus(student.hidden(), first * depth), depth),
                            before,
                            new Matrix(Cpu.plus(weight, from * depth), depth));
                }
                if (bias != 0) {
                    long sum = Cpu.plus(bias, from);
                    if (first == 0) {
                        Raw.zero(sum, tokens);
                    }
                    for (long i = 0; i < count; i++) {
                        lane.rows().add(sum, sum, Cpu.plus(gradient, i * vocabulary + from), tokens);
                    }
                }
            });
        }
    }
}
