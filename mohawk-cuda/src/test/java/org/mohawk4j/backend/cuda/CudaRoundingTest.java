package org.mohawk4j.backend.cuda;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.Arrays;
import java.util.Optional;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.mohawk4j.backend.BackendOptions;
import org.mohawk4j.functional.Activation;
import org.mohawk4j.functional.CausalConv1dFunction;
import org.mohawk4j.functional.LinearFunction;
import org.mohawk4j.tensor.DType;
import org.mohawk4j.tensor.Engine;
import org.mohawk4j.tensor.Scope;
import org.mohawk4j.tensor.Tensor;

/**
 * Numbers that go up or down by their place: float32 weights in products of bfloat16, and what a convolution makes of
 * bfloat16.
 */
class CudaRoundingTest implements GpuTest {
    /** Between neighbours in bfloat16 from 1 to 2. */
    private static final double SPACING = 1.0 / 128;

    private static Engine open() {
        return Engine.open("cuda", BackendOptions.defaults().withMixed(true));
    }

    /** The weight as a linear map multiplies by it: its product with the identity. */
    private static double[] asMultiplied(float[] weight, int width) {
        try (Engine engine = open();
                Scope scope = engine.scope()) {
            float[] identity = new float[width * width];
            for (int i = 0; i < width; i++) {
                identity[i * width + i] = 1;
            }
            return LinearFunction.apply(
                            scope.adopt(engine.tensor(identity, width, width)),
                            engine.tensor(weight, weight.length / width, width),
                            Optional.empty(),
                            Activation.NONE)
                    .permute(1, 0)
                    .toDoubles();
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {128, 127, 1})
    void everyWeightBecomesOneOfItsNeighbours(int width) {
        SplittableRandom random = new SplittableRandom(1);
        float[] weight = new float[width * 131];
        for (int i = 0; i < weight.length; i++) {
            weight[i] = (float) (random.nextBoolean() ? 1 + random.nextDouble() : -1 - random.nextDouble());
        }

        double[] rounded = asMultiplied(weight, width);

        for (int i = 0; i < weight.length; i++) {
            assertThat(rounded[i] / SPACING).isEqualTo(Math.rint(rounded[i] / SPACING));
            assertThat(rounded[i]).isCloseTo(weight[i], within(Math.nextDown(SPACING)));
        }
    }

    @Test
    void whatIsABfloat16Stays() {
        float[] weight = new float[128 * 128];
        for (int i = 0; i < weight.length; i++) {
            weight[i] = Float.intBitsToFloat((128 + i) << 16) * (i % 3 - 1);
        }

        double[] rounded = asMultiplied(weight, 128);

        for (int i = 0; i < weight.length; i++) {
            assertThat(rounded[i]).isEqualTo(weight[i]);
        }
    }

    /** Rounding to nearest would give the smallest step no weight, and the largest one all. */
    @ParameterizedTest
    @ValueSource(doubles = {0.02, 0.2, 0.5, 0.9})
    void ofAStepShorterThanTheSpacingAsManyWeightsTakePart(double share) {
        float[] weight = new float[512 * 512];
        Arrays.fill(weight, (float) (1 + share * SPACING));

        assertMoved(share, asMultiplied(weight, 512));
    }

    /** From 1 by a share of the spacing, but for five standard deviations of a share of so many. */
    private static void assertMoved(double share, double[] rounded) {
        double moved = Arrays.stream(rounded).sum() / rounded.length - 1;
        double deviation = Math.sqrt(share * (1 - share) / rounded.length);
        assertThat(moved / SPACING).isCloseTo(share, within(5 * deviation));
    }

    /** Four channels a thread, and one. */
    @ParameterizedTest
    @ValueSource(ints = {256, 255})
    void aConvolutionNearTheIdentityIsNotTheIdentity(int channels) {
        int time = 301;
        double share = 0.2;
        float[] taps = new float[channels * 4];
        for (int c = 0; c < channels; c++) {
            taps[4 * c + 3] = (float) (1 + share * SPACING);
        }
        try (Engine engine = open();
                Scope scope = engine.scope()) {
            Tensor ones = engine.full(1, 2, time, channels).cast(DType.BFLOAT16);
            Tensor y = CausalConv1dFunction.apply(
                    scope.adopt(ones), engine.tensor(taps, channels, 1, 4), engine.zeros(channels));
            double[] first = y.narrow(0, 0, 1).toDoubles();

            assertThat(y.dtype()).isEqualTo(DType.BFLOAT16);
            assertMoved(share, first);
            assertThat(y.narrow(0, 1, 1).toDoubles())
                    .as("whichever row of the batch")
                    .isEqualTo(first);
        }
    }

    @Test
    void aPlaceIsRoundedTheSameWayEveryTime() {
        float[] weight = new float[64 * 67];
        Arrays.fill(weight, (float) (1 + SPACING / 3));

        assertThat(asMultiplied(weight, 64)).isEqualTo(asMultiplied(weight, 64));
    }
}
