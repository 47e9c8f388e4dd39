package org.mohawk4j.testing;

import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.function.UnaryOperator;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.mohawk4j.backend.BackendOptions;
import org.mohawk4j.tensor.Edge;
import org.mohawk4j.tensor.Engine;
import org.mohawk4j.tensor.Tensor;
import org.mohawk4j.tensor.types.DType;
import org.mohawk4j.tensor.types.Shape;

/** The check itself: it must pass what is right and fail what is almost right. */
class GradientCheckTest {
    private Engine engine;
    private final HostArray small = HostArray.random(Shape.of(2, 5), 1);
    private final HostArray large = HostArray.random(Shape.of(13, 7), 2);

    @BeforeEach
    void open() {
        engine = Engine.open(
                "nd4j",
                BackendOptions.defaults().withParameterType(DType.FLOAT64).withThreads(1));
    }

    @AfterEach
    void close() {
        engine.close();
    }

    /** {@code x²} with a gradient rule of the test's choice. */
    private void squareWithGradient(HostArray input, UnaryOperator<Tensor> factor) {
        new GradientCheck(engine)
                .function(
                        "square",
                        in -> {
                            Tensor x = in.get(0);
                            Tensor y = engine.unrecorded(x::square);
                            return engine.record(y, Edge.of(x, g -> g.mul(factor.apply(x)), x));
                        },
                        input);
    }

    @Test
    void theRightGradientPasses() {
        assertThatCode(() -> squareWithGradient(small, x -> x.mul(2))).doesNotThrowAnyException();
        assertThatCode(() -> squareWithGradient(large, x -> x.mul(2))).doesNotThrowAnyException();
    }

    @Test
    void aGradientWrongByTenPartsInAMillionFails() {
        assertThatThrownBy(() -> squareWithGradient(small, x -> x.mul(2.00002)))
                .isInstanceOf(AssertionError.class)
                .hasMessageContaining("square, gradient by input 0");
        assertThatThrownBy(() -> squareWithGradient(large, x -> x.mul(2.00002))).isInstanceOf(AssertionError.class);
    }

    @Test
    void aGradientWrongAtOneElementFails() {
        double[] nearlyTwo = HostArray.filled(small.shape(), 2).values();
        nearlyTwo[7] = 2.1;
        assertThatThrownBy(() -> squareWithGradient(small, x -> x.mul(engine.tensor(nearlyTwo, 2, 5))))
                .isInstanceOf(AssertionError.class)
                .hasMessageContaining("element 7");
        double[] inLarge = HostArray.filled(large.shape(), 2).values();
        inLarge[50] = 2.1;
        assertThatThrownBy(() -> squareWithGradient(large, x -> x.mul(engine.tensor(inLarge, 13, 7))))
                .isInstanceOf(AssertionError.class);
    }

    @Test
    void aGradientOfNanFails() {
        assertThatThrownBy(() -> squareWithGradient(small, x -> x.mul(Double.NaN)))
                .isInstanceOf(AssertionError.class);
    }

    @Test
    void aMissingGradientFails() {
        assertThatThrownBy(() -> new GradientCheck(engine)
                        .function("detached", in -> in.get(0).detach().square(), small))
                .isInstanceOf(AssertionError.class);
    }

    @Test
    void aGradientWhereThereIsNoneFails() {
        assertThatThrownBy(() -> new GradientCheck(engine)
                        .function(
                                "constant",
                                in -> engine.record(engine.zeros(2, 5), Edge.of(in.get(0), g -> g.mul(1e-3))),
                                small))
                .isInstanceOf(AssertionError.class);
    }

    @Test
    void aFunctionOfNothingFails() {
        assertThatThrownBy(() -> new GradientCheck(engine).function("constant", in -> engine.zeros(3), small))
                .isInstanceOf(AssertionError.class)
                .hasMessageContaining("depends on nothing");
    }

    @Test
    void aGradientOfTheWrongShapeFails() {
        assertThatThrownBy(() -> new GradientCheck(engine)
                        .function(
                                "flat",
                                in -> engine.record(
                                        engine.unrecorded(() -> in.get(0).square()),
                                        Edge.of(
                                                in.get(0),
                                                g -> g.mul(in.get(0)).mul(2).reshape(10),
                                                in.get(0))),
                                small))
                .isInstanceOf(AssertionError.class)
                .hasMessageContaining("shape [10]");
    }

    @Test
    void float32IsRefused() {
        try (Engine narrow = Engine.open("nd4j", BackendOptions.defaults())) {
            assertThatThrownBy(() -> new GradientCheck(narrow)).isInstanceOf(IllegalArgumentException.class);
        }
    }
}
