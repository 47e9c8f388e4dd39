package org.mohawk4j.backend.cuda;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.SplittableRandom;
import java.util.function.Supplier;
import java.util.function.UnaryOperator;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.mohawk4j.backend.BackendOptions;
import org.mohawk4j.matrix.SemiseparableMatrix;
import org.mohawk4j.op.Activation;
import org.mohawk4j.op.CausalConv1dFunction;
import org.mohawk4j.op.LinearFunction;
import org.mohawk4j.op.SemiseparableFunction;
import org.mohawk4j.op.SemiseparableFunction.Inputs;
import org.mohawk4j.op.loss.DistillationFunction;
import org.mohawk4j.op.loss.DistillationFunction.Weights;
import org.mohawk4j.op.loss.LmHead;
import org.mohawk4j.op.loss.TopKDistillationFunction;
import org.mohawk4j.op.loss.TopKFunction;
import org.mohawk4j.op.loss.TopKLogits;
import org.mohawk4j.tensor.Engine;
import org.mohawk4j.tensor.Scope;
import org.mohawk4j.tensor.Tape;
import org.mohawk4j.tensor.Tensor;
import org.mohawk4j.tensor.types.DType;
import org.mohawk4j.tensor.types.Shape;

/**
 * float32 parameters in operations of bfloat16. While they are trained they are rounded by dithering, and so is what
 * a convolution with them gives; where they are only used they go to the nearest.
 */
class CudaRoundingTest implements GpuTest {
    /** Between neighbors in bfloat16 from 1 to 2. */
    private static final double SPACING = 1.0 / 128;

    private static Engine open() {
        return Engine.open("cuda", BackendOptions.defaults().withMixed(true));
    }

    /** What is computed while a tape watches some tensors. */
    private static Tensor watching(Engine engine, List<Tensor> watched, Supplier<Tensor> computed) {
        Tape tape = engine.tape(watched);
        try {
            return computed.get();
        } finally {
            tape.close();
        }
    }

    private static float[] identity(int width) {
        float[] identity = new float[width * width];
        for (int i = 0; i < width; i++) {
            identity[i * width + i] = 1;
        }
        return identity;
    }

    /** The weight as a linear map multiplies by it: its product with the identity. */
    private static double[] asMultiplied(float[] weight, int width, boolean trained) {
        try (Engine engine = open();
                Scope scope = engine.scope()) {
            Tensor x = scope.adopt(engine.tensor(identity(width), width, width));
            Tensor matrix = engine.tensor(weight, weight.length / width, width);
            return watching(
                            engine,
                            trained ? List.of(matrix) : List.of(),
                            () -> LinearFunction.apply(x, matrix, Optional.empty(), Activation.NONE))
                    .permute(1, 0)
                    .toDoubles();
        }
    }

    private static float[] betweenOneAndTwo(int count) {
        SplittableRandom random = new SplittableRandom(1);
        float[] numbers = new float[count];
        for (int i = 0; i < count; i++) {
            numbers[i] = (float) (random.nextBoolean() ? 1 + random.nextDouble() : -1 - random.nextDouble());
        }
        return numbers;
    }

    /** Ties to even. */
    private static double nearest(float value) {
        int bits = Float.floatToRawIntBits(value);
        return Float.intBitsToFloat((bits + 0x7fff + (bits >>> 16 & 1)) & 0xffff0000);
    }

    private static double[] nearest(float[] values) {
        return IntStream.range(0, values.length)
                .mapToDouble(i -> nearest(values[i]))
                .toArray();
    }

    @ParameterizedTest
    @ValueSource(ints = {128, 127, 1})
    void aWeightThatIsOnlyUsedIsRoundedToNearest(int width) {
        float[] weight = betweenOneAndTwo(width * 131);

        assertThat(asMultiplied(weight, width, false)).isEqualTo(nearest(weight));
        assertThat(asMultiplied(weight, width, true)).isNotEqualTo(nearest(weight));
    }

