package org.mohawk4j.op;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.mohawk4j.backend.BackendOptions;
import org.mohawk4j.op.loss.DistillationFunction;
import org.mohawk4j.op.loss.DistillationFunction.Weights;
import org.mohawk4j.op.loss.LmHead;
import org.mohawk4j.op.loss.TopKDistillationFunction;
import org.mohawk4j.op.loss.TopKFunction;
import org.mohawk4j.op.loss.TopKLogits;
import org.mohawk4j.tensor.Engine;
import org.mohawk4j.tensor.Gradients;
import org.mohawk4j.tensor.Tape;
import org.mohawk4j.tensor.Tensor;
import org.mohawk4j.tensor.types.DType;
import org.mohawk4j.tensor.types.HostTensor;
import org.mohawk4j.tensor.types.Shape;
import org.mohawk4j.testing.Float64Test;
import org.mohawk4j.testing.HostArray;

class TopDistillationTest extends Float64Test {
    private static final int ROWS = 5;
    private static final int V = 7;
    private static final int[] LABELS = {2, 6, 2, 0, 6};

    /** Of rows that each begin with the probabilities that are kept and end with that of the rest. */
    static TopKLogits tokens(int[][] ids, double[][] probabilities) {
        int k = ids[0].length;
        ByteBuffer places = bytes(ids.length * k);
        ByteBuffer kept = bytes(ids.length * k);
        ByteBuffer rest = bytes(ids.length);
        for (int row = 0; row < ids.length; row++) {
            for (int i = 0; i < k; i++) {
                places.putInt(ids[row][i]);
                kept.putFloat((float) probabilities[row][i]);
            }
            rest.putFloat((float) probabilities[row][k]);
        }
        return new TopKLogits(
                new HostTensor(DType.INT32, Shape.of(ids.length, k), places.flip()),
                new HostTensor(DType.FLOAT32, Shape.of(ids.length, k), kept.flip()),
                new HostTensor(DType.FLOAT32, Shape.of(ids.length), rest.flip()));
    }

    @ParameterizedTest
    @CsvSource({"-1", "7"})
    void aTokenThatHasNoLogitIsRefused(int id) {
        TopKLogits top = tokens(
                new int[][] {{0}, {1}, {id}, {3}, {4}},
                new double[][] {{0.5, 0.5}, {0.5, 0.5}, {0.5, 0.5}, {0.5, 0.5}, {0.5, 0.5}});

        assertThatThrownBy(() -> TopKDistillationFunction.apply(top, student(), Optional.empty(), Weights.PLAIN))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("token " + id + " of row 2: expected an id below 7");
    }

    private static ByteBuffer bytes(int numbers) {
        return ByteBuffer.allocate(4 * numbers).order(ByteOrder.LITTLE_ENDIAN);
    }

    private LmHead teacher() {
        return new LmHead(
                random(1, ROWS, 4), tensor(HostArray.random(Shape.of(V, 4), 2).map(v -> 3 * v)), Optional.empty());
    }

    private LmHead student() {
        return new LmHead(random(3, ROWS, 3), random(4, V, 3), Optional.of(random(5, V)));
    }

    private Optional<Tensor> labels() {
        return Optional.of(engine().indices(LABELS, ROWS));
    }

    private static double[] softmax(double[] logits, int row, double temperature) {
        double[] p = new double[V];
        double total = 0;
        for (int v = 0; v < V; v++) {
            p[v] = Math.exp(logits[row * V + v] / temperature);
            total += p[v];
        }
        for (int v = 0; v < V; v++) {
            p[v] /= total;
        }
        return p;
    }

    @ParameterizedTest
    @CsvSource({"1,0,3", "2.5,0,1", "1,1,3", "0.7,0.3,6"})
    void theLossIsTheCrossEntropyOfTheKeptTokensAndAllOthersTogether(double temperature, double share, int k) {
        TopKLogits top = TopKFunction.of(teacher(), temperature, k);
        double[] logits = student().logits().toDoubles();
        int[] ids = new int[ROWS * k];
        top.ids().data().asIntBuffer().get(ids);
        double expected = 0;
        for (int row = 0; row < ROWS; row++) {
            double[] q = softmax(logits, row, temperature);
            double others = 1;
            double soft = 0;
            for (int i = 0; i < k; i++) {
                double p = top.probabilities().data().getFloat(4 * (row * k + i));
                soft -= p * Math.log(q[ids[row * k + i]]);
                others -= q[ids[row * k + i]];
            }
            soft -= top.rest().data().getFloat(4 * row) * Math.log(others);
            double hard = -Math.log(softmax(logits, row, 1)[LABELS[row]]);
            expected += ((1 - share) * soft + share * hard) / ROWS;
        }

        Tensor loss = TopKDistillationFunction.apply(top, student(), labels(), new Weights(temperature, share));

        assertThat(loss.shape()).isEqualTo(Shape.of());
        assertThat(loss.item()).isCloseTo(expected, within(1e-12));
    }

