package org.mohawk4j.nn;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import java.util.random.RandomGenerator;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.mohawk4j.backend.BackendOptions;
import org.mohawk4j.op.Activation;
import org.mohawk4j.tensor.Engine;
import org.mohawk4j.tensor.Scope;
import org.mohawk4j.tensor.Tensor;
import org.mohawk4j.tensor.types.DType;
import org.mohawk4j.tensor.types.HostTensor;
import org.mohawk4j.tensor.types.Shape;
import org.mohawk4j.testing.Float64Test;
import org.mohawk4j.testing.GradientCheck;
import org.mohawk4j.testing.HostArray;
import org.mohawk4j.testing.TensorAssert;

/** Layers: gradients by input and parameters, names, initial values, memory. */
class LayerTest extends Float64Test {
    private final RandomGenerator random = new SplittableRandom(1);

    private static HostArray numbers(long... shape) {
        return HostArray.random(Shape.of(shape), 3);
    }

    private GradientCheck check() {
        return new GradientCheck(engine());
    }

    private static void scramble(Layer module) {
        module.parameters()
                .forEach((name, parameter) -> parameter.set(
                        HostArray.random(parameter.shape(), name.hashCode()).toHostTensor()));
    }

    @ParameterizedTest
    @EnumSource(Activation.class)
    void linear(Activation activation) {
        Linear linear = new Linear(engine(), 5, 4, true, random);
        check().module("linear", linear, x -> linear.apply(x, activation), numbers(2, 3, 5));
    }

    @Test
    void partOfLinear() {
        Linear linear = new Linear(engine(), 5, 7, true, random);
        check().module("linear", linear, x -> linear.applyRows(x, 2, 4), numbers(2, 3, 5));
        Tensor x = random(4, 2, 3, 5);
        TensorAssert.assertRelative(
                "rows 2..5", linear.applyRows(x, 2, 4), linear.apply(x).narrow(-1, 2, 4), 1e-14);
    }

