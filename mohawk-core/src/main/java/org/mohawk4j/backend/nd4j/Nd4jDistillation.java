package org.mohawk4j.backend.nd4j;

import java.util.Optional;
import org.mohawk4j.backend.Array;
import org.mohawk4j.backend.nd4j.array.Nd4jArray;
import org.mohawk4j.backend.nd4j.array.Nd4jPool;
import org.mohawk4j.backend.nd4j.array.Nd4jScratch;
import org.mohawk4j.op.loss.DistillationFunction.FusedDistillation;
import org.mohawk4j.op.loss.DistillationFunction.Operands;
import org.mohawk4j.op.loss.DistillationFunction.Weights;
import org.mohawk4j.tensor.types.DType;
import org.mohawk4j.tensor.types.Shape;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.api.ops.impl.transforms.strict.Log;
import org.nd4j.linalg.factory.Nd4j;

/**
 * The loss of stage 3 with its gradients, a few rows at a time, so that logits stay in the processor's cache and all of
 * them never exist at once.
 */
final class Nd4jDistillation implements FusedDistillation {
    private static final long LOGITS_AT_ONCE = 1 << 19;

    private final Nd4jPool pool;

    Nd4jDistillation(Nd4jPool pool) {
        this.pool = pool;
    }

    @Override
    public Result forward(Operands teacher, Operands student, Optional<Array> labels, Weights weights, Wanted wanted) {
        long rows = student.hidden().shape().dim(0);
        long vocabulary = student.weight().shape().dim(0);
        DType dtype = student.hidden().dtype();
        long chunk = Math.max(1, Math.min(rows, LOGITS_AT_ONCE / vocabulary));
        try (Nd4jScratch work = new Nd4jScratch(pool, dtype)) {
            Optional<Nd4jArray> hidden = zeros(work, student.hidden().shape(), wanted.hidden());
            Optional<Nd4jArray> weight = zeros(work, student.weight().shape(), wanted.weight());
            Optional<Nd4jArray> bias = zeros(work, Shape.of(vocabulary), wanted.bias());
            Nd4jArray loss = work.result(Shape.of());
            double total = 0;
            for (long from = 0; from < rows; from += chunk) {
                long count = Math.min(chunk, rows - from);
                try (Nd4jScratch part = new Nd4jScratch(pool, dtype)) {
                    Chunk now = new Chunk(part, teacher, student, weights, rows, from, count);
                    total += now.loss(labels);
                    if (hidden.isPresent() || weight.isPresent() || bias.isPresent()) {
                        now.gradients(labels, hidden, weight, bias);
                    }
                }
            }
            loss.values().assign(total / rows);
            return new Result(
                    loss, hidden.map(Array.class::cast), weight.map(Array.class::cast), bias.map(Array.class::cast));
        }
    }

    private static Optional<Nd4jArray> zeros(Nd4jScratch work, Shape shape, boolean wanted) {
        if (!wanted) {
            return Optional.empty();
        }
        Nd4jArray array = work.result(shape);
        array.values().assign(0);
        return Optional.of(array);
    }

    /** Rows {@code from .. from + count - 1}. */
    private static final class Chunk {
        private final Nd4jScratch work;
        private final Operands student;
        private final Weights weights;
        private final long rows;
        private final long from;
        private final long count;
        private final INDArray target;
        private final INDArray logits;
        private final INDArray predicted;
        private final INDArray logSumExp;

        Chunk(Nd4jScratch work, Operands teacher, Operands student, Weights weights, long rows, long from, long count) {
            this.work = work;
            this.student = student;
            this.weights = weights;
            this.rows = rows;
            this.from = from;
            this.count = count;
            long vocabulary = student.weight().shape().dim(0);
            target = work.take(count, vocabulary);
            logits = work.take(count, vocabulary);
            predicted = work.take(count, vocabulary);
            logits(target, teacher);
            logits(logits, student);
            softmax(target, target, 1 / weights.temperature());
            logSumExp = softmax(predicted, logits, 1 / weights.temperature());
        }