    /** What a student loses that only sees the bucket: the mass of the rest times the cross-entropy within it. */
    @Test
    void theWholeLossHasTheCrossEntropyWithinTheRestOnTop() {
        int k = 3;
        TopKLogits top = TopKFunction.of(teacher(), 1, k);
        double[] target = teacher().logits().toDoubles();
        double[] logits = student().logits().toDoubles();
        double within = 0;
        for (int row = 0; row < ROWS; row++) {
            double[] p = softmax(target, row, 1);
            double[] q = softmax(logits, row, 1);
            for (int i = 0; i < k; i++) {
                int id = top.ids().data().getInt(4 * (row * k + i));
                p[id] = 0;
                q[id] = 0;
            }
            double ofTeacher = Arrays.stream(p).sum();
            double ofStudent = Arrays.stream(q).sum();
            for (int v = 0; v < V; v++) {
                within -= p[v] == 0 ? 0 : p[v] * Math.log(q[v] / ofStudent) / ROWS;
            }
            assertThat((double) top.rest().data().getFloat(4 * row)).isCloseTo(ofTeacher, within(1e-7));
        }
        double whole = DistillationFunction.apply(teacher(), student(), Optional.empty(), Weights.PLAIN)
                .item();

        double loss = TopKDistillationFunction.apply(top, student(), Optional.empty(), Weights.PLAIN)
                .item();

        assertThat(whole - loss).isCloseTo(within, within(1e-6)).isPositive();
    }

    @ParameterizedTest
    @CsvSource({"1,0", "2,0", "0.5,0.25"})
    void withAllTokensItIsTheWholeLoss(double temperature, double share) {
        Weights weights = new Weights(temperature, share);
        // probabilities that float32 has: halves of halves, at the temperature
        double[] p = {0.5, 0.25, 0.125, 0.0625, 0.03125, 0.015625, 0.015625};
        HostArray logits =
                HostArray.byIndex(Shape.of(V, ROWS), i -> temperature * Math.log(p[(int) (i[0] + i[1]) % V]));
        HostArray unit = HostArray.byIndex(Shape.of(ROWS, ROWS), i -> i[0] == i[1] ? 1 : 0);
        LmHead teacher = new LmHead(tensor(unit), tensor(logits), Optional.empty());
        TopKLogits top = TopKFunction.of(teacher, temperature, V);

        List<double[]> actual =
                lossAndGradients(student(), head -> TopKDistillationFunction.apply(top, head, labels(), weights));
        List<double[]> expected =
                lossAndGradients(student(), head -> DistillationFunction.apply(teacher, head, labels(), weights));

        assertThat(HostArray.of(top.rest()).values()).containsOnly(0);
        assertClose(actual, expected, 1e-12);
    }

    @Test
    void chunksOfRowsAddUpToTheWhole() {
        Weights weights = new Weights(1.5, 0.25);
        TopKLogits top = TopKFunction.of(teacher(), 1.5, 2);
        List<double[]> expected =
                lossAndGradients(student(), head -> TopKDistillationFunction.reference(top, head, labels(), weights));
        for (int chunk : new int[] {1, 2, 3, 5, 8}) {
            assertClose(
                    lossAndGradients(
                            student(), head -> TopKDistillationFunction.apply(top, head, labels(), weights, chunk)),
                    expected,
                    1e-13);
        }
    }

    @Test
    void whatIsNotTrackedGetsNoGradient() {
        TopKLogits top = TopKFunction.of(teacher(), 1, 2);
        LmHead student = student();
        try (Tape tape = engine().tape(List.of(student.hidden()))) {
            Tensor loss = TopKDistillationFunction.apply(top, student, Optional.empty(), Weights.PLAIN, 2);
            Gradients gradients = tape.gradients(loss.mul(3));
            assertThat(gradients.of(student.weight())).isEmpty();
            double[] expected = lossAndGradients(
                            student(),
                            head -> TopKDistillationFunction.reference(top, head, Optional.empty(), Weights.PLAIN))
                    .get(1);
            double[] found = gradients.of(student.hidden()).orElseThrow().toDoubles();
            for (int i = 0; i < found.length; i++) {
                assertThat(found[i]).isCloseTo(3 * expected[i], within(1e-13));
            }
        }
    }

