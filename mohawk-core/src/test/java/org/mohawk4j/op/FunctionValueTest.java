package org.mohawk4j.op;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.mohawk4j.op.SemiseparableFunction.Inputs;
import org.mohawk4j.op.SemiseparableFunction.Result;
import org.mohawk4j.op.loss.CrossEntropyFunction;
import org.mohawk4j.op.loss.DistanceFunction;
import org.mohawk4j.op.loss.DistillationFunction;
import org.mohawk4j.op.loss.DistillationFunction.Weights;
import org.mohawk4j.op.loss.LmHead;
import org.mohawk4j.tensor.Tensor;
import org.mohawk4j.tensor.types.Shape;
import org.mohawk4j.testing.Float64Test;
import org.mohawk4j.testing.HostArray;
import org.mohawk4j.testing.HostOps;
import org.mohawk4j.testing.TensorAssert;

/** What the functions compute, against their definitions as plain loops. */
class FunctionValueTest extends Float64Test {
    private static final double TOLERANCE = 1e-12;

    private static HostArray numbers(long seed, long... shape) {
        return HostArray.random(Shape.of(shape), seed);
    }

    private void assertEqual(String what, Tensor actual, HostArray expected) {
        TensorAssert.assertRelative(what, actual, tensor(expected), TOLERANCE);
    }

