package org.mohawk4j.backend.cpu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.fail;

import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.function.ObjIntConsumer;
import java.util.stream.Stream;
import org.assertj.core.data.Offset;
import org.assertj.core.data.Percentage;
import org.bytedeco.javacpp.FloatPointer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.mohawk4j.backend.cpu.Rows.AdamStep;
import org.mohawk4j.op.Activation;

/** Both versions of each row kernel, against each other and against NaN. */
class RowsTest {
    private static final int[] LENGTHS = {1, 2, 3, 7, 8, 15, 16, 17, 31, 33, 64, 100, 1023, 1025, 2500};
    private static final int SLOTS = 8;
    private static final int LONGEST = 4096;

    /** What lies behind a row and must stay as it is. */
    private static final float GUARD = 12345f;

    private final FloatPointer memory = new FloatPointer((long) SLOTS * LONGEST);

    @AfterEach
    void free() {
        memory.close();
    }

    /** Works on rows of n numbers in the slots; gives a number or 0. */
    private interface Kernel {
        float run(Rows rows, int n);
    }

    private long slot(int index) {
        return memory.address() + (long) index * LONGEST * Float.BYTES;
    }

    private static Kernel row(ObjIntConsumer<Rows> body) {
        return (rows, n) -> {
            body.accept(rows, n);
            return 0;
        };
    }

    private Map<String, Kernel> kernels() {
        long a = slot(0);
        long b = slot(1);
        long c = slot(2);
        long d = slot(3);
        long e = slot(4);
        long y = slot(5);
        long z = slot(6);
        long statistics = slot(7);
        AdamStep step = new AdamStep(0.7f, 0.9f, 0.95f, 0.99f, 1e-2f, 1.5f, 1e-8f);
        Map<String, Kernel> kernels = new LinkedHashMap<>();
        kernels.put("add", row((rows, n) -> rows.add(y, a, b, n)));
        kernels.put("subtract", row((rows, n) -> rows.subtract(y, a, b, n)));
        kernels.put("multiply", row((rows, n) -> rows.multiply(y, a, b, n)));
        kernels.put("multiplyAdd", row((rows, n) -> rows.multiplyAdd(a, b, c, n)));
        kernels.put("affine", row((rows, n) -> rows.affine(y, 1.5f, -0.5f, a, n)));
        kernels.put("addScaled", row((rows, n) -> rows.addScaled(a, -0.3f, b, n)));
        kernels.put("sum", (rows, n) -> rows.sum(a, n));
        kernels.put("dot", (rows, n) -> rows.dot(a, b, n));
        kernels.put("dots", row((rows, n) -> rows.dots(y, a, Math.min(7, LONGEST / n), b, n)));
        kernels.put("exp", row((rows, n) -> rows.exp(y, -2, 0.5f, a, n)));
        kernels.put("softmax", (rows, n) -> rows.softmax(y, 1.5f, a, n));
        kernels.put("softmaxGradient", row((rows, n) -> rows.softmaxGradient(y, a, b, n)));
        for (Activation activation : Activation.values()) {
            kernels.put("activate " + activation, row((rows, n) -> rows.activate(activation, y, a, n)));
            kernels.put(
                    "activationGradient " + activation,
                    row((rows, n) -> rows.activationGradient(activation, y, b, a, n)));
        }
        kernels.put("gate", row((rows, n) -> rows.gate(y, a, b, c, n)));
        kernels.put("gateGradient", row((rows, n) -> rows.gateGradient(y, z, d, a, b, c, n)));
        kernels.put("layerNorm", row((rows, n) -> rows.layerNorm(y, a, b, c, 1e-5f, statistics, n)));
        kernels.put("layerNormGradient", row((rows, n) -> {
            rows.layerNorm(y, a, b, c, 1e-3f, statistics, n);
            rows.layerNormGradient(y, d, a, b, statistics, c, e, n);
        }));
        kernels.put("rmsNorm", row((rows, n) -> rows.rmsNorm(y, a, b, 1e-5f, statistics, n)));
        kernels.put("rmsNormGradient", row((rows, n) -> {
            rows.rmsNorm(y, a, b, 1e-3f, statistics, n);
            rows.rmsNormGradient(y, d, a, b, statistics, c, n);
        }));
        kernels.put("rotate", row((rows, n) -> rows.rotate(y, a, b, c, -1, n / 3, n)));
        kernels.put("adam", row((rows, n) -> rows.adam(a, b, c, d, step, n)));
        return kernels;
    }

    /** Numbers of both signs in the first slots; the fourth, squares of a moment, has no negative ones. */
    private void fill(int n) {
        SplittableRandom random = new SplittableRandom(n);
        for (int slot = 0; slot < SLOTS; slot++) {
            for (int i = 0; i < LONGEST; i++) {
                float number = (float) (6 * random.nextDouble() - 3);
                boolean inRow = i < n || slot == 0;
                memory.put((long) slot * LONGEST + i, inRow ? slot == 3 ? Math.abs(number) : number : GUARD);
            }
        }
    }

    private float[] after(Rows rows, Kernel kernel, int n) {
        float result = kernel.run(rows, n);
        float[] all = new float[SLOTS * LONGEST + 1];
        memory.get(all, 0, SLOTS * LONGEST);
        all[SLOTS * LONGEST] = result;
        return all;
    }

