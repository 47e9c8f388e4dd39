package org.mohawk4j.tensor;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.ArrayList;
import java.util.List;
import java.util.function.Supplier;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.mohawk4j.backend.Array;
import org.mohawk4j.backend.BinaryOp;
import org.mohawk4j.backend.MemoryOps;
import org.mohawk4j.op.EmbeddingFunction;
import org.mohawk4j.tensor.types.Shape;
import org.mohawk4j.testing.Float64Test;

/** What the tape records, what it keeps, and how gradients add up. */
class TapeTest extends Float64Test {
    private MemoryOps memory() {
        return engine().backend().memory();
    }

    private static double[] gradient(Gradients gradients, Tensor of) {
        return gradients.of(of).orElseThrow().toDoubles();
    }

    @Test
    void gradientsOfSeveralUsesAddUp() {
        Tensor x = engine().tensor(new double[] {1, 2}, 2);
        try (Tape tape = engine().tape(List.of(x))) {
            Tensor loss = x.add(x)
                    .add(x.mul(3))
                    .add(x.reshape(1, 2).sum(0))
                    .add(x.square())
                    .sum();
            // 1 + 1 + 3 + 1 + 2x
            assertThat(gradient(tape.gradients(loss), x)).containsExactly(8, 10);
        }
    }

    /** Adding hands one gradient tensor to both sides; neither may change what the other holds. */
    @Test
    void inputsThatShareAGradientDoNotDisturbEachOther() {
        Tensor x = engine().tensor(new double[] {1, 2}, 2);
        Tensor y = engine().tensor(new double[] {3, 4}, 2);
        try (Tape tape = engine().tape(List.of(x, y))) {
            Tensor sum = x.add(y);
            Tensor loss = sum.add(x).add(x).add(x).add(sum.mul(10)).sum();
            Gradients gradients = tape.gradients(loss);
            assertThat(gradient(gradients, x)).containsExactly(14, 14);
            assertThat(gradient(gradients, y)).containsExactly(11, 11);
        }
    }

    /** A table whose first gradient is nobody else's, or may be; rows 1, 0 and 1 of it are used as well. */
    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void rowsAreAddedToAGradientInPlaceWhereNothingElseLooksAtIt(boolean own) {
        Tensor table = engine().tensor(new double[] {1, 2, 3, 4}, 2, 2);
        Tensor ready = engine().tensor(new double[] {10, 20, 30, 40}, 2, 2);
        Tensor ids = engine().indices(new int[] {1, 0, 1}, 3);
        try (Tape tape = engine().tape(List.of(table))) {
            Tensor rows = EmbeddingFunction.apply(table, ids);
            UnaryOperator<Tensor> rule = upstream -> ready;
            Edge edge = own ? Edge.ofOwn(table, rule, ready) : Edge.of(table, rule, ready);
            Tensor other = engine().record(engine().tensor(new double[] {0}, 1), edge);
            Tensor loss = rows.sum().add(other.sum());
            assertThat(gradient(tape.gradients(loss), table)).containsExactly(11, 21, 32, 42);
        }
        assertThat(ready.toDoubles())
                .containsExactly(own ? new double[] {11, 21, 32, 42} : new double[] {10, 20, 30, 40});
    }

    @Test
    void theSeedIsNotChanged() {
        Tensor x = engine().tensor(new double[] {1, 2}, 2);
        Tensor seed = engine().tensor(new double[] {5, 7}, 2);
        try (Tape tape = engine().tape(List.of(x))) {
            Tensor y = x.add(0);
            assertThat(gradient(tape.gradients(y.add(y).add(y), seed), x)).containsExactly(15, 21);
        }
        assertThat(seed.toDoubles()).containsExactly(5, 7);
    }

    @Test
    void aWatchedTensorMayBeTheLossItself() {
        Tensor x = engine().tensor(new double[] {3}, 1);
        try (Tape tape = engine().tape(List.of(x))) {
            assertThat(gradient(tape.gradients(x), x)).containsExactly(1);
        }
    }

    @Test
    void whatTheLossDoesNotDependOnHasNoGradient() {
        Tensor x = engine().full(1, 2);
        Tensor unused = engine().full(1, 2);
        Tensor notWatched = engine().full(1, 2);
        try (Tape tape = engine().tape(List.of(x, unused))) {
            Gradients gradients = tape.gradients(x.mul(notWatched).sum());
            assertThat(gradients.of(x)).isPresent();
            assertThat(gradients.of(unused)).isEmpty();
            assertThat(gradients.of(notWatched)).isEmpty();
        }
    }

