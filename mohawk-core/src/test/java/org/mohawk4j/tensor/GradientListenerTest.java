package org.mohawk4j.tensor;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.mohawk4j.testing.Float64Test;

/** Gradients that are told while the backward pass goes on. */
class GradientListenerTest extends Float64Test {
    /** What was told, in order, with the numbers as they were then. */
    private final Map<Tensor, double[]> told = new LinkedHashMap<>();

    private Gradients differentiate(Tape tape, Tensor loss) {
        return tape.gradients(loss, (watched, gradient) -> {
            assertThat(told).doesNotContainKey(watched);
            told.put(watched, gradient.toDoubles());
        });
    }

    @Test
    void theLastUsedIsToldFirst() {
        Tensor x = random(1, 3, 4);
        List<Tensor> weights = List.of(random(2, 4, 4), random(3, 4, 4), random(4, 4, 4));
        try (Tape tape = engine().tape(weights)) {
            Tensor y = x;
            for (Tensor weight : weights) {
                y = y.matmul(weight).tanh();
            }
            differentiate(tape, y.sum());
        }
        assertThat(new ArrayList<>(told.keySet())).containsExactly(weights.get(2), weights.get(1), weights.get(0));
    }

    /** A weight at both ends, one within a part that is computed again, one of a branch, and one that is not used. */
    @Test
    void whatIsToldIsFinalHoweverOftenAWeightIsUsed() {
        Tensor x = random(1, 3, 4);
        Tensor tied = random(2, 4, 4);
        Tensor again = random(3, 4, 4);
        Tensor branch = random(4, 4, 4);
        Tensor unused = random(5, 4, 4);
        Tensor bias = random(6, 4);
        try (Tape tape = engine().tape(List.of(tied, again, branch, unused, bias))) {
            Tensor first = x.matmul(tied).add(bias);
            Tensor second = engine().recompute(
                            first,
                            in -> in.matmul(again)
                                    .tanh()
                                    .matmul(tied)
                                    .add(in.matmul(again))
                                    .add(bias));
            Tensor third = second.add(first.matmul(branch)).add(bias);
            Gradients all =
                    differentiate(tape, third.matmul(false, tied, true).square().sum());

            assertThat(told.keySet()).containsExactlyInAnyOrder(tied, again, branch, bias);
            told.forEach((watched, then) ->
                    assertThat(all.of(watched).orElseThrow().toDoubles()).isEqualTo(then));
            assertThat(all.of(unused)).isEmpty();
            // the tied weight is the first that is used, with the bias behind it
            assertThat(new ArrayList<>(told.keySet())).containsExactly(branch, again, bias, tied);
        }
    }

    @Test
    void aLossThatIsWatchedItselfIsTold() {
        Tensor loss = engine().tensor(new double[] {2}, 1);
        try (Tape tape = engine().tape(List.of(loss))) {
            differentiate(tape, loss);
        }
        assertThat(told.get(loss)).containsExactly(1);
    }

    @Test
    void aGradientThatTwoWeightsHaveInCommonIsCopiedForChangesInPlace() {
        Tensor one = random(1, 4);
        Tensor other = random(2, 4);
        try (Tape tape = engine().tape(List.of(one, other))) {
            List<Tensor> own = new ArrayList<>();
            tape.gradients(one.add(other.reshape(2, 2).reshape(4)).square().sum(), (watched, gradient) -> {
                Tensor mine = gradient.unshared();
                engine().backend().elementwise().accumulate(mine.array(), mine.array(), 1);
                own.add(mine);
            });
            assertThat(own.get(0).toDoubles()).isEqualTo(own.get(1).toDoubles());
            double[] sums = one.add(other).toDoubles();
            assertThat(own.get(0).toDoubles()).containsExactly(4 * sums[0], 4 * sums[1], 4 * sums[2], 4 * sums[3]);
        }
    }

    @Test
    void aTensorOfItsOwnIsNotCopied() {
        Tensor x = random(1, 4);
        assertThat(x.unshared()).isSameAs(x);
        Tensor view = x.narrow(0, 1, 2);
        assertThat(x.unshared()).isNotSameAs(x);
        assertThat(view.unshared().toDoubles()).isEqualTo(view.toDoubles());
    }
}
