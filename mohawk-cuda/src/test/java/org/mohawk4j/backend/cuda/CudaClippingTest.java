package org.mohawk4j.backend.cuda;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.List;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.mohawk4j.backend.BackendOptions;
import org.mohawk4j.op.AdamWFunction;
import org.mohawk4j.op.AdamWFunction.Hyperparameters;
import org.mohawk4j.op.AdamWFunction.Slot;
import org.mohawk4j.tensor.Engine;
import org.mohawk4j.tensor.Scope;
import org.mohawk4j.tensor.Tensor;

/** Gradients of any norm are scaled down to the limit, in float32 too. */
class CudaClippingTest implements GpuTest {
    private static final int COUNT = 1000;

    @ParameterizedTest
    @ValueSource(doubles = {0.5, 2, 1e3, 1e7, 1e8, 1e12})
    void theFirstMomentIsThatOfTheClippedGradient(double size) {
        double each = size / Math.sqrt(COUNT);
        double clipped = Math.min(size, 1);
        try (Engine engine = Engine.open("cuda", BackendOptions.defaults().withMixed(true));
                Scope scope = engine.scope()) {
            Tensor gradient = scope.adopt(engine.full(each, COUNT));
            Slot slot = new Slot(engine.zeros(COUNT), gradient, engine.zeros(COUNT), engine.zeros(COUNT), 0);

            Tensor norm = AdamWFunction.norm(engine, List.of(gradient));
            Tensor scale = AdamWFunction.clipScale(norm, 1);
            AdamWFunction.update(engine, List.of(slot), scale, new Hyperparameters(1e-3, 0.9, 0.999, 1e-8, 1));

            assertThat(norm.item() / size).isCloseTo(1, within(1e-5));
            assertThat(slot.firstMoment().toDoubles()[COUNT - 1])
                    .isCloseTo(0.1 * clipped / Math.sqrt(COUNT), within(1e-5 * 0.1 * clipped));
        }
    }
}