        /** The sum of the rows' losses. */
        double loss(Optional<Array> labels) {
            double sharpness = 1 / weights.temperature();
            INDArray product = work.take(count, logits.size(1));
            Nd4jScratch.multiply(product, target, logits);
            INDArray expected = work.take(count, 1);
            work.rowSums(expected, product, sharpness);
            Nd4jScratch.subtract(expected, logSumExp, expected);
            double sum = expected.sumNumber().doubleValue() * (1 - weights.hardLabelShare());
            if (weights.hardLabelShare() > 0) {
                INDArray hard = softmax(product, logits, 1);
                int[] ids = ids(labels.orElseThrow());
                double picked = 0;
                for (int i = 0; i < count; i++) {
                    picked += logits.getDouble(i, ids[i]);
                }
                sum += (hard.sumNumber().doubleValue() - picked) * weights.hardLabelShare();
            }
            return sum;
        }

        /** Adds this chunk's part of the mean loss's gradients. */
        void gradients(
                Optional<Array> labels,
                Optional<Nd4jArray> hidden,
                Optional<Nd4jArray> weight,
                Optional<Nd4jArray> bias) {
            double soft = (1 - weights.hardLabelShare()) / (weights.temperature() * rows);
            Nd4jScratch.subtract(target, predicted, target);
            target.muli(soft);
            if (weights.hardLabelShare() > 0) {
                double hard = weights.hardLabelShare() / rows;
                softmax(predicted, logits, 1);
                predicted.muli(hard);
                Nd4jScratch.add(target, target, predicted);
                int[] ids = ids(labels.orElseThrow());
                for (int i = 0; i < count; i++) {
                    target.putScalar(i, ids[i], target.getDouble(i, ids[i]) - hard);
                }
            }
            hidden.ifPresent(gradient ->
                    Nd4jScratch.matmul(rowsOf(gradient), target, false, Nd4jArray.values(student.weight()), false));
            weight.ifPresent(gradient -> Nd4jScratch.accumulateMatmul(
                    gradient.values(), target, true, rowsOf(Nd4jArray.cast(student.hidden())), false));
            bias.ifPresent(gradient -> {
                INDArray sums = work.take(target.size(1));
                work.columnSums(sums, target);
                gradient.values().addi(sums);
            });
        }

        private void logits(INDArray result, Operands head) {
            Nd4jScratch.matmul(
                    result, rowsOf(Nd4jArray.cast(head.hidden())), false, Nd4jArray.values(head.weight()), true);
            head.bias().ifPresent(b -> Nd4jScratch.add(result, result, Nd4jArray.values(b)));
        }

        /** Softmax of the scaled logits; gives their log-sum-exp [R,1]. */
        private INDArray softmax(INDArray result, INDArray x, double sharpness) {
            INDArray largest = work.take(count, 1);
            INDArray sums = work.take(count, 1);
            Nd4jScratch.rowMaxima(largest, x);
            Nd4jScratch.subtract(result, x, largest);
            if (sharpness != 1) {
                result.muli(sharpness);
                largest.muli(sharpness);
            }
            Nd4jScratch.exp(result, result);
            work.rowSums(sums, result, 1);
            INDArray logarithms = work.take(count, 1);
            Nd4j.getExecutioner().exec(new Log(sums, logarithms));
            Nd4jScratch.add(largest, largest, logarithms);
            sums.rdivi(1);
            Nd4jScratch.multiply(result, result, sums);
            return largest;
        }

        private INDArray rowsOf(Nd4jArray array) {
            long width = array.shape().dim(-1);
            return array.block().array(array.offset() + from * width, Shape.of(count, width));
        }

        private int[] ids(Array labels) {
            Nd4jArray all = Nd4jArray.cast(labels);
            return all.block().array(all.offset() + from, Shape.of(count)).dup().toIntVector();
        }
    }
}
