package org.mohawk4j.tensor;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.mohawk4j.testing.Float64Test;
import org.mohawk4j.testing.TensorAssert;

/** Blocks that are computed again in the backward pass: the same gradients by the same operations. */
class RecomputationTest extends Float64Test {
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
            Tensor y = engine().recomputed(engine().recomputed(x, block), block);
            Gradients gradients = tape.gradients(y.square().sum());
            return watched.stream().map(w -> gradients.of(w).orElseThrow()).toList();
        }
    }

    @Test
    void recomputingOfAWatchedTensorItselfWorks() {
        Tensor x = engine().tensor(new double[] {1, 2}, 2);
        try (Tape tape = engine().tape(List.of(x))) {
            Tensor y = engine().recomputed(x, in -> in.square().mul(x.detach()));
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
            Tensor y = engine().recomputed(x.matmul(weight), in -> {
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
