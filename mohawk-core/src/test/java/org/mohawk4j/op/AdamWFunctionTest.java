package org.mohawk4j.op;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.mohawk4j.op.AdamWFunction.Hyperparameters;
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
        return new Hyperparameters(RATE, BETA1, BETA2, EPSILON, DECAY, step);
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
                    List.of(new Slot(value, tensor(gradient), first, second, decayed)),
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
        Slot slot = new Slot(value, gradient, value.fullLike(0), value.fullLike(0), true);
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
