package org.mohawk4j.op;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.mohawk4j.tensor.Tensor;
import org.mohawk4j.testing.Float64Test;

/** Every weight against its formula, written out. */
class AttentionScoresTest extends Float64Test {
    private static final int WIDTH = 3;

    @ParameterizedTest
    @CsvSource({
        "5,5,0,0",
        "5,5,0,1",
        "5,5,0,2",
        "5,5,0.7,3",
        "7,3,0.7,0",
        "7,3,0,4",
        "7,3,1.5,2",
        "4,1,0.5,2",
        "4,4,0,9"
    })
    void weightsAreThoseOfTheFormula(int keys, int queries, double cap, int window) {
        Tensor q = random(1, 1, queries, 1, WIDTH);
        Tensor k = random(2, 1, keys, 1, WIDTH);
        AttentionScores scores = new AttentionScores(0.9, cap, window);

        double[] weights = AttentionFunction.weights(q, k, scores).toDoubles();

        double[] query = q.toDoubles();
        double[] key = k.toDoubles();
        for (int i = 0; i < queries; i++) {
            int position = i + keys - queries;
            double[] expected = new double[keys];
            double sum = 0;
            for (int j = 0; j <= position; j++) {
                double product = 0;
                for (int p = 0; p < WIDTH; p++) {
                    product += query[i * WIDTH + p] * key[j * WIDTH + p];
                }
                double score = cap == 0 ? 0.9 * product : cap * Math.tanh(0.9 * product / cap);
                boolean seen = window == 0 || position - window < j;
                expected[j] = seen ? Math.exp(score) : 0;
                sum += expected[j];
            }
            for (int j = 0; j < keys; j++) {
                assertThat(weights[i * keys + j]).isCloseTo(expected[j] / sum, within(1e-12));
            }
        }
    }

    @ParameterizedTest
    @CsvSource({"0,0,true", "0,5,true", "0,6,true", "0,4,false", "1,0,false", "1,5,false"})
    void onlyWhatChangesNothingIsPlain(double cap, int window, boolean plain) {
        assertThat(new AttentionScores(1, cap, window).isPlain(5)).isEqualTo(plain);
    }
}