    @Test
    void aLossOfNothingWatchedHasNoGradients() {
        Tensor x = engine().full(1, 2);
        try (Tape tape = engine().tape(List.of(x))) {
            assertThat(tape.gradients(engine().full(1).mul(2)).of(x)).isEmpty();
        }
    }

    @Test
    void noGradientReachesADetachedTensor() {
        Tensor x = engine().tensor(new double[] {1, 2}, 2);
        try (Tape tape = engine().tape(List.of(x))) {
            Tensor y = x.square();
            Tensor loss = x.mul(y.detach())
                    .add(x.detach().mul(100))
                    .add(x.detach().exp())
                    .sum();
            assertThat(gradient(tape.gradients(loss), x)).containsExactly(1, 4);
        }
    }

    @Test
    void aDetachedTensorCanBeWatchedByALaterTape() {
        Tensor x = engine().tensor(new double[] {1, 2}, 2);
        try (Tape outer = engine().tape(List.of(x))) {
            Tensor cut = x.square().detach();
            try (Tape inner = engine().tape(List.of(cut))) {
                assertThat(gradient(inner.gradients(cut.square().sum()), cut)).containsExactly(2, 8);
            }
            assertThat(gradient(outer.gradients(x.mul(cut).sum()), x)).containsExactly(1, 4);
        }
    }

    @Test
    void unrecordedResultsHaveNoGradient() {
        Tensor x = engine().tensor(new double[] {1, 2}, 2);
        try (Tape tape = engine().tape(List.of(x))) {
            Tensor constant = engine().unrecorded(() -> x.square().add(x));
            Tensor same = engine().unrecorded(() -> x);
            assertThat(engine().isTracked(constant)).isFalse();
            assertThat(engine().isTracked(same)).isFalse();
            assertThat(engine().isTracked(x)).isTrue();
            assertThat(gradient(tape.gradients(x.mul(constant).add(same).sum()), x))
                    .containsExactly(2, 6);
        }
    }

    @Test
    void anInnerTapeRecordsForItselfAlone() {
        Tensor x = engine().tensor(new double[] {2}, 1);
        Tensor y = engine().tensor(new double[] {5}, 1);
        try (Tape outer = engine().tape(List.of(x))) {
            Tensor before = x.square();
            try (Tape inner = engine().tape(List.of(y))) {
                Gradients gradients = inner.gradients(y.mul(before).sum());
                assertThat(gradient(gradients, y)).containsExactly(4);
                assertThat(gradients.of(x)).isEmpty();
            }
            Tensor after = before.mul(3);
            assertThat(gradient(outer.gradients(after.sum()), x)).containsExactly(12);
        }
        assertThat(engine().isTracked(x)).isFalse();
    }

    @Test
    void aTapeDifferentiatesOnce() {
        Tensor x = engine().full(2, 1);
        try (Tape tape = engine().tape(List.of(x))) {
            Tensor loss = x.square();
            tape.gradients(loss);
            assertThatThrownBy(() -> tape.gradients(loss))
                    .isInstanceOf(IllegalStateException.class)
                    .hasMessageContaining("once");
        }
    }

    @Test
    void aLossHasOneElement() {
        Tensor x = engine().full(2, 3);
        try (Tape tape = engine().tape(List.of(x))) {
            assertThatThrownBy(() -> tape.gradients(x.square())).hasMessageContaining("[3]");
        }
    }

    @Test
    void gradientsOutliveTheTape() {
        Tensor x = engine().full(2, 3);
        Gradients gradients;
        try (Tape tape = engine().tape(List.of(x))) {
            gradients = tape.gradients(x.square().sum());
        }
        assertThat(gradient(gradients, x)).containsExactly(4, 4, 4);
    }

    @Test
    void theBackwardPassNeedsNoScopeOfTheForwardPass() {
        Tensor x = engine().full(2, 3);
        try (Tape tape = engine().tape(List.of(x))) {
            Tensor loss = engine().scoped(() -> x.exp().square().log().mul(x).sum());
            assertThat(gradient(tape.gradients(loss), x)).containsExactly(new double[] {8, 8, 8}, within(1e-12));
        }
    }

