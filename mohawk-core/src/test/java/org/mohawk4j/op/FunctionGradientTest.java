package org.mohawk4j.op;

import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.function.Supplier;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;
import org.mohawk4j.op.SemiseparableFunction.Inputs;
import org.mohawk4j.op.SemiseparableFunction.Result;
import org.mohawk4j.op.loss.CrossEntropyFunction;
import org.mohawk4j.op.loss.DistanceFunction;
import org.mohawk4j.op.loss.DistillationFunction;
import org.mohawk4j.op.loss.DistillationFunction.Weights;
import org.mohawk4j.op.loss.LmHead;
import org.mohawk4j.op.loss.TopKDistillationFunction;
import org.mohawk4j.op.loss.TopKFunction;
import org.mohawk4j.tensor.Tensor;
import org.mohawk4j.tensor.types.Shape;
import org.mohawk4j.testing.Float64Test;
import org.mohawk4j.testing.GradientCheck;
import org.mohawk4j.testing.HostArray;

/** Every function that backends may fuse, by every input that has a gradient, against finite differences. */
class FunctionGradientTest extends Float64Test {
    private static final HostArray IDS = HostArray.of(Shape.of(2, 4), 3, 0, 3, 3, 6, 0, 3, 1);
    private static final HostArray LABELS = HostArray.of(Shape.of(5), 2, 6, 2, 0, 6);

    private final Map<String, Consumer<GradientCheck>> cases = new LinkedHashMap<>();

    private static HostArray numbers(long... shape) {
        return HostArray.random(Shape.of(shape), Arrays.hashCode(shape));
    }

    private static HostArray others(long... shape) {
        return HostArray.random(Shape.of(shape), 1 + Arrays.hashCode(shape));
    }

    private static HostArray decay(long... shape) {
        return numbers(shape).map(v -> -0.6 - 0.5 * v);
    }

    FunctionGradientTest() {
        linear();
        mlp();
        convolution();
        attention();
        semiseparable();
        losses();
        add(
                "layer norm",
                x -> LayerNormFunction.apply(x.get(0), x.get(1), x.get(2), 1e-5),
                numbers(2, 3, 7),
                numbers(7),
                others(7));
        add(
                "residual sum and its norm",
                x -> {
                    ResidualNormFunction.Normed both =
                            ResidualNormFunction.apply(x.get(0), x.get(1), x.get(2), x.get(3), x.get(4), 1e-5);
                    return Tensor.concat(0, List.of(both.sum(), both.normalized()));
                },
                numbers(3, 7),
                others(3, 7),
                numbers(3, 7).map(v -> v * v),
                numbers(7),
                others(7));
        add(
                "Mamba-2 between its projections",
                x -> Mamba2Function.apply(
                        x.get(0),
                        new Mamba2Function.Weights(x.get(1), x.get(2), x.get(3), x.get(4)),
                        new Mamba2Function.Config(4, 2, 1, 3, 2)),
                numbers(2, 5, 4 + 6 + 4 + 2),
                numbers(10, 1, 3),
                numbers(10),
                numbers(2),
                numbers(4));
        add("embedding of repeated ids", x -> EmbeddingFunction.apply(x.get(0), ids(IDS)), numbers(7, 5));
        add("repeated heads", x -> Heads.repeat(x.get(0), 6), numbers(2, 3, 2, 4));
        add(
                "gate",
                x -> GateFunction.apply(x.get(0), x.get(1), x.get(2)),
                numbers(2, 3, 5),
                others(2, 3, 5),
                numbers(5));
        add(
                "skip",
                x -> SkipFunction.apply(x.get(0), x.get(1), x.get(2)),
                numbers(2, 3, 4, 5),
                others(2, 3, 4, 5),
                numbers(4));
        add("rotary", x -> RotaryFunction.apply(x.get(0), tables(), 2), numbers(2, 3, 2, 6));
    }

    private void linear() {
        for (Activation activation : Activation.values()) {
            add(
                    "linear, " + activation,
                    x -> LinearFunction.apply(x.get(0), x.get(1), Optional.of(x.get(2)), activation),
                    numbers(2, 3, 5),
                    numbers(4, 5),
                    numbers(4));
            add(
                    "linear without bias, " + activation,
                    x -> LinearFunction.apply(x.get(0), x.get(1), Optional.empty(), activation),
                    numbers(1, 5),
                    numbers(4, 5));
        }
    }

    private void mlp() {
        for (Activation activation : Activation.values()) {
            add(
                    "MLP, " + activation,
                    x -> MlpFunction.apply(
                            x.get(0), new MlpFunction.Weights(x.get(1), x.get(2), x.get(3), x.get(4)), activation),
                    numbers(2, 3, 5),
                    numbers(4, 5),
                    numbers(4),
                    numbers(3, 4),
                    numbers(3));
        }
    }

