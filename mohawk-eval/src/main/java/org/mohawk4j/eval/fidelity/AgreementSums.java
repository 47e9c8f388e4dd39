package org.mohawk4j.eval.fidelity;

import java.util.List;
import java.util.stream.IntStream;
import org.mohawk4j.backend.BinaryOp;
import org.mohawk4j.eval.fidelity.FidelityScores.Agreement;
import org.mohawk4j.op.EmbeddingFunction;
import org.mohawk4j.op.loss.LmHead;
import org.mohawk4j.tensor.Engine;
import org.mohawk4j.tensor.Scope;
import org.mohawk4j.tensor.Tensor;

/** What two models say of the next token, summed by position over batches. */
final class AgreementSums {
    private static final int LOGITS_AT_ONCE = 1 << 22;

    private final double[] divergence;
    private final double[] topOne;
    private final double[] teacherNll;
    private final double[] studentNll;
    private long windows;

    /** @param context T */
    AgreementSums(int context) {
        divergence = new double[context];
        topOne = new double[context];
        teacherNll = new double[context];
        studentNll = new double[context];
    }

    /**
     * Adds a batch, some rows of logits at a time.
     *
     * @param teacher of B·T rows
     * @param student likewise
     * @param labels [B·T], the true next tokens
     */
    void add(LmHead teacher, LmHead student, int[] labels) {
        int most = (int) Math.max(1, LOGITS_AT_ONCE / teacher.weight().dim(0));
        for (int from = 0; from < labels.length; from += most) {
            int count = Math.min(most, labels.length - from);
            addRows(teacher.rows(from, count), student.rows(from, count), labels, from, count);
        }
        windows += labels.length / divergence.length;
    }

    private void addRows(LmHead teacher, LmHead student, int[] labels, int from, int count) {
        Engine engine = teacher.hidden().engine();
        try (Scope scope = engine.scope()) {
            Prediction wanted = Prediction.of(teacher);
            Prediction actual = Prediction.of(student);
            Tensor probabilities = wanted.logits().sub(wanted.normalizer()).exp();
            double[] kl = probabilities
                    .mul(wanted.logits().sub(actual.logits()))
                    .sum(-1, true)
                    .sub(wanted.normalizer())
                    .add(actual.normalizer())
                    .toDoubles();
            double[] shared =
                    wanted.isLargest().mul(actual.isLargest()).sum(-1, true).toDoubles();
            double[] ofTeacher = wanted.nll(labels, from, count);
            double[] ofStudent = actual.nll(labels, from, count);
            for (int i = 0; i < count; i++) {
                int position = (from + i) % divergence.length;
                divergence[position] += kl[i];
                topOne[position] += shared[i] > 0 ? 1 : 0;
                teacherNll[position] += ofTeacher[i];
                studentNll[position] += ofStudent[i];
            }
        }
    }

    /**
     * One model's prediction.
     *
     * @param logits [R,V]
     * @param largest [R,1]
     * @param normalizer log Σ exp of the logits, [R,1]
     */
    private record Prediction(Tensor logits, Tensor largest, Tensor normalizer) {
        static Prediction of(LmHead head) {
            Tensor logits = head.logits();
            Tensor largest = logits.max(-1, true);
            return new Prediction(
                    logits,
                    largest,
                    logits.sub(largest).exp().sum(-1, true).log().add(largest));
        }

        /** 1 where a logit is the largest of its row, else 0. */
        Tensor isLargest() {
            Engine engine = logits.engine();
            return engine.wrap(engine.backend().elementwise().binary(BinaryOp.EQUAL, logits.array(), largest.array()));
        }

        double[] nll(int[] labels, int from, int count) {
            int vocabulary = Math.toIntExact(logits.dim(1));
            Tensor places = logits.engine()
                    .indices(
                            IntStream.range(0, count)
                                    .map(i -> i * vocabulary + labels[from + i])
                                    .toArray(),
                            count);
            Tensor own = EmbeddingFunction.apply(logits.reshape(-1, 1), places);
            return normalizer.sub(own).toDoubles();
        }
    }

    long tokens() {
        return windows * divergence.length;
    }

    Agreement mean() {
        return new Agreement(mean(divergence), mean(topOne), mean(teacherNll), mean(studentNll));
    }

    private double mean(double[] sums) {
        double total = 0;
        for (double sum : sums) {
            total += sum;
        }
        return total / tokens();
    }

    List<Agreement> byPosition() {
        return IntStream.range(0, divergence.length)
                .mapToObj(t -> new Agreement(
                        divergence[t] / windows, topOne[t] / windows, teacherNll[t] / windows, studentNll[t] / windows))
                .toList();
    }
}
