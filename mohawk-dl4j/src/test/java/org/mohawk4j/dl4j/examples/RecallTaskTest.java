package org.mohawk4j.dl4j.examples;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.nd4j.linalg.dataset.MultiDataSet;

class RecallTaskTest {
    private static final RecallTask TASK = new RecallTask(5, 3);

    @Test
    void eachQuestionsAnswerStandsBehindItsKey() {
        MultiDataSet data = TASK.batch(20, new SplittableRandom(1));

        for (int b = 0; b < 20; b++) {
            for (int t = 0; t < TASK.time(); t++) {
                boolean asked = data.getLabelsMaskArray(0).getInt(b, t) == 1;
                assertThat(asked).isEqualTo(t >= 6);
                if (asked) {
                    assertThat(data.getLabels(0).getInt(b, answer(data, b, token(data, b, t)), t))
                            .isEqualTo(1);
                }
            }
        }
    }

    @Test
    void aSeedGivesTheSameSequences() {
        assertThat(TASK.batch(4, new SplittableRandom(2))).isEqualTo(TASK.batch(4, new SplittableRandom(2)));
    }

    private static int answer(MultiDataSet data, int b, int key) {
        for (int t = 0; t < 6; t += 2) {
            if (token(data, b, t) == key) {
                return token(data, b, t + 1);
            }
        }
        throw new AssertionError("the key " + key + " was not given");
    }

    private static int token(MultiDataSet data, int b, int t) {
        return data.getFeatures(0).getInt(b, 0, t);
    }
}
