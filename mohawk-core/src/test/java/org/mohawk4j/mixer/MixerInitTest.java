package org.mohawk4j.mixer;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SplittableRandom;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.mohawk4j.nn.Layer;
import org.mohawk4j.nn.Parameter;
import org.mohawk4j.nn.RotaryConfig;
import org.mohawk4j.op.Activation;
import org.mohawk4j.op.Heads;
import org.mohawk4j.op.LinearFunction;
import org.mohawk4j.tensor.Tensor;
import org.mohawk4j.testing.Float64Test;
import org.mohawk4j.testing.HostArray;
import org.mohawk4j.testing.TensorAssert;

/** What a mixer takes over from the attention that it replaces. Width 24, four heads of six. */
class MixerInitTest extends Float64Test {
    private static final double TOLERANCE = 1e-12;

    private Tensor input() {
        return random(1, 2, 7, 24);
    }

    private SoftmaxAttention attention(int keyValueHeads) {
        return new SoftmaxAttention.Config(24, 4, keyValueHeads, 2, 100).create(engine(), new SplittableRandom(2));
    }

    /** An attention's projection of u without bias, [B,T,H,P], shared heads repeated. */
    private static Tensor projected(SoftmaxAttention attention, String name, Tensor u) {
        Tensor weight = attention.parameters().get(name + ".weight").value();
        return Heads.repeat(Heads.split(product(u, weight), weight.dim(0) / 6), 4);
    }

    private static Tensor product(Tensor u, Tensor weight) {
        return LinearFunction.reference(u, weight, Optional.empty(), Activation.NONE);
    }

