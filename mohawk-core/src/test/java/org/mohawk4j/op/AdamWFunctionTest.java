package org.mohawk4j.op;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.mohawk4j.op.AdamWFunction.Hyperparameters;
import org.mohawk4j.op.AdamWFunction.Part;
import org.mohawk4j.op.AdamWFunction.Slot;
import org.mohawk4j.tensor.Scope;
import org.mohawk4j.tensor.Tensor;
import org.mohawk4j.tensor.types.Shape;
import org.mohawk4j.testing.Float64Test;
import org.mohawk4j.testing.HostArray;

/** AdamW against its definition, one number at a time. */
class AdamWFunctionTest extends Float64Test {
    private static final double RATE = 0.01;
    private static final double BETA1 = 0.9;
    private static final double BETA2 = 0.95;
    private static final double EPSILON = 1e-8;
    private static final double DECAY = 0.1;

    private static Hyperparameters step(int step) {
        return new Hyperparameters(RATE, BETA1, BETA2, EPSILON, step);
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void fiveStepsFollowTheDefinition(boolean decayed) {
        HostArray start = HostArray.random(Shape.of(13), 1);
        Tensor value = tensor(start);
        Tensor first = value.fullLike(0);
        Tensor second = value.fullLike(0);
        double[] expected = start.values();
        double[] m = new double[13];
        double[] v = new double[13];
        for (int step = 1; step <= 5; step++) {
            HostArray gradient = HostArray.random(Shape.of(13), 10 + step);
            AdamWFunction.update(
                    engine(),
                    List.of(new Slot(value, tensor(gradient), first, second, decayed ? DECAY : 0)),
                    engine().full(0.5),
                    step(step));
            for (int i = 0; i < 13; i++) {
                double g = 0.5 * gradient.flat(i);
                m[i] = BETA1 * m[i] + (1 - BETA1) * g;
                v[i] = BETA2 * v[i] + (1 - BETA2) * g * g;
                expected[i] -= decayed ? RATE * DECAY * expected[i] : 0;
                double corrected = Math.sqrt(v[i] / (1 - Math.pow(BETA2, step))) + EPSILON;
                expected[i] -= RATE * m[i] / (1 - Math.pow(BETA1, step)) / corrected;
            }
        }
        assertThat(value.toDoubles()).containsExactly(expected, within(1e-14));
        assertThat(first.toDoubles()).containsExactly(m, within(1e-14));
        assertThat(second.toDoubles()).containsExactly(v, within(1e-14));
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void partsMoveAtRatesOfTheirOwn(boolean fused) {
        List<Part> parts = List.of(new Part(3, 4, 0.3), new Part(6, 0, 0.3), new Part(4, 1, 0));
        Tensor start = random(1, 13);
        Tensor gradient = random(2, 13);
        Tensor value = start.mul(1);
        Tensor first = value.fullLike(0);
        Slot slot = new Slot(value, gradient, first, value.fullLike(0), parts);
        long from = 0;
        for (int step = 1; step <= 3; step++) {
            if (fused) {
                AdamWFunction.update(engine(), List.of(slot), engine().full(1), step(step));
            } else {
                AdamWFunction.reference(engine(), slot, engine().full(1), step(step));
            }
        }
        for (Part part : parts) {
            Tensor alone = start.narrow(0, from, part.count()).mul(1);
            Slot own = new Slot(
                    alone,
                    gradient.narrow(0, from, part.count()),
                    alone.fullLike(0),
                    alone.fullLike(0),
                    part.weightDecay());
            for (int step = 1; step <= 3; step++) {
                AdamWFunction.update(
                        engine(),
                        List.of(own),
                        engine().full(1),
                        new Hyperparameters(RATE * part.rateFactor(), BETA1, BETA2, EPSILON, step));
            }
            assertThat(value.narrow(0, from, part.count()).toDoubles())
                    .containsExactly(alone.toDoubles(), within(1e-14));
            from += part.count();
        }
        assertThat(first.toDoubles()).as("moments of what does not move").doesNotContain(0);
    }

    @Test
    void partsCoverTheParameter() {
        Tensor value = random(1, 2, 3);
        assertThatThrownBy(() -> new Slot(value, value, value, value, List.of(new Part(5, 1, 0))))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("a parameter of shape [2, 3] in parts of 5 elements");
    }

    @Test
    void theNormIsThatOfAllGradientsTogether() {
        Tensor a = engine().tensor(new double[] {3, 0}, 2);
        Tensor b = engine().tensor(new double[] {0, 4, 12}, 1, 3);
        Tensor norm = AdamWFunction.norm(engine(), List.of(a, b));
        assertThat(norm.shape()).isEqualTo(Shape.of());
        assertThat(norm.item()).isCloseTo(13, within(1e-12));
    }

    @Test
    void clippingShortensOnlyWhatIsTooLong() {
        assertThat(AdamWFunction.clipScale(engine().full(4), 1).item()).isCloseTo(0.25, within(1e-6));
        assertThat(AdamWFunction.clipScale(engine().full(0.9), 1).item()).isEqualTo(1);
        assertThat(AdamWFunction.clipScale(engine().full(0), 1).item()).isEqualTo(1);
    }

    @Test
    void gradientsAreLeftAsTheyWereAndNothingStaysBehind() {
        Tensor value = random(1, 7);
        Tensor gradient = random(2, 7);
        double[] before = gradient.toDoubles();
        Slot slot = new Slot(value, gradient, value.fullLike(0), value.fullLike(0), DECAY);
        long live = engine().backend().memory().liveBytes();
        for (int step = 1; step <= 3; step++) {
            try (Scope scope = engine().scope()) {
                Tensor norm = scope.adopt(AdamWFunction.norm(engine(), List.of(gradient)));
                AdamWFunction.update(engine(), List.of(slot), AdamWFunction.clipScale(norm, 0.1), step(step));
            }
        }
        assertThat(engine().backend().memory().liveBytes()).isEqualTo(live);
        assertThat(gradient.toDoubles()).containsExactly(before);
    }
}
