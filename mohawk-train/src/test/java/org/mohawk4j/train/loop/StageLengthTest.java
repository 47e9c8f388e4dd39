package org.mohawk4j.train.loop;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.mohawk4j.train.config.AutoTokensConfig;
import org.mohawk4j.train.config.ScheduleConfig;

/** A stage of 100 steps, ten of them warm-up and ten decay, measured after each tenth. */
class StageLengthTest {
    private static final AutoTokensConfig WHEN = new AutoTokensConfig(0.1, 0.01, 1);

    private static StageLength length(Iterator<Double> losses) {
        return new StageLength(
                100,
                steps -> ScheduleConfig.defaults().withDecayFraction(0.1).forStage(1.0, steps),
                Optional.of(new StageLength.Criterion(WHEN, losses::next)));
    }

    private static StageLength length(Double... losses) {
        return length(List.of(losses).iterator());
    }

    /** What the metrics of each measured step say. */
    private static List<Map<String, Object>> run(StageLength length, int from, int until) {
        List<Map<String, Object>> said = new ArrayList<>();
        for (int step = from; step <= until && step <= length.steps(); step++) {
            Map<String, Object> found = length.after(step);
            if (!found.isEmpty()) {
                said.add(found);
            }
        }
        return said;
    }

    @Test
    void itEndsWithAWholeDecayOnceTheSmoothedLossHardlyFalls() {
        StageLength length = length(8.0, 4.0, 3.0, 2.0, 2.9, 2.95);

        List<Map<String, Object>> said = run(length, 1, 100);

        // smoothed: 5, 3, 2.633, 2.617; the last is lower by 0.6% alone, and a single loss that rises ends nothing
        assertThat(said).hasSize(6);
        assertThat(said.get(4)).isEqualTo(Map.of("held_out_loss", 2.9));
        assertThat(said.get(5)).isEqualTo(Map.of("held_out_loss", 2.95, "ends_at_step", 70, "saved_steps", 30));
        assertThat(length.steps()).isEqualTo(70);
        assertThat(length.saved()).isEqualTo(30);
        assertThat(length.learningRate(59)).isEqualTo(1.0);
        assertThat(length.learningRate(60)).isEqualTo(1.0);
        assertThat(length.learningRate(65)).isEqualTo(0.5);
        assertThat(length.learningRate(69)).isEqualTo(0.1);
    }

    @Test
    void aLossThatFallsIsMeasuredAlongThePlateauAndTheStageTakesAllSteps() {
        StageLength length = length(9.0, 8.0, 7.0, 6.0, 5.0, 4.0, 3.0, 2.0);

        assertThat(run(length, 1, 100)).hasSize(8);
        assertThat(length.steps()).isEqualTo(100);
        assertThat(length.saved()).isZero();
    }

    @Test
    void aLossThatIsNotFiniteIsToldAndDoesNotEndIt() {
        StageLength length = length(9.0, 9.0, 9.0, Double.NaN, 9.0);

        assertThat(run(length, 1, 49)).hasSize(4).last().isEqualTo(Map.of("held_out_loss", Double.NaN));
        assertThat(run(length, 50, 50).get(0)).containsEntry("ends_at_step", 60);
    }

    @Test
    void itGoesOnFromWhatWasSaved() {
        Iterator<Double> losses = List.of(8.0, 4.0, 3.0, 2.0, 2.9, 2.95).iterator();
        StageLength begun = length(losses);
        begun.carry(20);
        run(begun, 1, 55);
        StageLength resumed = length(losses);

        resumed.restore(begun.toJson());
        run(resumed, 56, 120);

        assertThat(resumed.steps()).isEqualTo(72 + 12);
        assertThat(resumed.saved()).isEqualTo(120 - 84);
        assertThat(StageLength.stepsOf(begun.toJson(), 100)).isEqualTo(120);
        assertThat(StageLength.stepsOf(resumed.toJson(), 100)).isEqualTo(84);
    }
}