    @Test
    void layerNorm() {
        LayerNorm norm = new LayerNorm(engine(), 7, 1e-5);
        scramble(norm);
        check().module("layer norm", norm, norm::apply, numbers(2, 3, 7));
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void rmsNorm(boolean unitOffset) {
        RmsNorm norm = new RmsNorm(engine(), 7, 1e-5, unitOffset);
        Tensor x = random(4, 2, 3, 7);
        TensorAssert.assertRelative(
                "a new norm only normalizes",
                norm.apply(x).square().mean(-1, true),
                engine().zeros(2, 3, 1).add(1),
                1e-4);
        scramble(norm);
        check().module("RMS norm", norm, norm::apply, numbers(2, 3, 7));
    }

    @Test
    void mlp() {
        Mlp mlp = new Mlp(engine(), 5, 9, Activation.GELU_TANH, random);
        check().module("mlp", mlp, mlp::apply, numbers(2, 3, 5));
        assertThat(mlp.parameters()).containsOnlyKeys("fc1.weight", "fc1.bias", "fc2.weight", "fc2.bias");
        assertThat(new Mlp(engine(), 5, 9, Activation.RELU, false, random).parameters())
                .containsOnlyKeys("fc1.weight", "fc2.weight");
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void gatedMlp(boolean bias) {
        GatedMlp mlp = new GatedMlp(engine(), 5, 9, Activation.SILU, bias, random);
        check().module("gated mlp", mlp, mlp::apply, numbers(2, 3, 5));
        assertThat(mlp.parameters())
                .hasSize(bias ? 6 : 3)
                .containsKeys("gate_proj.weight", "up_proj.weight", "down_proj.weight");
        Tensor x = random(4, 2, 3, 5);
        List<Tensor> first =
                mlp.inputProjections().stream().map(map -> map.apply(x)).toList();
        TensorAssert.assertRelative(
                "by its maps", mlp.outputProjection().apply(mlp.between(first)), mlp.apply(x), 1e-14);
    }

    /** Frequencies 1, 0.1, 0.01 and 0.001: wavelengths of 6.3, 63, 628 and 6283 positions. */
    @Test
    void scalingSlowsTheTurningDown() {
        double[] plain = {1, 0.1, 0.01, 0.001};
        assertThat(frequencies(new RopeScaling.None())).containsExactly(plain, within(1e-12));
        assertThat(frequencies(new RopeScaling.Linear(4)))
                .containsExactly(new double[] {0.25, 0.025, 0.0025, 0.00025}, within(1e-12));
        double turns = 256 * 0.01 / (2 * Math.PI);
        double kept = (turns - 0.25) / (4 - 0.25);
        assertThat(frequencies(new RopeScaling.Llama3(8, 0.25, 4, 256)))
                .containsExactly(new double[] {1, 0.1, kept * 0.01 + (1 - kept) * 0.01 / 8, 0.001 / 8}, within(1e-12));
    }

    /** Bounds by hand: pair 4·ln(64/2πβ)/ln(10000) is 0.70 for 2 turns and 2.21 for 1/16, so 0 and 3 when rounded. */
    @Test
    void yarnDividesByARamp() {
        assertThat(frequencies(new RopeScaling.Yarn(4, 2, 1 / 16.0, true, 64, 1)))
                .containsExactly(
                        new double[] {1, 0.1 * (2 / 3.0 + 1 / 12.0), 0.01 * (1 / 3.0 + 2 / 12.0), 0.001 / 4},
                        within(1e-12));
        assertThat(frequencies(new RopeScaling.Yarn(4, 2, 1 / 16.0, false, 64, 1)))
                .satisfies(ramp -> assertThat(ramp[1]).isBetween(0.075, 0.1))
                .satisfies(ramp -> assertThat(ramp[3]).isCloseTo(0.001 / 4, within(1e-12)));
    }

    /** The first turn is read at position 1: two positions fit into an original context of 2, and not into one of 1. */
    @Test
    void longRopeHasFactorsForEachLength() {
        List<Double> shorter = List.of(1.0, 2.0, 4.0, 5.0);
        List<Double> longer = List.of(2.0, 4.0, 8.0, 10.0);
        assertThat(frequencies(new RopeScaling.LongRope(shorter, longer, 2, 1)))
                .containsExactly(new double[] {1, 0.05, 0.0025, 0.0002}, within(1e-12));
        assertThat(frequencies(new RopeScaling.LongRope(shorter, longer, 1, 1)))
                .containsExactly(new double[] {0.5, 0.025, 0.00125, 0.0001}, within(1e-12));
        assertThatThrownBy(() -> new RotaryConfig(6, 100, new RopeScaling.LongRope(shorter, longer, 1, 1)))
                .hasMessageContaining("a short and a long factor for each of 3 pairs, got 4 and 4");
    }

    @Test
    void anAttentionFactorScalesWhatTurns() {
        RotaryConfig config = new RotaryConfig(4, 100, new RopeScaling.Yarn(4, 2, 1, true, 64, 1.5));
        RotaryEmbedding rotary = new RotaryEmbedding(engine(), 6, config);
        Tensor x = random(3, 1, 2, 1, 6);
        Tensor turned = rotary.apply(x, 0);
        TensorAssert.assertRelative(
                "position 0",
                turned.narrow(1, 0, 1).narrow(3, 0, 4),
                x.narrow(1, 0, 1).narrow(3, 0, 4).mul(1.5),
                1e-14);
        TensorAssert.assertRelative("what does not turn", turned.narrow(3, 4, 2), x.narrow(3, 4, 2), 1e-14);
    }

    /** Read off the first turn of each pair of entries. */
    private double[] frequencies(RopeScaling scaling) {
        RotaryEmbedding rotary = new RotaryEmbedding(engine(), 8, new RotaryConfig(8, 10_000, scaling));
        double[] ones = new double[8];
        Arrays.fill(ones, 0, 4, 1);
        double[] turned = rotary.apply(engine().tensor(ones, 1, 1, 1, 8), 1).toDoubles();
        return IntStream.range(0, 4)
                .mapToDouble(i -> Math.atan2(turned[i + 4], turned[i]))
                .toArray();
    }

    @Test
    void convolutionOfSomeChannels() {
        CausalConv1d conv = new CausalConv1d(engine(), 6, 4);
        scramble(conv);
        check().module("convolution", conv, x -> conv.apply(x, 2), numbers(2, 5, 3));
        Tensor x = random(4, 2, 5, 6);
        TensorAssert.assertRelative(
                "channels 2..4",
                conv.apply(x.narrow(-1, 2, 3), 2),
                conv.apply(x, 0).narrow(-1, 2, 3),
                1e-14);
    }

    @Test
    void convolutionContinuesFromItsHistory() {
        CausalConv1d conv = new CausalConv1d(engine(), 3, 4);
        scramble(conv);
        Tensor x = random(4, 2, 7, 3);
        for (long first : new long[] {1, 2, 3, 5}) {
            Tensor history = conv.nextHistory(engine().zeros(2, 3, 3), x.narrow(1, 0, first));
            Tensor rest = conv.continued(history, x.narrow(1, first, 7 - first));
            TensorAssert.assertRelative("after " + first, rest, conv.apply(x, 0).narrow(1, first, 7 - first), 1e-14);
        }
    }

    @Test
    void aNewConvolutionIsTheIdentity() {
        Tensor x = random(4, 2, 7, 3);
        TensorAssert.assertRelative("identity", new CausalConv1d(engine(), 3, 4).apply(x, 0), x, 0);
    }

    @Test
    void embeddingPicksRows() {
        Embedding embedding = new Embedding(engine(), 5, 3, random);
        Tensor ids = engine().indices(new int[] {4, 0, 4, 1}, 2, 2);
        Tensor picked = embedding.apply(ids);
        assertThat(picked.shape()).isEqualTo(Shape.of(2, 2, 3));
        Tensor weight = embedding.parameters().get("weight").value();
        assertThat(picked.narrow(0, 0, 1).toDoubles())
                .containsExactly(Tensor.concat(0, List.of(weight.narrow(0, 4, 1), weight.narrow(0, 0, 1)))
                        .toDoubles());
    }

    @Test
    void rotaryTurnsOnlyItsPartAndDependsOnDistanceAlone() {
        RotaryEmbedding rotary = new RotaryEmbedding(engine(), 6, 4, 100);
        Tensor x = random(4, 1, 5, 2, 6);
        Tensor turned = rotary.apply(x, 0);
        TensorAssert.assertRelative("the rest", turned.narrow(-1, 4, 2), x.narrow(-1, 4, 2), 0);
        TensorAssert.assertRelative("position 0", turned.narrow(1, 0, 1), x.narrow(1, 0, 1), 0);
        TensorAssert.assertRelative(
                "lengths", turned.square().sum(-1), x.square().sum(-1), 1e-14);
        double near = scoreOf(rotary, x, 3, 1);
        assertThat(scoreOf(rotary, x, 103, 101)).isCloseTo(near, within(1e-12));
        assertThat(scoreOf(rotary, x, 4, 1)).isNotCloseTo(near, within(1e-3));
    }

    /** Of the first entry as query at one position and the second as key at another. */
    private static double scoreOf(RotaryEmbedding rotary, Tensor x, long queryPosition, long keyPosition) {
        Tensor q = rotary.apply(x.narrow(1, 0, 1), queryPosition);
        Tensor k = rotary.apply(x.narrow(1, 1, 1), keyPosition);
        return q.mul(k).sum().item();
    }

    @Test
    void rotaryOfNothingIsTheIdentity() {
        Tensor x = random(4, 1, 5, 2, 6);
        assertThat(new RotaryEmbedding(engine(), 6, 0, 100).apply(x, 3)).isSameAs(x);
        assertThatThrownBy(() -> new RotaryEmbedding(engine(), 6, 3, 100)).hasMessageContaining("3");
        assertThatThrownBy(() -> new RotaryEmbedding(engine(), 6, 8, 100)).hasMessageContaining("8");
    }

    @Test
    void rotaryTablesGrowOutsideOfAStep() {
        RotaryEmbedding rotary = new RotaryEmbedding(engine(), 4, 4, 100);
        Tensor x = random(4, 1, 3, 1, 4);
        for (long position : new long[] {0, 5, 50, 2}) {
            double[] inAStep;
            try (Scope scope = engine().scope()) {
                inAStep = scope.adopt(rotary.apply(x, position)).toDoubles();
            }
            assertThat(rotary.apply(x, position).toDoubles()).containsExactly(inAStep);
        }
    }

    @Test
    void parametersAreNamedByTheirPlace() {
        Layer module = new Layer(engine()) {
            {
                parameter("scale", Shape.of(1), Initializer.constant(1));
                part("first", new Mlp(engine(), 2, 3, Activation.RELU, random));
            }
        };
        assertThat(module.parameters().keySet())
                .containsExactly("scale", "first.fc1.weight", "first.fc1.bias", "first.fc2.weight", "first.fc2.bias");
    }

    @Test
    void aNameIsDeclaredOnce() {
        Linear linear = new Linear(engine(), 2, 2, false, random);
        assertThatThrownBy(() -> new Layer(engine()) {
                    {
                        part("a", linear);
                        parameter("a", Shape.of(1), Initializer.constant(1));
                    }
                })
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("'a' twice");
    }

    @Test
    void closingAModuleFreesItsParameters() {
        long before = engine().backend().memory().liveBytes();
        try (Mlp mlp = new Mlp(engine(), 5, 9, Activation.GELU_TANH, random)) {
            assertThat(engine().backend().memory().liveBytes()).isEqualTo(before);
            try (Scope step = engine().scope()) {
                step.adopt(mlp.apply(engine().zeros(1, 5)));
            }
            assertThat(engine().backend().memory().liveBytes() - before).isEqualTo((5 * 9 * 2 + 9 + 5) * Double.BYTES);
        }
        assertThat(engine().backend().memory().liveBytes()).isEqualTo(before);
    }

    @Test
    void aParameterTakesItsOwnShapeOnly() {
        Linear linear = new Linear(engine(), 5, 4, false, random);
        Parameter weight = linear.parameters().get("weight");
        HostTensor transposed = numbers(5, 4).toHostTensor();
        assertThatThrownBy(() -> weight.set(transposed))
                .hasMessageContaining("[4, 5]")
                .hasMessageContaining("[5, 4]");
        weight.set(numbers(4, 5).toHostTensor());
        assertThat(linear.weight().toDoubles()).containsExactly(numbers(4, 5).values());
        Linear other = new Linear(engine(), 5, 4, false, random);
        other.parameters().get("weight").set(weight);
        assertThat(other.weight().toDoubles()).containsExactly(numbers(4, 5).values());
    }

    @Test
    void theSameSeedGivesTheSameParameters() {
        Linear a = new Linear(engine(), 5, 4, true, new SplittableRandom(7));
        Linear b = new Linear(engine(), 5, 4, true, new SplittableRandom(7));
        Linear c = new Linear(engine(), 5, 4, true, new SplittableRandom(8));
        assertThat(a.weight().toDoubles()).containsExactly(b.weight().toDoubles());
        assertThat(a.weight().toDoubles()).isNotEqualTo(c.weight().toDoubles());
        assertThat(Arrays.stream(a.weight().toDoubles()).map(Math::abs).max().orElseThrow())
                .isLessThanOrEqualTo(1 / Math.sqrt(5));
    }

    @Test
    void initializersGiveWhatTheySay() {
        HostArray normal = HostArray.of(Initializer.normal(2, 3).create(Shape.of(100, 100)));
        double mean = Arrays.stream(normal.values()).average().orElseThrow();
        double square = Arrays.stream(normal.values()).map(v -> v * v).average().orElseThrow();
        assertThat(mean).isCloseTo(0, within(0.1));
        assertThat(square).isCloseTo(4, within(0.2));
        HostArray rows = HostArray.of(Initializer.constant(5).withZeroRows(1, 2).create(Shape.of(4, 2)));
        assertThat(rows.values()).containsExactly(5, 5, 0, 0, 0, 0, 5, 5);
    }

    @Test
    void parametersAreOfTheEnginesType() {
        try (Engine narrow = Engine.open("nd4j", BackendOptions.defaults())) {
            assertThat(new Linear(narrow, 5, 4, false, random).weight().dtype()).isEqualTo(DType.FLOAT32);
        }
        assertThat(new Linear(engine(), 5, 4, false, random).weight().dtype()).isEqualTo(DType.FLOAT64);
    }
}
