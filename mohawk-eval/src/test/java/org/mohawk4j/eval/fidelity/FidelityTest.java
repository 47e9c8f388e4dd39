package org.mohawk4j.eval.fidelity;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import java.util.function.IntPredicate;
import org.assertj.core.data.Offset;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.mohawk4j.InvalidInputException;
import org.mohawk4j.backend.BackendOptions;
import org.mohawk4j.data.TokenSequence;
import org.mohawk4j.data.TokenWindows;
import org.mohawk4j.mixer.DiscreteMamba2;
import org.mohawk4j.models.CausalLm;
import org.mohawk4j.models.MixerPlan;
import org.mohawk4j.models.ModelFolder;
import org.mohawk4j.tensor.Engine;
import org.mohawk4j.tensor.Scope;
import org.mohawk4j.tensor.Tensor;

/** Against the same quantities computed one by one from whole tensors on the host. */
class FidelityTest {
    private static final Path GOLDEN = Path.of(System.getProperty("mohawk.golden", "../src/test/golden"));
    private static final int CONTEXT = 12;
    private static final int WINDOWS = 3;
    private static final int VOCABULARY = 128;
    private static final Offset<Double> CLOSE = Offset.offset(1e-4);

    private static Engine engine;
    private static CausalLm teacher;
    private static TokenWindows windows;

    @BeforeAll
    static void open() {
        engine = Engine.open("nd4j", BackendOptions.defaults());
        teacher = ModelFolder.load(engine, GOLDEN.resolve("teacher"));
        int[] ids = new SplittableRandom(3)
                .ints(CONTEXT * WINDOWS + 1, 0, VOCABULARY)
                .toArray();
        windows = new TokenWindows(TokenSequence.of("random", ids), CONTEXT);
    }

    @AfterAll
    static void close() {
        engine.close();
    }

    @Test
    void aModelIsItself() {
        FidelityScores scores = Fidelity.of(teacher, teacher, windows, 0);

        assertThat(scores.tokens()).isEqualTo(CONTEXT * WINDOWS);
        assertThat(scores.agreement().divergence()).isCloseTo(0, Offset.offset(1e-6));
        assertThat(scores.agreement().topOne()).isEqualTo(1);
        assertThat(scores.layers()).allSatisfy(layer -> {
            assertThat(layer.matrix()).hasSize(4).containsOnly(0.0);
            assertThat(layer.output()).isZero();
            assertThat(layer.hiddenStateByPosition()).hasSize(CONTEXT).containsOnly(0.0);
        });
    }

    @Test
    void errorsAreThoseOfWholeTensors() {
        try (CausalLm student = ModelFolder.load(engine, GOLDEN.resolve("hybrid"));
                Scope scope = engine.scope()) {
            FidelityScores scores = Fidelity.of(teacher, student, windows, 0);
            Tensor ids = scope.adopt(engine.indices(windows.batch(0, WINDOWS).inputs(), WINDOWS, CONTEXT));
            Tensor h = teacher.embed(ids);
            Tensor own = student.embed(ids);
            for (int i = 0; i < 3; i++) {
                var t = teacher.blocks().get(i);
                var s = student.blocks().get(i);
                FidelityScores.Layer layer = scores.layers().get(i);
                double[] wanted =
                        t.mixer().matrix(t.mixerInput(h)).materialize().toDoubles();
                double[] actual =
                        s.mixer().matrix(s.mixerInput(h)).materialize().toDoubles();
                int square = CONTEXT * CONTEXT;
                for (int head = 0; head < 4; head++) {
                    int own4 = head;
                    assertThat(layer.matrix().get(head))
                            .isCloseTo(error(wanted, actual, j -> j / square % 4 == own4), CLOSE);
                }
                assertThat(layer.matrixByPosition().get(7))
                        .isCloseTo(error(wanted, actual, j -> j / CONTEXT % CONTEXT == 7), CLOSE);
                wanted = t.mixer().forward(t.mixerInput(h)).toDoubles();
                actual = s.mixer().forward(s.mixerInput(h)).toDoubles();
                assertThat(layer.output()).isCloseTo(error(wanted, actual, j -> true), CLOSE);
                assertThat(layer.outputByPosition().get(2))
                        .isCloseTo(error(wanted, actual, j -> j / 32 % CONTEXT == 2), CLOSE);
                h = t.forward(h);
                own = s.forward(own);
                assertThat(layer.hiddenState()).isCloseTo(error(h.toDoubles(), own.toDoubles(), j -> true), CLOSE);
                assertThat(layer.hiddenStateByPosition().get(11))
                        .isCloseTo(error(h.toDoubles(), own.toDoubles(), j -> j / 32 % CONTEXT == 11), CLOSE);
            }
            assertThat(scores.layers().get(0).student()).isEqualTo("DiscreteMamba2");
            assertThat(scores.layers().get(0).output()).isGreaterThan(0.01);
        }
    }

