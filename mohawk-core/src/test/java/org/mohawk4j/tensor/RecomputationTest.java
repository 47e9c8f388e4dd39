package org.mohawk4j.tensor;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.mohawk4j.op.EmbeddingFunction;
import org.mohawk4j.tensor.types.Shape;
import org.mohawk4j.testing.Float64Test;
import org.mohawk4j.testing.GradientCheck;
import org.mohawk4j.testing.HostArray;
import org.mohawk4j.testing.TensorAssert;

/** A part that is computed again for its gradient is differentiated as if it had been stored. */
class RecomputationTest extends Float64Test {
    /**
     * Everything that a body may close over: what was computed from watched tensors, watched ones, others, its own input.
     *
     * @param cut what is done to parts that need no gradient
     */
    private static Tensor closing(
            Engine engine, Tensor x, Tensor w, Tensor frozen, boolean recompute, UnaryOperator<Tensor> cut) {
        Tensor scaled = w.exp();
        Tensor held = cut.apply(w.square());
        Tensor mask = engine.scoped(() -> frozen.mul(3));
        UnaryOperator<Tensor> inner = in -> in.mul(scaled).add(held.mul(w)).tanh();
        UnaryOperator<Tensor> body = in -> {
            Tensor own = in.mul(w);
            Tensor deeper = recompute
                    ? engine.recompute(own, v -> inner.apply(v).mul(own).add(scaled.square()))
                    : inner.apply(own).mul(own).add(scaled.square());
            return deeper.mul(mask).add(x.mul(scaled)).add(cut.apply(w).mul(in));
        };
        Tensor u = x.mul(2);
        return recompute ? engine.recompute(u, body) : body.apply(u);
    }

    @Test
    void recomputingGivesEverythingThatTheBodyClosesOverItsGradient() {
        Tensor x = random(1, 3, 4);
        Tensor w = random(2, 3, 4);
        Tensor frozen = random(3, 3, 4);
        List<List<Tensor>> both = new ArrayList<>();
        for (boolean recompute : new boolean[] {false, true}) {
            try (Tape tape = engine().tape(List.of(x, w))) {
                Gradients gradients = tape.gradients(closing(engine(), x, w, frozen, recompute, Tensor::detach)
                        .square()
                        .sum());
                both.add(List.of(gradients.of(x).orElseThrow(), gradients.of(w).orElseThrow()));
            }
        }
        for (int i = 0; i < 2; i++) {
            TensorAssert.assertRelative(
                    "gradient " + i, both.get(1).get(i), both.get(0).get(i), 1e-14);
        }
        new GradientCheck(engine())
                .function(
                        "recomputed",
                        in -> closing(engine(), in.get(0), in.get(1), frozen, true, v -> v),
                        HostArray.random(Shape.of(3, 4), 1),
                        HostArray.random(Shape.of(3, 4), 2));
    }

    /** Both what the gradient runs through and what it does not. */
    @Test
    void recomputingKeepsAliveWhatTheBodyClosesOverAndFreesItAfterwards() {
        Tensor w = random(1, 50);
        Tensor input = random(2, 50);
        long before = engine().backend().memory().liveBytes();
        try (Tape tape = engine().tape(List.of(w))) {
            Tensor y = engine().scoped(() -> {
                Tensor scaled = w.exp();
                Tensor mask = input.mul(2);
                return engine().recompute(input, in -> in.mul(scaled).mul(mask).tanh());
            });
            // y, scaled and mask
            assertThat(engine().backend().memory().liveBytes() - before).isEqualTo(3 * 50 * Double.BYTES);
            try (Scope scope = engine().scope()) {
                Tensor gradient = scope.adopt(tape.gradients(y.sum()).of(w).orElseThrow());
                assertThat(gradient.toDoubles()).doesNotContain(0);
            }
            assertThat(engine().backend().memory().liveBytes() - before).isEqualTo(50 * Double.BYTES);
        }
    }

    /** Ids are no operand with a gradient, but the second run needs them. */
    @Test
    void recomputingKeepsWhatOnlyGradientsRead() {
        Tensor table = random(1, 5, 3);
        Tensor x = random(2, 2, 3);
        try (Tape tape = engine().tape(List.of(table))) {
            Tensor y = engine().scoped(() -> {
                Tensor ids = engine().indices(new int[] {4, 1}, 2);
                return engine().recompute(x, in -> in.add(EmbeddingFunction.apply(table, ids)));
            });
            assertThat(tape.gradients(y.sum()).of(table).orElseThrow().toDoubles())
                    .containsExactly(0, 0, 0, 1, 1, 1, 0, 0, 0, 0, 0, 0, 1, 1, 1);
        }
    }

