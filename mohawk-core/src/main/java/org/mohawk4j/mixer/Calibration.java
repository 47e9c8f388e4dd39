package org.mohawk4j.mixer;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.mohawk4j.matrix.MixingMatrix;
import org.mohawk4j.nn.Linear;
import org.mohawk4j.tensor.Engine;
import org.mohawk4j.tensor.Scope;
import org.mohawk4j.tensor.Tensor;

/**
 * A closed-form initialization: decay, scale, skip, a constant term and the convolution of the values of a new mixer by
 * least squares against the matrices of the attention that it replaces, from one batch and without a training step.
 */
public final class Calibration {
    /**
     * Of the mean square of the inputs: what keeps the regression of the constant from following noise. It is this small
     * because the one constant that is exact, the weighted sum of what a layer norm returns, has large weights.
     */
    private static final double RIDGE = 1e-5;

    private static final double VALUE_RIDGE = 1e-3;

    private static final int ITERATIONS = 200;

    private static final double TOLERANCE = 1e-5;

    private Calibration() {}

    /**
     * Calibrates one mixer, after {@link MatrixMixer#initFrom}.
     *
     * @param u the mixer's input, [B,T,D]
     * @param teacher the attention's matrices on that input, H heads
     * @return the fit of each head; none, and nothing changed, if the mixer has other heads than the attention
     */
    public static List<ScoreFit> apply(Calibratable mixer, AttentionWeights attention, Tensor u, MixingMatrix teacher) {
        return apply(mixer, attention, u, teacher, Fitted.APPLIED);
    }

    /** What is to be near the attention's matrix. */
    public enum Fitted {
        /** The mixer's matrix as it applies to values, after their convolution. */
        APPLIED,
        /** The mixer's matrix alone, as stage 1 compares it; values have no convolution. */
        MATRIX
    }

    /** As {@link #apply(Calibratable, AttentionWeights, Tensor, MixingMatrix)}. */
    public static List<ScoreFit> apply(
            Calibratable mixer, AttentionWeights attention, Tensor u, MixingMatrix teacher, Fitted fitted) {
        List<ScoreFit> fits = new ArrayList<>();
        if (mixer.heads() != attention.heads()) {
            return fits;
        }
        Engine engine = u.engine();
        mixer.prepare(attention, u);
        try (Scope scope = engine.scope()) {
            Calibratable.Scores scores = mixer.scores(u);
            Tensor c = scores.c().cast(engine.parameterType()).permute(0, 2, 1, 3);
            Tensor b = scores.b().cast(engine.parameterType()).permute(0, 2, 1, 3);
            int groups = Math.toIntExact(c.dim(1));
            int shared = Math.toIntExact(attention.heads() / groups);
            ScoreFit.Form form = fitted == Fitted.APPLIED
                    ? mixer.scoreForm()
                    : mixer.scoreForm().withoutTaps();
            List<List<LagSums>> sums = new ArrayList<>();
            for (int group = 0; group < groups; group++) {
                sums.add(sums(c, b, group, shared, teacher, form.taps()));
            }
            // on the host; groups do not depend on each other
            sums.parallelStream().map(heads -> ScoreFit.of(heads, form)).forEachOrdered(fits::addAll);
            mixer.calibrate(fits, one(u), attention);
        }
        return fits;
    }

    /**
     * Zeroes the rows of the constant in B, and in C these and all rows after them, which nothing was copied into.
     *
     * @param bRows first of B's G·N rows in b
     * @param cRows first of C's G·N rows in c
     * @param constant the state dimension of the constant, in each group
     */
    static void clearSpareRows(Linear b, long bRows, Linear c, long cRows, int groups, int stateSize, int constant) {
        Engine engine = b.engine();
        try (Scope scope = engine.scope()) {
            Tensor zeros = engine.zeros(stateSize - constant, b.weight().dim(1));
            for (int group = 0; group < groups; group++) {
                long first = (long) group * stateSize + constant;
                b.setRows(bRows + first, zeros.narrow(0, 0, 1));
                c.setRows(cRows + first, zeros);
            }
        }
    }

    private static List<LagSums> sums(Tensor c, Tensor b, int group, int shared, MixingMatrix teacher, int taps) {
        List<LagSums> sums = new ArrayList<>();
        try (Scope scope = c.engine().scope()) {
            LagSums.GroupScores own =
                    new LagSums.GroupScores(c.narrow(1, group, 1).matmul(false, b.narrow(1, group, 1), true), taps);
            for (int head = group * shared; head < (group + 1) * shared; head++) {
                try (Scope ofHead = c.engine().scope()) {
                    Tensor matrix = teacher.materialize(head).cast(c.dtype());
                    sums.add(new LagSums(matrix, own));
                }
            }
        }
        return sums;
    }

    /** w [D] with u·w close to 1 for every position. */
    static Tensor one(Tensor u) {
        Tensor rows = u.reshape(-1, u.dim(-1));
        return regression(rows, u.engine().full(1, rows.dim(0)), RIDGE);
    }

    /**
     * Values v [H·P] with W v close to an attention's output bias: as each row of its matrix sums up to 1, these values
     * at all positions give the bias.
     *
     * @param output W [D,H·P]
     * @param bias [D]
     */
    static Tensor valueOf(Tensor output, Tensor bias) {
        return regression(output, bias, VALUE_RIDGE);
    }

    /**
     * w [D] with rows·w close to a target: ridge regression by conjugate gradients. Sums run in the type of parameters,
     * whatever products are rounded to.
     *
     * @param inputs [n,D]
     * @param target [n]
     * @param ridge the penalty, relative to the mean square of the inputs
     */
    private static Tensor regression(Tensor inputs, Tensor target, double ridge) {
        Engine engine = inputs.engine();
        long width = inputs.dim(1);
        Tensor rows = inputs.cast(engine.parameterType());
        long count = rows.dim(0);
        double penalty = ridge * rows.square().mean().item() * count;
        Tensor residual =
                rows.mul(target.cast(engine.parameterType()).reshape(count, 1)).sum(0);
        Tensor direction = residual;
        Tensor w = engine.zeros(width);
        double norm = residual.square().sum().item();
        double small = norm * TOLERANCE * TOLERANCE;
        // of few columns the product of the rows with themselves is smaller; inputs in bfloat16 lose nothing in it
        Optional<Tensor> gram = count > 2 * width ? Optional.of(rows.matmul(true, rows, false)) : Optional.empty();
        for (int i = 0; i < ITERATIONS && norm > small; i++) {
            Tensor along = direction;
            // what is as large as the input is freed at once
            Tensor product = engine.scoped(() -> gram.map(
                            square -> square.mul(along).sum(1))
                    .orElseGet(() -> rows.mul(rows.mul(along).sum(1, true)).sum(0))
                    .add(along.mul(penalty)));
            double step = norm / direction.mul(product).sum().item();
            w = w.add(direction.mul(step));
            residual = residual.sub(product.mul(step));
            double next = residual.square().sum().item();
            direction = residual.add(direction.mul(next / norm));
            norm = next;
        }
        return w;
    }
}