    @Test
    void recomputingStoresOnlyTheInputOfABlock() {
        Tensor x = random(1, 100, 10);
        UnaryOperator<Tensor> block = in -> {
            Tensor y = in;
            for (int i = 0; i < 20; i++) {
                y = y.silu().exp();
            }
            return y.mul(1e-3);
        };
        long stored = bytesHeldFor(x, () -> block.apply(x));
        long recomputed = bytesHeldFor(x, () -> engine().recompute(x, block));
        assertThat(recomputed).isLessThan(3 * x.shape().size() * Double.BYTES);
        assertThat(stored).isGreaterThan(20 * x.shape().size() * Double.BYTES);
    }

    /** Bytes that the tape holds for its backward pass. */
    private long bytesHeldFor(Tensor watched, Supplier<Tensor> forward) {
        long before = memory().liveBytes();
        try (Tape tape = engine().tape(List.of(watched))) {
            Tensor result = engine().scoped(forward);
            long held = memory().liveBytes() - before - result.shape().size() * Double.BYTES;
            tape.gradients(result.sum());
            return held;
        }
    }

    @Test
    void nothingIsStoredForFrozenParameters() {
        Tensor input = random(1, 50, 20);
        Tensor frozen = random(2, 20, 20);
        Tensor head = random(3, 20, 20);
        try (Tape tape = engine().tape(List.of(head))) {
            long before = memory().liveBytes();
            Tensor features = engine().scoped(() -> {
                Tensor y = input;
                for (int i = 0; i < 10; i++) {
                    y = y.matmul(frozen).tanh();
                }
                return y;
            });
            assertThat(memory().liveBytes() - before).isEqualTo(50 * 20 * Double.BYTES);
            Gradients gradients = tape.gradients(features.matmul(head).sum());
            assertThat(gradients.of(frozen)).isEmpty();
            assertThat(gradients.of(head)).isPresent();
        }
    }

    @Test
    void whatOnlyAFrozenSideNeedsIsNotStored() {
        Tensor weight = random(1, 20, 20);
        Tensor x = random(2, 20, 20);
        long toBoth = bytesHeldFor(weight, () -> x.exp().matmul(weight).matmul(x.exp()));
        // exp(x) twice, of the first product nothing, since nothing needs its right side's gradient
        assertThat(toBoth).isEqualTo(2 * 20 * 20 * Double.BYTES);
    }

    @Test
    void savedTensorsAreFreedAsTheBackwardPassGoes() {
        Tensor x = random(1, 100);
        long before = memory().liveBytes();
        try (Scope scope = engine().scope()) {
            try (Tape tape = engine().tape(List.of(x))) {
                Tensor loss = engine().scoped(() -> x.exp().exp().exp().sum());
                tape.gradients(loss);
            }
            // the loss, the seed and the gradient
            assertThat(memory().liveBytes() - before).isLessThanOrEqualTo((2 + 100) * Double.BYTES);
            assertThat(scope).isNotNull();
        }
        assertThat(memory().liveBytes()).isEqualTo(before);
    }

    @Test
    void aTapeThatIsGivenUpHoldsNothing() {
        Tensor x = random(1, 100);
        long before = memory().liveBytes();
        try (Scope scope = engine().scope();
                Tape tape = engine().tape(List.of(x))) {
            assertThat(x.exp().exp().shape()).isEqualTo(x.shape());
            assertThat(scope).isNotSameAs(tape);
        }
        assertThat(memory().liveBytes()).isEqualTo(before);
        assertThat(engine().isTracked(x)).isFalse();
    }

    @Test
    void aHundredStepsOfTrainingHoldConstantMemory() {
        Scope owner = engine().detachedScope();
        List<Tensor> parameters =
                List.of(owner.adopt(random(1, 13, 7)), owner.adopt(random(2, 7)), owner.adopt(random(3, 7, 1)));
        Tensor inputs = owner.adopt(random(4, 20, 13));
        Tensor targets = owner.adopt(random(5, 20, 1));
        List<Long> live = new ArrayList<>();
        List<Long> reserved = new ArrayList<>();
        double first = 0;
        double last = 0;
        for (int step = 0; step < 100; step++) {
            last = trainingStep(parameters, inputs, targets);
            first = step == 0 ? last : first;
            live.add(memory().liveBytes());
            reserved.add(memory().reservedBytes());
        }
        assertThat(last).isLessThan(0.5 * first);
        assertThat(live.subList(1, 100)).containsOnly(live.get(1));
        assertThat(reserved.subList(5, 100)).containsOnly(reserved.get(5));
        owner.close();
    }