    /** Of a linear map whose weight is 0, the bias is all there is. */
    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void aBiasIsRoundedByItsPlaceOnlyWhileItIsTrained(boolean trained) {
        int outputs = 65_536;
        double share = 0.3;
        float[] numbers = new float[outputs];
        Arrays.fill(numbers, (float) (1 + share * SPACING));
        try (Engine engine = open();
                Scope scope = engine.scope()) {
            Tensor x = scope.adopt(engine.zeros(8, 16)).cast(DType.BFLOAT16);
            Tensor weight = engine.zeros(outputs, 16);
            Tensor bias = engine.tensor(numbers, outputs);
            double[] y = watching(
                            engine,
                            trained ? List.of(bias) : List.of(weight),
                            () -> LinearFunction.apply(x, weight, Optional.of(bias), Activation.NONE))
                    .narrow(0, 0, 1)
                    .toDoubles();

            if (trained) {
                assertMoved(share, y);
            } else {
                assertThat(y).containsOnly(1);
            }
        }
    }

    /** In the pass that nothing of is kept as in the one whose gradient is computed. */
    @Test
    void aBlockThatIsRecomputedGivesTheBitsOfOneThatIsStored() {
        try (Engine engine = open();
                Scope scope = engine.scope()) {
            Tensor x = scope.adopt(engine.tensor(betweenOneAndTwo(64 * 128), 2, 32, 128))
                    .cast(DType.BFLOAT16);
            Tensor taps = engine.tensor(betweenOneAndTwo(128 * 4), 128, 1, 4);
            Tensor weight = engine.tensor(betweenOneAndTwo(256 * 128), 256, 128).mul(1.0 / 64);
            Tensor bias = engine.tensor(betweenOneAndTwo(256), 256);
            UnaryOperator<Tensor> block = in -> LinearFunction.apply(
                    CausalConv1dFunction.apply(in, taps, engine.zeros(128)),
                    weight,
                    Optional.of(bias),
                    Activation.GELU_TANH);
            List<Tensor> trained = List.of(taps, weight, bias);

            double[] stored = watching(engine, trained, () -> block.apply(x)).toDoubles();

            assertThat(watching(engine, trained, () -> engine.recompute(x, block))
                            .toDoubles())
                    .isEqualTo(stored);
            assertThat(block.apply(x).toDoubles()).as("to nearest").isNotEqualTo(stored);
        }
    }

    /** By rounding to nearest the student's logits would all be the same. */
    @Test
    void bothFormsOfTheDistillationLossRoundTheTrainedHeadByDithering() {
        int vocabulary = 32;
        int width = 64;
        float[] rows = new float[vocabulary * width];
        for (int i = 0; i < rows.length; i++) {
            int row = i / width;
            rows[i] = (float) (1 + 0.49 * row / (vocabulary - 1) * SPACING);
        }
        float[] one = new float[vocabulary * width];
        Arrays.fill(one, (vocabulary - 1) * width, one.length, 0.125f);
        try (Engine engine = open();
                Scope scope = engine.scope()) {
            Tensor hidden = scope.adopt(engine.full(1, 4, width));
            LmHead teacher = new LmHead(hidden, engine.tensor(one, vocabulary, width), Optional.empty());
            LmHead student = new LmHead(hidden, engine.tensor(rows, vocabulary, width), Optional.empty());
            TopKLogits all = TopKFunction.of(teacher, 1, vocabulary);
            List<Tensor> trained = List.of(student.weight());

            double whole = watching(
                            engine,
                            trained,
                            () -> DistillationFunction.apply(teacher, student, Optional.empty(), Weights.PLAIN))
                    .item();
            double top = watching(
                            engine,
                            trained,
                            () -> TopKDistillationFunction.apply(all, student, Optional.empty(), Weights.PLAIN))
                    .item();

            assertThat(whole).isLessThan(Math.log(vocabulary) - 0.05);
            assertThat(top).isCloseTo(whole, within(1e-4));
            assertThat(DistillationFunction.apply(teacher, student, Optional.empty(), Weights.PLAIN)
                            .item())
                    .as("to nearest")
                    .isCloseTo(Math.log(vocabulary), within(1e-4));
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {128, 127, 1})
    void everyTrainedWeightBecomesOneOfItsNeighbors(int width) {
        float[] weight = betweenOneAndTwo(width * 131);

        double[] rounded = asMultiplied(weight, width, true);

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

        double[] rounded = asMultiplied(weight, 128, true);

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

        assertMoved(share, asMultiplied(weight, 512, true));
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
            Tensor weight = scope.adopt(engine.tensor(taps, channels, 1, 4));
            Supplier<Tensor> convolution = () -> CausalConv1dFunction.apply(ones, weight, engine.zeros(channels));
            Tensor y = watching(engine, List.of(weight), convolution);
            double[] first = y.narrow(0, 0, 1).toDoubles();

            assertThat(y.dtype()).isEqualTo(DType.BFLOAT16);
            assertMoved(share, first);
            assertThat(y.narrow(0, 1, 1).toDoubles())
                    .as("whichever row of the batch")
                    .isEqualTo(first);
            assertThat(convolution.get().toDoubles()).as("not trained").containsOnly(1);
        }
    }