    @Test
    void agreementIsThatOfWholeDistributions() {
        try (CausalLm student = ModelFolder.load(engine, GOLDEN.resolve("phi-mamba"))) {
            FidelityScores scores = Fidelity.of(teacher, student, windows, 2);
            double[][] p = logProbs(teacher);
            double[][] q = logProbs(student);
            int[] labels = windows.batch(0, 2).targets();
            double kl = 0;
            double same = 0;
            double nll = 0;
            double klAtThree = 0;
            for (int row = 0; row < labels.length; row++) {
                double of = 0;
                for (int v = 0; v < VOCABULARY; v++) {
                    of += Math.exp(p[row][v]) * (p[row][v] - q[row][v]);
                }
                kl += of;
                klAtThree += row % CONTEXT == 3 ? of : 0;
                same += argmax(p[row]) == argmax(q[row]) ? 1 : 0;
                nll -= q[row][labels[row]];
            }

            assertThat(scores.tokens()).isEqualTo(labels.length);
            assertThat(scores.agreement().divergence()).isCloseTo(kl / labels.length, CLOSE);
            assertThat(scores.agreement().topOne()).isCloseTo(same / labels.length, Offset.offset(1e-12));
            assertThat(scores.agreement().studentNll()).isCloseTo(nll / labels.length, CLOSE);
            assertThat(scores.byPosition().get(3).divergence()).isCloseTo(klAtThree / 2, CLOSE);
            assertThat(scores.byPosition()).hasSize(CONTEXT);
        }
    }

    @Test
    void headsThatDoNotCorrespondHaveNoMatrixError() {
        MixerPlan plan =
                MixerPlan.replacing(teacher.config(), own -> new DiscreteMamba2.Config(32, 2, 2, 8, 4, 16), List.of(1));
        try (CausalLm student = plan.student(teacher, new SplittableRandom(1))) {
            FidelityScores scores = Fidelity.of(teacher, student, windows, 1);

            assertThat(scores.layers().get(0).matrix()).isEmpty();
            assertThat(scores.layers().get(0).matrixByPosition()).isEmpty();
            assertThat(scores.layers().get(0).output()).isPositive();
            assertThat(scores.layers().get(1).matrix()).hasSize(4).containsOnly(0.0);
        }
    }

    @Test
    void modelsThatCannotBeComparedAreRefused() {
        var dimensions = teacher.config().withMixers(teacher.config().mixers().subList(0, 2));
        try (CausalLm shorter = new CausalLm(engine, dimensions, new SplittableRandom(0))) {
            assertThatThrownBy(() -> Fidelity.of(teacher, shorter, windows, 0))
                    .isInstanceOf(InvalidInputException.class)
                    .hasMessageContaining("layers 2, found 128, 32 and 3");
        }
    }

    private static double[][] logProbs(CausalLm model) {
        try (Scope scope = engine.scope()) {
            Tensor ids = scope.adopt(engine.indices(windows.batch(0, 2).inputs(), 2, CONTEXT));
            double[] logits = model.logits(ids).toDoubles();
            double[][] rows = new double[2 * CONTEXT][];
            for (int r = 0; r < rows.length; r++) {
                double[] row = Arrays.copyOfRange(logits, r * VOCABULARY, (r + 1) * VOCABULARY);
                double normalizer = Math.log(Arrays.stream(row).map(Math::exp).sum());
                rows[r] = Arrays.stream(row).map(x -> x - normalizer).toArray();
            }
            return rows;
        }
    }

    private static int argmax(double[] row) {
        int best = 0;
        for (int v = 1; v < row.length; v++) {
            best = row[v] > row[best] ? v : best;
        }
        return best;
    }

    private static double error(double[] wanted, double[] actual, IntPredicate counts) {
        double difference = 0;
        double magnitude = 0;
        for (int i = 0; i < wanted.length; i++) {
            if (counts.test(i)) {
                difference += (wanted[i] - actual[i]) * (wanted[i] - actual[i]);
                magnitude += wanted[i] * wanted[i];
            }
        }
        return Math.sqrt(difference / magnitude);
    }
}
