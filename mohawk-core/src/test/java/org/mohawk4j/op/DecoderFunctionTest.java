package org.mohawk4j.op;

import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.mohawk4j.op.ResidualNormFunction.Normed;
import org.mohawk4j.op.glu.GluFunction;
import org.mohawk4j.tensor.types.Shape;
import org.mohawk4j.testing.Float64Test;
import org.mohawk4j.testing.GradientCheck;
import org.mohawk4j.testing.HostArray;
import org.mohawk4j.testing.TensorAssert;

/** RMS norm and gated linear unit: values by plain loops, gradients by finite differences, refusals. */
class DecoderFunctionTest extends Float64Test {
    private static HostArray numbers(long seed, long... shape) {
        return HostArray.random(Shape.of(shape), seed);
    }

    @Test
    void rmsNormDividesByTheRootOfTheMeanSquare() {
        HostArray x = numbers(1, 5, 13);
        HostArray weight = numbers(2, 13);
        HostArray expected = HostArray.byIndex(x.shape(), i -> {
            double square = 0;
            for (int k = 0; k < 13; k++) {
                square += x.at(i[0], k) * x.at(i[0], k) / 13;
            }
            return x.at(i) / Math.sqrt(square + 1e-5) * weight.at(i[1]);
        });
        TensorAssert.assertRelative(
                "norm", RmsNormFunction.apply(tensor(x), tensor(weight), 1e-5), tensor(expected), 1e-13);
        GradientCheck check = new GradientCheck(engine());
        check.function("RMS norm", in -> RmsNormFunction.apply(in.get(0), in.get(1), 1e-5), x, weight);
        check.function("its composition", in -> RmsNormFunction.reference(in.get(0), in.get(1), 1e-5), x, weight);
    }

    @Test
    void aResidualSumIsNormalisedBesideIt() {
        HostArray h = numbers(1, 2, 3, 7);
        HostArray a = numbers(2, 2, 3, 7);
        HostArray weight = numbers(3, 7);
        Normed both = ResidualRmsNormFunction.apply(tensor(h), tensor(a), tensor(weight), 1e-5);

        TensorAssert.assertRelative("sum", both.sum(), tensor(h).add(tensor(a)), 1e-14);
        TensorAssert.assertRelative(
                "norm", both.normalized(), RmsNormFunction.apply(both.sum(), tensor(weight), 1e-5), 1e-14);
        new GradientCheck(engine())
                .function(
                        "both",
                        in -> {
                            Normed made = ResidualRmsNormFunction.apply(in.get(0), in.get(1), in.get(2), 1e-5);
                            return made.sum().mul(made.normalized());
                        },
                        h,
                        a,
                        weight);
        assertThatThrownBy(() -> ResidualRmsNormFunction.apply(tensor(h), tensor(a), random(1, 4), 1e-5))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("weight [4]");
    }

    @ParameterizedTest
    @EnumSource(Activation.class)
    void aGatedLinearUnitIsAProduct(Activation activation) {
        HostArray gate = numbers(1, 2, 3, 5).map(v -> 4 * v);
        HostArray up = numbers(2, 2, 3, 5);
        TensorAssert.assertRelative(
                "product",
                GluFunction.apply(tensor(gate), tensor(up), activation),
                activation.apply(tensor(gate)).mul(tensor(up)),
                1e-14);
        GradientCheck check = new GradientCheck(engine());
        check.function("unit", in -> GluFunction.apply(in.get(0), in.get(1), activation), gate, up);
        check.function("its composition", in -> GluFunction.reference(in.get(0), in.get(1), activation), gate, up);
    }

    @Test
    void shapesThatDoNotFitAreNamed() {
        assertThatThrownBy(() -> RmsNormFunction.apply(random(1, 2, 3, 5), random(1, 4), 1e-5))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("x [2, 3, 5]")
                .hasMessageContaining("weight [4]");
        assertThatThrownBy(() -> GluFunction.apply(random(1, 2, 5), random(1, 2, 4), Activation.SILU))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("gate [2, 5]")
                .hasMessageContaining("up [2, 4]");
    }
}