    private void convolution() {
        add(
                "convolution",
                x -> CausalConv1dFunction.apply(x.get(0), x.get(1), x.get(2)),
                numbers(2, 7, 3),
                numbers(3, 1, 4),
                numbers(3));
        add(
                "convolution of one position",
                x -> CausalConv1dFunction.apply(x.get(0), x.get(1), x.get(2)),
                numbers(2, 1, 3),
                numbers(3, 1, 4),
                numbers(3));
        add(
                "convolution, continued",
                x -> CausalConv1dFunction.continued(x.get(0), x.get(1), x.get(2), x.get(3)),
                numbers(2, 3, 3),
                numbers(2, 5, 3),
                numbers(3, 1, 4),
                numbers(3));
    }

    private void attention() {
        add(
                "attention",
                x -> AttentionFunction.apply(x.get(0), x.get(1), x.get(2), 0.7),
                numbers(2, 5, 2, 3),
                numbers(2, 5, 2, 3),
                others(2, 5, 2, 3));
        add(
                "attention with grouped heads",
                x -> AttentionFunction.apply(x.get(0), x.get(1), x.get(2), 0.7),
                numbers(2, 5, 4, 3),
                numbers(2, 5, 2, 3),
                others(2, 5, 2, 3));
        add(
                "attention of the last positions",
                x -> AttentionFunction.apply(x.get(0), x.get(1), x.get(2), 0.7),
                numbers(1, 2, 2, 3),
                numbers(1, 7, 2, 3),
                others(1, 7, 2, 3));
        add(
                "attention of one position",
                x -> AttentionFunction.apply(x.get(0), x.get(1), x.get(2), 0.7),
                numbers(1, 1, 2, 3),
                numbers(1, 7, 2, 3),
                others(1, 7, 2, 3));
        add(
                "attention weights",
                x -> AttentionFunction.weights(x.get(0), x.get(1), AttentionScores.scaled(0.7)),
                numbers(2, 5, 2, 3),
                others(2, 5, 2, 3));
    }

    private void semiseparable() {
        semiseparable("by its matrix", 5, SemiseparableFunction::reference);
        semiseparable("in chunks", 7, in -> SemiseparableFunction.apply(in, 3));
        semiseparable("in one chunk", 5, in -> SemiseparableFunction.apply(in, 64));
        semiseparable("in chunks of 1", 3, in -> SemiseparableFunction.apply(in, 1));
        semiseparable("of one position", 1, in -> SemiseparableFunction.apply(in, 3));
        add("decay matrix", x -> SemiseparableFunction.decayMatrix(x.get(0)), decay(2, 3, 5));
        add(
                "semiseparable matrix",
                x -> SemiseparableFunction.matrix(x.get(0), x.get(1), x.get(2)),
                numbers(2, 5, 2, 3),
                others(2, 5, 2, 3),
                decay(2, 5, 4));
    }

    /** By x, b, c, logDecay and state, with one group per head and with shared groups; y and state both count. */
    private void semiseparable(String how, long time, Function<Inputs, Result> function) {
        for (long groups : new long[] {4, 2}) {
            HostArray[] inputs = {
                numbers(2, time, 4, 3), numbers(2, time, groups, 2), others(2, time, groups, 2), decay(2, time, 4)
            };
            HostArray[] withState = Arrays.copyOf(inputs, 5);
            withState[4] = numbers(2, 4, 3, 2);
            String name = "semiseparable " + how + ", groups " + groups;
            add(name, x -> both(function.apply(inputs(x, Optional.empty()))), inputs);
            add(name + ", from a state", x -> both(function.apply(inputs(x, Optional.of(x.get(4))))), withState);
            add(
                    name + ", state alone",
                    x -> function.apply(inputs(x, Optional.empty())).state(),
                    inputs);
        }
    }

    private static Inputs inputs(List<Tensor> x, Optional<Tensor> state) {
        return new Inputs(x.get(0), x.get(1), x.get(2), x.get(3), state);
    }

    private static Tensor both(Result result) {
        return Tensor.concat(0, List.of(result.y().reshape(-1), result.state().reshape(-1)));
    }