    /** In float32 a sum of the kept tokens' probabilities would be 1, and its difference to 1 nothing. */
    @Test
    void aStudentThatIsSureHasAFiniteLossInFloat32() {
        try (Engine single = Engine.open("nd4j", BackendOptions.defaults().withThreads(1))) {
            Tensor hidden = single.tensor(new double[] {1}, 1, 1);
            Tensor weight = single.tensor(new double[] {200, 0, -1, -2}, 4, 1);
            TopKLogits top = tokens(new int[][] {{0}}, new double[][] {{0.75, 0.25}});
            double ofOthers = Math.log(1 + Math.exp(-1) + Math.exp(-2));
            try (Tape tape = single.tape(List.of(weight))) {
                Tensor loss = TopKDistillationFunction.apply(
                        top, new LmHead(hidden, weight, Optional.empty()), Optional.empty(), Weights.PLAIN);
                assertThat(loss.item()).isCloseTo(0.25 * (200 - ofOthers), within(1e-4));
                double[] gradient =
                        tape.gradients(loss).of(weight).orElseThrow().toDoubles();
                assertThat(gradient[0]).isCloseTo(0.25, within(1e-6));
                for (int v = 1; v < 4; v++) {
                    assertThat(gradient[v]).isCloseTo(-0.25 * Math.exp(1 - v - ofOthers), within(1e-6));
                }
            }
        }
    }

    @Test
    void theLikeliestAreChosenInOrderAndTheLowerIdAmongEqualOnes() {
        double[] p = {1, 4, 2, 4, 4, 1, 0};
        LmHead head = new LmHead(
                tensor(HostArray.filled(Shape.of(1, 1), 1)),
                tensor(HostArray.byIndex(Shape.of(V, 1), i -> Math.log(p[(int) i[0]] + 1e-300))),
                Optional.empty());
        for (int k = 1; k <= V; k++) {
            TopKLogits top = TopKFunction.of(head, 1, k);
            int[] ids = new int[k];
            top.ids().data().asIntBuffer().get(ids);
            assertThat(ids).containsExactly(Arrays.copyOf(new int[] {1, 3, 4, 2, 0, 5, 6}, k));
            double kept =
                    Arrays.stream(HostArray.of(top.probabilities()).values()).sum();
            assertThat(kept + HostArray.of(top.rest()).flat(0)).isCloseTo(1, within(1e-6));
            assertThat(HostArray.of(top.probabilities()).flat(0)).isCloseTo(0.25, within(1e-7));
        }
    }

    @Test
    void shapesThatDoNotFitAreRefused() {
        TopKLogits top = TopKFunction.of(teacher(), 1, 2);
        assertThatThrownBy(() -> TopKFunction.of(teacher(), 1, V + 1)).hasMessageContaining("expected 1 to 7");
        assertThatThrownBy(() -> new TopKLogits(top.ids(), top.rest(), top.rest()))
                .hasMessageContaining("FLOAT32 [5]");
        assertThatThrownBy(() ->
                        TopKDistillationFunction.apply(top.rows(1, 3), student(), Optional.empty(), Weights.PLAIN))
                .hasMessageContaining("rows differ");
        assertThatThrownBy(() -> TopKDistillationFunction.apply(top, student(), Optional.empty(), new Weights(1, 0.5)))
                .hasMessageContaining("needs labels");
    }

    /** A loss of a student. */
    private interface Loss {
        Tensor of(LmHead student);
    }

    private List<double[]> lossAndGradients(LmHead student, Loss loss) {
        List<Tensor> watched =
                List.of(student.hidden(), student.weight(), student.bias().orElseThrow());
        try (Tape tape = engine().tape(watched)) {
            Tensor value = loss.of(student);
            Gradients gradients = tape.gradients(value);
            List<double[]> all = new ArrayList<>();
            all.add(value.toDoubles());
            watched.forEach(tensor -> all.add(gradients.of(tensor).orElseThrow().toDoubles()));
            return all;
        }
    }

    private static void assertClose(List<double[]> actual, List<double[]> expected, double tolerance) {
        for (int i = 0; i < expected.size(); i++) {
            assertThat(actual.get(i)).usingComparatorWithPrecision(tolerance).containsExactly(expected.get(i));
        }
    }
}
