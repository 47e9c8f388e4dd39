package org.mohawk4j.dl4j.learning;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.mohawk4j.train.schedule.CosineSchedule;
import org.mohawk4j.train.schedule.LearningRateSchedule;
import org.mohawk4j.train.schedule.WarmupStableDecaySchedule;
import org.nd4j.linalg.learning.config.Adam;
import org.nd4j.linalg.learning.config.IUpdater;
import org.nd4j.linalg.schedule.ISchedule;
import org.nd4j.linalg.schedule.ScheduleType;
import org.nd4j.linalg.schedule.StepSchedule;
import org.nd4j.serde.json.JsonMappers;

class IterationScheduleTest {
    /** A schedule of a user's. */
    record Constant(double rate) implements LearningRateSchedule {
        @Override
        public double at(int step) {
            return rate;
        }
    }

    static Stream<LearningRateSchedule> schedules() {
        return Stream.of(
                new CosineSchedule(1e-3, 5, 50, 0.1),
                new WarmupStableDecaySchedule(2e-3, 3, 40, 7, 0.05),
                new Constant(0.1));
    }

    @ParameterizedTest
    @MethodSource("schedules")
    void aScheduleComesBackFromNd4jsJson(LearningRateSchedule schedule) throws IOException {
        ISchedule adapted = new IterationSchedule(schedule);
        IUpdater updater = Adam.builder().learningRateSchedule(adapted).build();
        String json = JsonMappers.getMapper().writeValueAsString(updater);

        assertThat(json).contains(schedule.getClass().getName());
        assertThat(JsonMappers.getMapper().readValue(json, IUpdater.class)).isEqualTo(updater);
    }

    @ParameterizedTest
    @MethodSource("schedules")
    void bothWaysTheRatesAreTheSame(LearningRateSchedule schedule) {
        ISchedule adapted = new IterationSchedule(schedule);

        assertThat(adapted.valueAt(7, 3)).isEqualTo(schedule.at(7));
        assertThat(adapted.clone()).isEqualTo(adapted);
        assertThat(IterationSchedule.of(adapted)).isEqualTo(schedule);
    }

    @Test
    void aScheduleOfNd4jsTrainsMohawk4j() {
        LearningRateSchedule schedule = IterationSchedule.of(new StepSchedule(ScheduleType.ITERATION, 0.1, 0.5, 10));

        assertThat(schedule.at(9)).isEqualTo(0.1);
        assertThat(schedule.at(10)).isEqualTo(0.05);
    }

    /** Up to 0.1, our schedules were ND4J's themselves. */
    @Test
    void adamWReadsWhatEarlierVersionsWrote() throws IOException {
        String json = """
            {"@class": "org.mohawk4j.dl4j.learning.AdamW", "beta1": 0.9, "beta2": 0.95, "epsilon": 1.0E-8,
            "learningRate": "NaN", "learningRateSchedule": {
            "@class": "org.mohawk4j.train.schedule.WarmupStableDecaySchedule",
            "decaySteps": 3, "finalFraction": 0.1, "peak": 0.001, "totalSteps": 10, "warmupSteps": 2}}\
            """;

        assertThat(JsonMappers.getMapper().readValue(json, IUpdater.class))
                .isEqualTo(new AdamW(new WarmupStableDecaySchedule(1e-3, 2, 10, 3, 0.1), 0.9, 0.95, 1e-8));
    }
}