    private static Tensor scores(SoftmaxAttention attention, Tensor u) {
        Tensor q = projected(attention, "q_proj", u).permute(0, 2, 1, 3);
        Tensor k = projected(attention, "k_proj", u).permute(0, 2, 1, 3);
        return q.matmul(false, k, true).mul(1 / Math.sqrt(6)).tril(0, 0);
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 4})
    void linearAttentionHasTheScoresWithoutRotation(int keyValueHeads) {
        Tensor u = input();
        try (SoftmaxAttention attention = attention(keyValueHeads);
                CausalLinearAttention mixer =
                        new CausalLinearAttention.Config(24, 4, 8, 4).create(engine(), new SplittableRandom(3))) {
            for (String name : List.of("c_proj.weight", "b_proj.weight")) {
                // rows beyond the attention's six of each head would stay as they are
                Parameter parameter = mixer.parameters().get(name);
                parameter.set(HostArray.filled(parameter.shape(), 0).toHostTensor());
            }

            mixer.initFrom(attention);

            TensorAssert.assertRelative("scores", mixer.matrix(u).materialize(), scores(attention, u), TOLERANCE);
            TensorAssert.assertRelative("values", mixer.values(u), projected(attention, "v_proj", u), TOLERANCE);
            TensorAssert.assertRelative(
                    "output",
                    mixer.output(u, u),
                    product(u, attention.parameters().get("dense.weight").value()),
                    TOLERANCE);
        }
    }

    @Test
    void mamba2HasTheAttentionsValuesOutputAndScores() {
        Tensor u = input();
        try (SoftmaxAttention attention = attention(2);
                DiscreteMamba2 mixer =
                        new DiscreteMamba2.Config(24, 4, 4, 6, 3, 4).create(engine(), new SplittableRandom(3))) {
            mixer.initFrom(attention);

            Tensor c = mixer.matrix(u).c();
            Tensor b = mixer.matrix(u).b();
            Tensor products = c.permute(0, 2, 1, 3).matmul(false, b.permute(0, 2, 1, 3), true);
            TensorAssert.assertRelative("C Bᵀ", products.tril(0, 0), scores(attention, u), TOLERANCE);
            TensorAssert.assertRelative("values", mixer.values(u), projected(attention, "v_proj", u), TOLERANCE);
            TensorAssert.assertRelative(
                    "output", // the gate is 1 to within float32, in which parameters start
                    mixer.output(u, u),
                    product(u, attention.parameters().get("dense.weight").value()),
                    1e-6);
        }
    }

    /** Four heads of six in a model of width 10. */
    @Test
    void aMixerAsWideInsideAsTheAttentionTakesItsMaps() {
        Tensor u = random(1, 2, 7, 10);
        SoftmaxAttention.Config wide = new SoftmaxAttention.Config(
                10, 4, 2, 6, SoftmaxAttention.Biases.NONE, new RotaryConfig(6, 100), Optional.empty());
        try (SoftmaxAttention attention = wide.create(engine(), new SplittableRandom(2));
                DiscreteMamba2 mixer =
                        new DiscreteMamba2.Config(10, 24, 4, 4, 6, 3, 4).create(engine(), new SplittableRandom(3));
                CausalLinearAttention linear =
                        new CausalLinearAttention.Config(10, 24, 4, 6, 4).create(engine(), new SplittableRandom(3));
                DiscreteMamba2 narrow =
                        new DiscreteMamba2.Config(10, 12, 4, 4, 6, 3, 4).create(engine(), new SplittableRandom(3))) {
            mixer.initFrom(attention);

            Tensor c = mixer.matrix(u).c();
            Tensor b = mixer.matrix(u).b();
            Tensor products = c.permute(0, 2, 1, 3).matmul(false, b.permute(0, 2, 1, 3), true);
            TensorAssert.assertRelative("C Bᵀ", products.tril(0, 0), scores(attention, u), TOLERANCE);
            TensorAssert.assertRelative("values", mixer.values(u), projected(attention, "v_proj", u), TOLERANCE);
            linear.initFrom(attention);
            TensorAssert.assertRelative("scores", linear.matrix(u).materialize(), scores(attention, u), TOLERANCE);
            TensorAssert.assertRelative("values", linear.values(u), projected(attention, "v_proj", u), TOLERANCE);
            double[] before = narrow.values(u).toDoubles();
            narrow.initFrom(attention);
            assertThat(narrow.values(u).toDoubles()).isEqualTo(before);
        }
    }

    @Test
    void withFewerGroupsTheMeansOfQueriesAndKeysAreTaken() {
        Tensor u = input();
        try (SoftmaxAttention attention = attention(4);
                DiscreteMamba2 mixer =
                        new DiscreteMamba2.Config(24, 4, 2, 6, 3, 4).create(engine(), new SplittableRandom(3))) {
            mixer.initFrom(attention);

            Calibratable.Scores scores = mixer.scores(u);
            TensorAssert.assertRelative("C", scores.c(), means(projected(attention, "q_proj", u)), TOLERANCE);
            TensorAssert.assertRelative("B", scores.b(), means(projected(attention, "k_proj", u)), TOLERANCE);
            TensorAssert.assertRelative("values", mixer.values(u), projected(attention, "v_proj", u), TOLERANCE);
        }
    }

    /** Of two heads each, in the scale of scores. */
    private static Tensor means(Tensor heads) {
        return heads.reshape(2, 7, 2, 2, 6).sum(3).mul(Math.pow(6, -0.25) / 2);
    }

    @Test
    void whatDoesNotFitChangesNothing() {
        try (SoftmaxAttention attention = attention(4);
                CausalLinearAttention linear =
                        new CausalLinearAttention.Config(10, 24, 4, 6, 4).create(engine(), new SplittableRandom(3));
                DiscreteMamba2 narrow =
                        new DiscreteMamba2.Config(12, 4, 4, 6, 3, 4).create(engine(), new SplittableRandom(3));
                Toeplitz own = new Toeplitz.Config(24, 4, 9, 4).create(engine(), new SplittableRandom(3))) {
            Map<String, double[]> ofNarrow = numbers(narrow);
            Map<String, double[]> ofOwn = numbers(own);

            narrow.initFrom(attention);
            own.initFrom(narrow);

            assertThat(numbers(narrow)).usingRecursiveComparison().isEqualTo(ofNarrow);
            assertThat(numbers(own)).usingRecursiveComparison().isEqualTo(ofOwn);
        }
    }

    private static Map<String, double[]> numbers(Layer module) {
        return module.parameters().entrySet().stream()
                .collect(Collectors.toMap(
                        Map.Entry::getKey, entry -> entry.getValue().value().toDoubles()));
    }
}