    @TestFactory
    Stream<DynamicTest> bothVersionsAgree() {
        return kernels().entrySet().stream()
                .map(kernel -> DynamicTest.dynamicTest(kernel.getKey(), () -> {
                    Rows vectors = vectors();
                    for (int n : LENGTHS) {
                        fill(n);
                        float[] expected = after(new PlainRows(), kernel.getValue(), n);
                        fill(n);
                        float[] actual = after(vectors, kernel.getValue(), n);
                        double tolerance = 2e-5 * (1 + Math.sqrt(n));
                        for (int i = 0; i < expected.length; i++) {
                            assertThat((double) actual[i])
                                    .as("%s of %d at %d", kernel.getKey(), n, i)
                                    .isCloseTo(expected[i], Offset.offset(tolerance * (1 + Math.abs(expected[i]))));
                        }
                    }
                }));
    }

    private static Rows vectors() {
        Rows best = RowsVersion.choose().get();
        Assumptions.assumeFalse(best instanceof PlainRows, "this JVM runs without the Vector API");
        return best;
    }

    @TestFactory
    Stream<DynamicTest> nanOfAnInputReachesTheOutput() {
        return Stream.of(new PlainRows(), RowsVersion.choose().get())
                .flatMap(rows -> kernels().entrySet().stream()
                        .filter(kernel -> !kernel.getKey().equals("activationGradient NONE"))
                        .map(kernel -> DynamicTest.dynamicTest(rows.name() + ": " + kernel.getKey(), () -> {
                            for (int n : LENGTHS) {
                                for (int place : new int[] {0, n / 2, n - 1}) {
                                    fill(n);
                                    memory.put(place, Float.NaN);
                                    float[] result = after(rows, kernel.getValue(), n);
                                    result[place] = 0;
                                    boolean inPlace = result[5 * LONGEST] == GUARD || isInPlace(kernel.getKey());
                                    assertThat(inPlace || hasNan(result))
                                            .as("%s of %d with NaN at %d", kernel.getKey(), n, place)
                                            .isTrue();
                                }
                            }
                        })));
    }

    private static boolean isInPlace(String kernel) {
        return kernel.equals("multiplyAdd") || kernel.equals("addScaled") || kernel.equals("adam");
    }

    private static boolean hasNan(float... numbers) {
        for (float number : numbers) {
            if (Float.isNaN(number)) {
                return true;
            }
        }
        return false;
    }

    @Test
    void nothingBehindARowIsWritten() {
        for (Rows rows : new Rows[] {new PlainRows(), RowsVersion.choose().get()}) {
            kernels().forEach((name, kernel) -> {
                for (int n : LENGTHS) {
                    fill(n);
                    float[] result = after(rows, kernel, n);
                    int written = name.equals("dots") ? Math.min(7, LONGEST / n) : n;
                    for (int slot = 1; slot < SLOTS - 1; slot++) {
                        for (int i = Math.max(n, written); i < LONGEST; i++) {
                            if (result[slot * LONGEST + i] != GUARD) {
                                fail("%s %s of %d wrote slot %d at %d", rows.name(), name, n, slot, i);
                            }
                        }
                    }
                }
            });
        }
    }

    /** A vector's sum has an order of the JVM's choice in {@code reduceLanes}, and the compiler's is another. */
    @Test
    void sumsHaveTheSameBitsBeforeAndAfterTheyAreCompiled() {
        for (Rows rows : new Rows[] {new PlainRows(), RowsVersion.choose().get()}) {
            for (int n : new int[] {24, 100, 128}) {
                fill(n);
                float[] first = sums(rows, n);
                for (int call = 0; call < 20_000; call++) {
                    if (!Arrays.equals(sums(rows, n), first)) {
                        fail("%s of %d: other bits at call %d", rows.name(), n, call);
                    }
                }
            }
        }
    }

    private float[] sums(Rows rows, int n) {
        long x = slot(0);
        long statistics = slot(7);
        float softmax = rows.softmax(slot(5), 1.5f, x, n);
        rows.layerNorm(slot(5), x, slot(1), slot(2), 1e-5f, statistics, n);
        float deviation = Raw.get(statistics + Float.BYTES);
        rows.layerNormGradient(slot(5), slot(4), x, slot(1), statistics, slot(6), slot(3), n);
        return new float[] {rows.sum(x, n), rows.dot(x, slot(1), n), softmax, deviation, Raw.get(slot(5))};
    }

    @Test
    void exponentialsAreZeroFarBelowAndFiniteFarAbove() {
        for (Rows rows : new Rows[] {new PlainRows(), RowsVersion.choose().get()}) {
            float[] exponents = {-1e30f, -88, -87, 0, 1, 88, 1000};
            memory.put(exponents, 0, exponents.length);
            rows.exp(slot(1), 1, 0, slot(0), exponents.length);
            float[] result = new float[exponents.length];
            memory.position(LONGEST).get(result, 0, result.length);
            memory.position(0);
            assertThat(result[0]).isZero();
            assertThat(result[1]).isZero();
            assertThat((double) result[2]).isCloseTo(Math.exp(-87), Percentage.withPercentage(1e-3));
            assertThat(result[3]).isEqualTo(1);
            assertThat((double) result[4]).isCloseTo(Math.E, Percentage.withPercentage(1e-5));
            assertThat((double) result[5]).isCloseTo(Math.exp(88), Percentage.withPercentage(1e-3));
            assertThat(result[6]).isFinite();
        }
    }
}
