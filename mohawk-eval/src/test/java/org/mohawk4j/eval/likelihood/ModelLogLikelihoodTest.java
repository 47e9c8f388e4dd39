package org.mohawk4j.eval.likelihood;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import org.assertj.core.data.Offset;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.mohawk4j.InvalidInputException;
import org.mohawk4j.backend.BackendOptions;
import org.mohawk4j.eval.likelihood.LogLikelihood.Score;
import org.mohawk4j.models.CausalLm;
import org.mohawk4j.models.ModelFolder;
import org.mohawk4j.tensor.Engine;
import org.mohawk4j.tensor.Scope;

class ModelLogLikelihoodTest {
    private static final Path GOLDEN = Path.of(System.getProperty("mohawk.golden", "../src/test/golden"));
    private static final int VOCABULARY = 128;
    private static final Offset<Double> CLOSE = Offset.offset(1e-5);

    private static Engine engine;

    @BeforeAll
    static void open() {
        engine = Engine.open("nd4j", BackendOptions.defaults());
    }

    @AfterAll
    static void close() {
        engine.close();
    }

    @ParameterizedTest
    @ValueSource(strings = {"teacher", "hybrid", "phi-mamba"})
    void sequencesOfAnyLengthsTogetherScoreAsEachAlone(String name) {
        try (CausalLm model = ModelFolder.load(engine, GOLDEN.resolve(name))) {
            List<int[]> sequences = new ArrayList<>();
            List<Request> requests = new ArrayList<>();
            SplittableRandom random = new SplittableRandom(1);
            for (int length : new int[] {5, 1, 40, 17, 2, 23}) {
                int[] ids = random.ints(length, 0, VOCABULARY).toArray();
                sequences.add(ids);
                requests.add(Request.of(ids, Math.max(1, length / 3)).ranking(3, true));
            }

            List<Score> scores = new ModelLogLikelihood(model).score(requests);

            for (int i = 0; i < scores.size(); i++) {
                int[] ids = sequences.get(i);
                int from = Math.max(1, ids.length / 3);
                double[][] expected = logSoftmax(model, ids);
                Score score = scores.get(i);
                assertThat(score.logProbs()).hasSize(ids.length - from);
                assertThat(score.rankings()).hasSize(ids.length - from + 1);
                boolean greedy = true;
                for (int t = from; t <= ids.length; t++) {
                    double[] row = expected[t - 1];
                    Ranking ranking = score.rankings().get(t - from);
                    assertThat(ranking.tokens()).hasSize(3);
                    assertThat(ranking.tokens().get(0).id()).isEqualTo(argmax(row));
                    for (Ranking.Entry entry : ranking.tokens()) {
                        assertThat(entry.logProb()).isCloseTo(row[entry.id()], CLOSE);
                    }
                    if (t < ids.length) {
                        assertThat(score.logProbs().get(t - from)).isCloseTo(row[ids[t]], CLOSE);
                        greedy &= argmax(row) == ids[t];
                    }
                }
                assertThat(score.greedy()).isEqualTo(greedy);
            }
        }
    }

    @Test
    void whatTheModelItselfWouldWriteIsGreedy() {
        try (CausalLm model = ModelFolder.load(engine, GOLDEN.resolve("teacher"))) {
            int[] ids = {7, 1, 99, 0, 0};
            for (int t = 3; t < 5; t++) {
                ids[t] = argmax(logSoftmax(model, ids)[t - 1]);
            }
            LogLikelihood scorer = new ModelLogLikelihood(model);

            Score own = scorer.score(List.of(Request.of(ids, 3))).get(0);
            ids[4] = (ids[4] + 1) % VOCABULARY;
            Score other = scorer.score(List.of(Request.of(ids, 3))).get(0);

            assertThat(own.greedy()).isTrue();
            assertThat(other.greedy()).isFalse();
            assertThat(other.sum()).isLessThan(own.sum());
        }
    }

    @Test
    void theLikeliestTokensComeInOrderAndEqualOnesByTheirId() {
        Ranking ranking = Ranking.of(new float[] {9, 1, 3, 3, 2, 5}, 1, 5, 3, 1);

        assertThat(ranking.tokens())
                .containsExactly(new Ranking.Entry(4, 4), new Ranking.Entry(1, 2), new Ranking.Entry(2, 2));
        assertThat(Ranking.of(new float[] {1, 2}, 0, 2, 5, 0).tokens()).hasSize(2);
    }

    @Test
    void whatDoesNotFitTheModelIsRefused() {
        try (CausalLm model = ModelFolder.load(engine, GOLDEN.resolve("teacher"))) {
            LogLikelihood scorer = new ModelLogLikelihood(model);
            int positions = Math.toIntExact(model.config().maxPositions());

            assertThatThrownBy(() -> scorer.score(List.of(Request.of(new int[] {1, VOCABULARY}, 1))))
                    .isInstanceOf(InvalidInputException.class)
                    .hasMessageContaining("found 128");
            assertThatThrownBy(() -> scorer.score(List.of(Request.of(new int[positions + 2], 1))))
                    .isInstanceOf(InvalidInputException.class)
                    .hasMessageContaining("at most " + positions);
            assertThat(scorer.score(List.of(Request.of(new int[positions + 1], positions)))
                            .get(0)
                            .logProbs())
                    .hasSize(1);
            assertThatThrownBy(() -> Request.of(new int[] {1}, 0)).isInstanceOf(IllegalArgumentException.class);
        }
    }

    private static double[][] logSoftmax(CausalLm model, int[] ids) {
        try (Scope scope = engine.scope()) {
            double[] logits = scope.adopt(model.logits(engine.indices(ids, 1, ids.length)))
                    .toDoubles();
            double[][] rows = new double[ids.length][VOCABULARY];
            for (int t = 0; t < ids.length; t++) {
                double sum = 0;
                for (int v = 0; v < VOCABULARY; v++) {
                    sum += Math.exp(logits[t * VOCABULARY + v]);
                }
                for (int v = 0; v < VOCABULARY; v++) {
                    rows[t][v] = logits[t * VOCABULARY + v] - Math.log(sum);
                }
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
}