    private void losses() {
        add("distance", x -> DistanceFunction.apply(tensor(others(2, 5, 3)), x.get(0)), numbers(2, 5, 3));
        add("norm over two axes", x -> DistanceFunction.norm(x.get(0), -2, -1), numbers(2, 3, 4));
        add(
                "cross-entropy",
                x -> CrossEntropyFunction.apply(head(x), ids(LABELS)),
                numbers(5, 4),
                numbers(7, 4),
                numbers(7));
        add(
                "cross-entropy without bias",
                x -> CrossEntropyFunction.apply(new LmHead(x.get(0), x.get(1), Optional.empty()), ids(LABELS)),
                numbers(5, 4),
                numbers(7, 4));
        for (Weights weights : List.of(Weights.PLAIN, new Weights(2.5, 0), new Weights(1, 1), new Weights(0.7, 0.3))) {
            add(
                    "distillation, " + weights,
                    x -> DistillationFunction.apply(
                            new LmHead(tensor(others(5, 6)), tensor(others(7, 6)), Optional.empty()),
                            head(x),
                            Optional.of(ids(LABELS)),
                            weights),
                    numbers(5, 4),
                    numbers(7, 4),
                    numbers(7));
            topDistillation(weights, 3, 5);
            topDistillation(weights, 1, 2);
            topDistillation(weights, 7, 2);
        }
        softCapped();
        add(
                "distillation without labels and bias",
                x -> DistillationFunction.apply(
                        new LmHead(tensor(others(5, 6)), tensor(others(7, 6)), Optional.of(tensor(others(7)))),
                        new LmHead(x.get(0), x.get(1), Optional.empty()),
                        Optional.empty(),
                        Weights.PLAIN),
                numbers(5, 4),
                numbers(7, 4));
    }

    private void softCapped() {
        Function<List<Tensor>, LmHead> capped = x -> new LmHead(x.get(0), x.get(1), Optional.of(x.get(2)), 0.8);
        add(
                "cross-entropy with a soft-cap",
                x -> CrossEntropyFunction.apply(capped.apply(x), ids(LABELS)),
                numbers(5, 4),
                numbers(7, 4),
                numbers(7));
        Supplier<LmHead> teacher = () -> new LmHead(tensor(others(5, 6)), tensor(others(7, 6)), Optional.empty(), 1.5);
        add(
                "distillation with soft-caps",
                x -> DistillationFunction.apply(
                        teacher.get(), capped.apply(x), Optional.of(ids(LABELS)), new Weights(1.3, 0.3)),
                numbers(5, 4),
                numbers(7, 4),
                numbers(7));
        add(
                "distillation of three tokens with soft-caps",
                x -> TopKDistillationFunction.apply(
                        TopKFunction.of(teacher.get(), 1.3, 3),
                        capped.apply(x),
                        Optional.of(ids(LABELS)),
                        new Weights(1.3, 0.3),
                        2),
                numbers(5, 4),
                numbers(7, 4),
                numbers(7));
        for (AttentionScores scores : List.of(new AttentionScores(0.7, 0.9, 0), new AttentionScores(0.7, 0.9, 2))) {
            add(
                    "attention, " + scores,
                    x -> AttentionFunction.apply(x.get(0), x.get(1), x.get(2), scores),
                    numbers(1, 3, 4, 3),
                    numbers(1, 5, 2, 3),
                    numbers(1, 5, 2, 3));
        }
    }

    private void topDistillation(Weights weights, int k, int chunk) {
        Function<List<Tensor>, Tensor> loss = x -> TopKDistillationFunction.apply(
                TopKFunction.of(
                        new LmHead(tensor(others(5, 6)), tensor(others(7, 6)), Optional.empty()),
                        weights.temperature(),
                        k),
                head(x),
                Optional.of(ids(LABELS)),
                weights,
                chunk);
        add("distillation of " + k + " tokens, " + weights, loss, numbers(5, 4), numbers(7, 4), numbers(7));
    }

    private static LmHead head(List<Tensor> x) {
        return new LmHead(x.get(0), x.get(1), Optional.of(x.get(2)));
    }

    private Tensor ids(HostArray values) {
        int[] whole = Arrays.stream(values.values()).mapToInt(v -> (int) v).toArray();
        return engine().indices(whole, values.shape().toArray());
    }

    /** Two of three pairs turn. */
    private RotaryFunction.Tables tables() {
        HostArray angles = HostArray.byIndex(Shape.of(6, 6), i -> i[1] % 3 == 2 ? 0 : (1 + i[0]) / (1.0 + i[1] % 3));
        HostArray partner = HostArray.byIndex(
                Shape.of(6, 6), i -> i[0] % 3 == i[1] % 3 && i[0] != i[1] && i[0] % 3 != 2 ? i[0] < i[1] ? 1 : -1 : 0);
        return new RotaryFunction.Tables(
                tensor(angles.map(Math::cos)), tensor(angles.map(Math::sin)), tensor(partner), 6);
    }

    private void add(String name, Function<List<Tensor>, Tensor> function, HostArray... inputs) {
        cases.put(name, check -> check.function(name, function, inputs));
    }

    @TestFactory
    Stream<DynamicTest> everyGradientAgreesWithDifferences() {
        return cases.entrySet().stream()
                .map(entry -> DynamicTest.dynamicTest(
                        entry.getKey(), () -> entry.getValue().accept(new GradientCheck(engine()))));
    }
}