    @Test
    void aPlaceIsRoundedTheSameWayEveryTime() {
        float[] weight = new float[64 * 67];
        Arrays.fill(weight, (float) (1 + SPACING / 3));

        assertThat(asMultiplied(weight, 64, true)).isEqualTo(asMultiplied(weight, 64, true));
    }

    private static Tensor random(Engine engine, long seed, double from, long... shape) {
        double[] numbers = new SplittableRandom(seed)
                .doubles(Shape.of(shape).size(), from, from + 1)
                .toArray();
        return engine.tensor(numbers, shape).cast(DType.BFLOAT16);
    }

    /** A mixer of a user computes them like everything else; kernels read them in float32. */
    @Test
    void decaysInBfloat16AreThoseOfFloat32() {
        try (Engine engine = open();
                Scope scope = engine.scope()) {
            Tensor x = random(engine, 1, -0.5, 1, 130, 2, 64);
            Tensor b = random(engine, 2, -0.5, 1, 130, 2, 64);
            Tensor c = random(engine, 3, -0.5, 1, 130, 2, 64);
            Tensor decay = random(engine, 4, -1, 1, 130, 2);
            Tensor state = random(engine, 5, -0.5, 1, 2, 64, 64);

            SemiseparableFunction.Result found =
                    SemiseparableFunction.apply(new Inputs(x, b, c, decay, Optional.of(state)), 64);
            SemiseparableFunction.Result expected = SemiseparableFunction.apply(
                    new Inputs(x, b, c, decay.cast(DType.FLOAT32), Optional.of(state.cast(DType.FLOAT32))), 64);

            assertThat(found.y().toDoubles()).isEqualTo(expected.y().toDoubles());
            assertThat(found.state().toDoubles()).isEqualTo(expected.state().toDoubles());
            assertThat(new SemiseparableMatrix(c, b, decay, Optional.empty(), 64)
                            .logDecay()
                            .dtype())
                    .isEqualTo(DType.FLOAT32);
        }
    }

    @Test
    void aConvolutionOfManyPartsIsThatOfOne() {
        try (Engine engine = open();
                Scope scope = engine.scope()) {
            Tensor x = random(engine, 1, -0.5, 1, 9, 320);
            Tensor weight = engine.full(0.5, 320, 1, 4);
            Tensor bias = engine.full(0.25, 320);

            List<Tensor> parts = CausalConv1dFunction.applyParts(x, weight, bias, 64, 64, 64, 64, 64);

            assertThat(Tensor.concat(2, parts).toDoubles())
                    .isEqualTo(CausalConv1dFunction.apply(x, weight, bias).toDoubles());
        }
    }
}