    @ParameterizedTest
    @EnumSource(Activation.class)
    void activations(Activation activation) {
        HostArray x = numbers(1, 65).map(v -> 6 * v);
        HostArray expected = x.map(v -> switch (activation) {
            case NONE -> v;
            case GELU_TANH -> 0.5 * v * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (v + 0.044715 * v * v * v)));
            case RELU -> Math.max(0, v);
            case SILU -> v / (1 + Math.exp(-v));
        });
        assertEqual(activation.toString(), activation.apply(tensor(x)), expected);
    }

    @Test
    void linear() {
        HostArray x = numbers(1, 2, 3, 5);
        HostArray weight = numbers(2, 4, 5);
        HostArray bias = numbers(3, 4);
        HostArray product = HostOps.matmul(x.reshape(Shape.of(6, 5)), false, weight, true);
        HostArray expected =
                HostOps.binary(product, bias, (p, b) -> Math.max(0, p + b)).reshape(Shape.of(2, 3, 4));
        Tensor actual = LinearFunction.apply(tensor(x), tensor(weight), Optional.of(tensor(bias)), Activation.RELU);
        assertEqual("linear", actual, expected);
    }

    @Test
    void layerNormHasUnitVarianceBeforeItsScale() {
        HostArray x = numbers(1, 5, 13);
        HostArray weight = numbers(2, 13);
        HostArray bias = numbers(3, 13);
        HostArray expected = HostArray.byIndex(x.shape(), i -> {
            double mean = 0;
            double square = 0;
            for (int k = 0; k < 13; k++) {
                mean += x.at(i[0], k) / 13;
                square += x.at(i[0], k) * x.at(i[0], k) / 13;
            }
            return (x.at(i) - mean) / Math.sqrt(square - mean * mean + 1e-5) * weight.at(i[1]) + bias.at(i[1]);
        });
        assertEqual("norm", LayerNormFunction.apply(tensor(x), tensor(weight), tensor(bias), 1e-5), expected);
    }

    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3, 4, 13})
    void convolutionSeesThePastOnly(long time) {
        HostArray x = numbers(1, 2, time, 3);
        HostArray weight = numbers(2, 3, 1, 4);
        HostArray bias = numbers(3, 3);
        HostArray history = numbers(4, 2, 3, 3);
        Tensor fresh = CausalConv1dFunction.apply(tensor(x), tensor(weight), tensor(bias));
        Tensor continued = CausalConv1dFunction.continued(tensor(history), tensor(x), tensor(weight), tensor(bias));
        assertEqual("fresh", fresh, convolved(HostArray.filled(history.shape(), 0), x, weight, bias));
        assertEqual("continued", continued, convolved(history, x, weight, bias));
    }

    private static HostArray convolved(HostArray history, HostArray x, HostArray weight, HostArray bias) {
        HostArray seen = HostOps.concat(List.of(history, x), 1);
        return HostArray.byIndex(x.shape(), i -> {
            double sum = bias.at(i[2]);
            for (long k = 0; k < 4; k++) {
                sum += weight.at(i[2], 0, k) * seen.at(i[0], i[1] + k, i[2]);
            }
            return sum;
        });
    }

    @ParameterizedTest
    @CsvSource({"5,5,4,4", "5,5,4,2", "5,5,4,1", "1,1,2,2", "1,7,2,1", "3,7,4,2", "13,65,2,2"})
    void attention(long queries, long time, long heads, long groups) {
        HostArray q = numbers(1, 2, queries, heads, 3);
        HostArray k = numbers(2, 2, time, groups, 3);
        HostArray v = numbers(3, 2, time, groups, 3);
        HostArray expected = HostArray.byIndex(q.shape(), i -> {
            long group = i[2] / (heads / groups);
            double total = 0;
            double sum = 0;
            for (long s = 0; s <= i[1] + time - queries; s++) {
                double score = 0;
                for (long p = 0; p < 3; p++) {
                    score += q.at(i[0], i[1], i[2], p) * k.at(i[0], s, group, p);
                }
                double weight = Math.exp(0.7 * score);
                total += weight;
                sum += weight * v.at(i[0], s, group, i[3]);
            }
            return sum / total;
        });
        assertEqual("attention", AttentionFunction.apply(tensor(q), tensor(k), tensor(v), 0.7), expected);
    }

    @ParameterizedTest
    @CsvSource({
        "1,4,4,8",
        "1,4,2,8",
        "2,4,4,8",
        "7,4,4,7",
        "7,4,2,3",
        "7,4,1,1",
        "8,4,2,4",
        "13,3,3,5",
        "65,2,1,16",
        "207,2,2,64"
    })
    void everyWayToMultiplyIsTheRecurrence(long time, long heads, long groups, int chunk) {
        HostArray x = numbers(1, 2, time, heads, 3);
        HostArray b = numbers(2, 2, time, groups, 5);
        HostArray c = numbers(3, 2, time, groups, 5);
        HostArray logDecay = numbers(4, 2, time, heads).map(v -> -0.6 - 0.6 * v);
        HostArray state = numbers(5, 2, heads, 3, 5);
        for (boolean continued : new boolean[] {false, true}) {
            Optional<Tensor> before = continued ? Optional.of(tensor(state)) : Optional.empty();
            Inputs in = new Inputs(tensor(x), tensor(b), tensor(c), tensor(logDecay), before);
            double[] after = (continued ? state : HostArray.filled(state.shape(), 0)).values();
            HostArray y = recurrence(x, b, c, logDecay, after);
            assertResult("by the matrix", SemiseparableFunction.reference(in), y, HostArray.of(state.shape(), after));
            assertResult("applied", SemiseparableFunction.apply(in, chunk), y, HostArray.of(state.shape(), after));
            assertResult("in chunks", SemiseparableFunction.chunked(in, chunk), y, HostArray.of(state.shape(), after));
        }
    }

    private void assertResult(String how, Result actual, HostArray y, HostArray state) {
        assertEqual(how + ", y", actual.y(), y);
        assertEqual(how + ", state", actual.state(), state);
    }

    /** {@code S_t = exp(logDecay_t) S_{t-1} + x_t b_tᵀ}, {@code y_t = S_t c_t}, position by position; changes the state. */
    private static HostArray recurrence(HostArray x, HostArray b, HostArray c, HostArray logDecay, double[] state) {
        long time = x.shape().dim(1);
        long heads = x.shape().dim(2);
        long width = x.shape().dim(3);
        long each = heads / b.shape().dim(2);
        int n = Math.toIntExact(b.shape().dim(3));
        double[] y = new double[Math.toIntExact(x.shape().size())];
        for (long batch = 0; batch < x.shape().dim(0); batch++) {
            for (long t = 0; t < time; t++) {
                for (long h = 0; h < heads; h++) {
                    for (long p = 0; p < width; p++) {
                        int row = Math.toIntExact(((batch * heads + h) * width + p) * n);
                        double sum = 0;
                        for (int k = 0; k < n; k++) {
                            state[row + k] = Math.exp(logDecay.at(batch, t, h)) * state[row + k]
                                    + x.at(batch, t, h, p) * b.at(batch, t, h / each, k);
                            sum += state[row + k] * c.at(batch, t, h / each, k);
                        }
                        y[Math.toIntExact(((batch * time + t) * heads + h) * width + p)] = sum;
                    }
                }
            }
        }
        return HostArray.of(x.shape(), y);
    }

    @Test
    void strongDecayForgetsWithoutOverflow() {
        HostArray ones = HostArray.filled(Shape.of(1, 9, 1, 1), 1);
        Tensor all = tensor(ones);
        Tensor decay = tensor(HostArray.filled(Shape.of(1, 9, 1), -1e4));
        Result result = SemiseparableFunction.apply(new Inputs(all, all, all, decay, Optional.empty()), 4);
        assertEqual("only the present is left", result.y(), ones);
    }

    @Test
    void rotaryTurnsByTheAngleOfThePosition() {
        Tensor cos = tensor(HostArray.byIndex(Shape.of(5, 2), i -> Math.cos(i[0])));
        Tensor sin = tensor(HostArray.byIndex(Shape.of(5, 2), i -> Math.sin(i[0])));
        Tensor partner = engine().tensor(new double[] {0, 1, -1, 0}, 2, 2);
        HostArray x = numbers(1, 2, 3, 2, 2);
        HostArray expected = HostArray.byIndex(x.shape(), i -> {
            double angle = i[1] + 2;
            double a = x.at(i[0], i[1], i[2], 0);
            double b = x.at(i[0], i[1], i[2], 1);
            return i[3] == 0 ? a * Math.cos(angle) - b * Math.sin(angle) : b * Math.cos(angle) + a * Math.sin(angle);
        });
        assertEqual(
                "rotary",
                RotaryFunction.apply(tensor(x), new RotaryFunction.Tables(cos, sin, partner, 2), 2),
                expected);
    }

    @Test
    void distanceIsTheMeanNorm() {
        Tensor teacher = engine().zeros(2, 2);
        Tensor student = engine().tensor(new double[] {3, 4, 0, 5}, 2, 2);
        assertThat(DistanceFunction.apply(teacher, student).item()).isCloseTo(5, within(1e-12));
        assertThat(DistanceFunction.norm(student, -2, -1).item()).isCloseTo(Math.sqrt(50), within(1e-12));
    }

    @ParameterizedTest
    @CsvSource({"1,0", "2,0", "1,1", "0.5,0.25"})
    void distillation(double temperature, double share) {
        HostArray teacher = numbers(1, 5, 4);
        HostArray student = numbers(2, 5, 3);
        HostArray teacherWeight = numbers(3, 7, 4);
        HostArray studentWeight = numbers(4, 7, 3);
        HostArray bias = numbers(5, 7);
        int[] labels = {2, 6, 2, 0, 6};
        HostArray target = HostOps.matmul(teacher, false, teacherWeight, true);
        HostArray logits = HostOps.binary(HostOps.matmul(student, false, studentWeight, true), bias, Double::sum);
        double expected = 0;
        for (int row = 0; row < 5; row++) {
            double soft = 0;
            for (int v = 0; v < 7; v++) {
                soft -= Math.exp(logProbability(target, row, v, temperature))
                        * logProbability(logits, row, v, temperature);
            }
            expected += ((1 - share) * soft - share * logProbability(logits, row, labels[row], 1)) / 5;
        }
        Tensor loss = DistillationFunction.apply(
                new LmHead(tensor(teacher), tensor(teacherWeight), Optional.empty()),
                new LmHead(tensor(student), tensor(studentWeight), Optional.of(tensor(bias))),
                Optional.of(engine().indices(labels, 5)),
                new Weights(temperature, share));
        assertThat(loss.shape()).isEqualTo(Shape.of());
        assertThat(loss.item()).isCloseTo(expected, within(1e-12));
    }

    private static double logProbability(HostArray logits, int row, int token, double temperature) {
        double total = 0;
        for (int v = 0; v < 7; v++) {
            total += Math.exp(logits.at(row, v) / temperature);
        }
        return logits.at(row, token) / temperature - Math.log(total);
    }

    @Test
    void crossEntropyOfHugeLogitsIsFinite() {
        Tensor hidden = engine().tensor(new double[] {1e4, -1e4}, 2, 1);
        Tensor weight = engine().tensor(new double[] {1, -1, 0}, 3, 1);
        Tensor loss = CrossEntropyFunction.apply(
                new LmHead(hidden, weight, Optional.empty()), engine().indices(new int[] {0, 0}, 2));
        assertThat(loss.shape()).isEqualTo(Shape.of(2, 1));
        assertThat(loss.toDoubles()).containsExactly(0, 2e4);
    }

    @Test
    void inputsThatDoNotFitAreNamed() {
        Tensor x = random(1, 2, 3, 4, 5);
        Tensor b = random(2, 2, 3, 4, 6);
        Tensor decay = random(3, 2, 3, 5);
        assertThatThrownBy(() -> new Inputs(x, b, b, decay, Optional.empty()))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("logDecay [2, 3, 5]")
                .hasMessageContaining("x [2, 3, 4, 5]");
        assertThatThrownBy(() -> LinearFunction.apply(x, random(4, 3, 4), Optional.empty(), Activation.NONE))
                .hasMessageContaining("[2, 3, 4, 5]")
                .hasMessageContaining("[3, 4]");
        assertThatThrownBy(() -> AttentionFunction.apply(x, b, b, 1))
                .hasMessageContaining("q [2, 3, 4, 5]")
                .hasMessageContaining("k [2, 3, 4, 6]");
        assertThatThrownBy(() -> AttentionFunction.apply(x, x.narrow(1, 0, 2), x.narrow(1, 0, 2), 1))
                .hasMessageContaining("T >= Tq");
        assertThatThrownBy(() -> DistanceFunction.apply(x, b)).hasMessageContaining("[2, 3, 4, 6]");
        assertThatThrownBy(() -> Heads.split(random(5, 2, 3, 7), 2)).hasMessageContaining("2 heads");
        assertThatThrownBy(() -> new Weights(0, 0))
                .hasMessageContaining("temperature: expected a number above 0, got 0.0");
        assertThatThrownBy(() -> DistillationFunction.apply(
                        new LmHead(random(6, 2, 3), random(7, 5, 3), Optional.empty()),
                        new LmHead(random(6, 2, 3), random(7, 5, 3), Optional.empty()),
                        Optional.empty(),
                        new Weights(1, 0.5)))
                .hasMessageContaining("needs labels");
    }
}