    @Test
    void recomputingOfWhatNothingDependsOnRecordsNothing() {
        Tensor w = random(1, 50);
        Tensor input = random(2, 50);
        try (Tape tape = engine().tape(List.of(w))) {
            Tensor y = engine().recompute(input, in -> in.mul(w.detach()).tanh());
            assertThat(engine().isTracked(y)).isFalse();
            assertThat(tape.gradients(y.sum()).of(w)).isEmpty();
        }
    }

    @Test
    void aBodyMayGiveBackWhatItIsGivenOrClosesOver() {
        Tensor x = engine().tensor(new double[] {1, 2}, 2);
        for (boolean closedOver : new boolean[] {false, true}) {
            try (Tape tape = engine().tape(List.of(x))) {
                Tensor square = x.square();
                Tensor y = engine().recompute(closedOver ? x : square, in -> closedOver ? square : in);
                assertThat(tape.gradients(y.mul(3).sum()).of(x).orElseThrow().toDoubles())
                        .containsExactly(6, 12);
            }
        }
    }

    @Test
    void recomputingGivesTheSameGradientsAsStoring() {
        Tensor input = random(1, 3, 5);
        Tensor weight = random(2, 5, 5);
        Tensor bias = random(3, 5);
        UnaryOperator<Tensor> block =
                x -> x.matmul(weight).add(bias).tanh().matmul(weight).silu().add(x);
        List<Tensor> watched = List.of(input, weight, bias);
        List<Tensor> stored = storedGradients(watched, input, block);
        List<Tensor> recomputed = recomputedGradients(watched, input, block);
        for (int i = 0; i < watched.size(); i++) {
            TensorAssert.assertRelative("gradient " + i, recomputed.get(i), stored.get(i), 1e-14);
        }
    }

    private List<Tensor> storedGradients(List<Tensor> watched, Tensor input, UnaryOperator<Tensor> block) {
        try (Tape tape = engine().tape(watched)) {
            Tensor y = block.apply(block.apply(input.mul(2)));
            Gradients gradients = tape.gradients(y.square().sum());
            return watched.stream().map(w -> gradients.of(w).orElseThrow()).toList();
        }
    }

    private List<Tensor> recomputedGradients(List<Tensor> watched, Tensor input, UnaryOperator<Tensor> block) {
        try (Tape tape = engine().tape(watched)) {
            Tensor x = input.mul(2);
            Tensor y = engine().recompute(engine().recompute(x, block), block);
            Gradients gradients = tape.gradients(y.square().sum());
            return watched.stream().map(w -> gradients.of(w).orElseThrow()).toList();
        }
    }

    @Test
    void recomputingOfAWatchedTensorItselfWorks() {
        Tensor x = engine().tensor(new double[] {1, 2}, 2);
        try (Tape tape = engine().tape(List.of(x))) {
            Tensor y = engine().recompute(x, in -> in.square().mul(x.detach()));
            assertThat(tape.gradients(y.sum()).of(x).orElseThrow().toDoubles()).containsExactly(2, 8);
        }
    }

    /** What depends on whether a gradient is wanted, such as how a backend rounds, is the same both times. */
    @Test
    void theSameIsTrackedInBothPassesOfARecomputedBlock() {
        Tensor weight = random(1, 3, 3);
        Tensor frozen = random(2, 3, 3);
        Tensor x = random(3, 2, 3);
        List<List<Boolean>> passes = new ArrayList<>();
        try (Tape tape = engine().tape(List.of(weight))) {
            Tensor y = engine().recompute(x.matmul(weight), in -> {
                Tensor part = weight.narrow(0, 0, 2);
                Tensor product = in.matmul(weight);
                passes.add(Stream.of(in, weight, part, product, frozen, frozen.square())
                        .map(engine()::isTracked)
                        .toList());
                return product.mul(part.sum());
            });
            assertThat(engine().isTracked(y)).isTrue();
            tape.gradients(y.sum());
        }
        List<Boolean> expected = List.of(true, true, true, true, false, false);
        assertThat(passes).containsExactly(expected, expected);
    }
}