    private double trainingStep(List<Tensor> parameters, Tensor inputs, Tensor targets) {
        try (Scope scope = engine().scope();
                Tape tape = engine().tape(parameters)) {
            Tensor hidden = engine().recompute(
                            inputs,
                            x -> x.matmul(parameters.get(0))
                                    .add(parameters.get(1))
                                    .tanh());
            Tensor loss = scope.adopt(
                    hidden.matmul(parameters.get(2)).sub(targets).square().mean());
            Gradients gradients = tape.gradients(loss);
            for (Tensor parameter : parameters) {
                engine().backend()
                        .elementwise()
                        .accumulate(
                                parameter.array(),
                                gradients.of(parameter).orElseThrow().array(),
                                -0.1);
            }
            return loss.item();
        }
    }

    @Test
    void oneComputationMayGiveAllGradients() {
        Tensor x = engine().tensor(new double[] {2}, 1);
        Tensor y = engine().tensor(new double[] {3}, 1);
        Tensor frozen = engine().tensor(new double[] {4}, 1);
        try (Tape tape = engine().tape(List.of(x, y))) {
            List<Tensor> outputs = engine().record(
                            List.of(engine().full(6, 1), engine().full(5, 1)),
                            List.of(x, y, frozen),
                            g -> List.of(
                                    g.get(0).mul(y).add(g.get(1)),
                                    g.get(0).mul(x).add(g.get(1)),
                                    g.get(0).mul(Double.NaN)),
                            x,
                            y);
            Gradients gradients = tape.gradients(outputs.get(0).mul(10).sum());
            assertThat(gradient(gradients, x)).containsExactly(30);
            assertThat(gradient(gradients, y)).containsExactly(20);
            assertThat(gradients.of(frozen)).isEmpty();
        }
    }

    @Test
    void aFusedOperationMayGiveOneArrayAsSeveralGradientsAndPassOnTheOutputs() {
        Tensor x = engine().tensor(new double[] {2}, 1);
        Tensor y = engine().tensor(new double[] {3}, 1);
        Tensor z = engine().tensor(new double[] {4}, 1);
        long before = memory().liveBytes();
        try (Scope scope = engine().scope();
                Tape tape = engine().tape(List.of(x, y, z))) {
            Array saved = memory().full(Shape.of(1), x.dtype(), 5);
            Tensor output = engine().fused(
                            List.of(x, y, z),
                            List.of(),
                            memory().full(Shape.of(1), x.dtype(), 7),
                            List.of(saved),
                            (gradients, kept) -> {
                                assertThat(kept).containsExactly(saved);
                                Array shared = engine().backend()
                                        .elementwise()
                                        .binary(BinaryOp.MULTIPLY, gradients.get(0), kept.get(0));
                                return List.of(gradients.get(0), shared, shared);
                            });
            Gradients gradients = tape.gradients(output.mul(10).sum());
            assertThat(gradient(gradients, x)).containsExactly(10);
            assertThat(gradient(gradients, y)).containsExactly(50);
            assertThat(gradient(gradients, z)).containsExactly(50);
        }
        assertThat(memory().liveBytes()).isEqualTo(before);
    }

    @Test
    void whatAFusedOperationSavesIsFreedIfNothingIsTracked() {
        Tensor x = engine().tensor(new double[] {2}, 1);
        long before = memory().liveBytes();
        try (Scope scope = engine().scope();
                Tape tape = engine().tape(List.of())) {
            Array saved = memory().full(Shape.of(1), x.dtype(), 5);
            Array made = memory().full(Shape.of(1), x.dtype(), 7);
            assertThat(engine().fused(List.of(x), List.of(), made, List.of(saved), (gradients, kept) -> List.of())
                            .item())
                    .isEqualTo(7);
        }
        assertThat(memory().liveBytes()).isEqualTo(before);
    }

    @Test
    void onlyTheGradientThatALossStartsFromIsAUnit() {
        Tensor x = engine().full(3);
        List<Boolean> units = new ArrayList<>();
        UnaryOperator<Tensor> noted = in -> engine().record(in.detach(), Edge.of(in, g -> {
            units.add(engine().isUnit(g));
            return g;
        }));
        try (Tape tape = engine().tape(List.of(x))) {
            tape.gradients(noted.apply(noted.apply(x).mul(1.5)));
        }
        try (Tape tape = engine().tape(List.of(x))) {
            tape.gradients(noted.apply(x), engine().full(1));
        }
        assertThat(units).containsExactly(true, false, false);
    }
}
