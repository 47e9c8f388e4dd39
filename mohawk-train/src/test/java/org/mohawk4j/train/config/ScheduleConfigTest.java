package org.mohawk4j.train.config;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;
import org.mohawk4j.InvalidInputException;
import org.mohawk4j.train.schedule.CosineSchedule;
import org.mohawk4j.train.schedule.WarmupStableDecaySchedule;

class ScheduleConfigTest {
    @Test
    void fractionsBecomeWholeSteps() {
        assertThat(ScheduleConfig.defaults().forStage(1e-3, 102))
                .isEqualTo(new WarmupStableDecaySchedule(1e-3, 10, 102, 51, 0));
        assertThat(new ScheduleConfig(ScheduleConfig.Kind.COSINE, 0.2, 0.1, 0.1).forStage(2e-3, 50))
                .isEqualTo(new CosineSchedule(2e-3, 10, 50, 0.1));
    }

    @Test
    void everyNumberOfStepsHasASchedule() {
        ScheduleConfig halves = new ScheduleConfig(ScheduleConfig.Kind.WARMUP_STABLE_DECAY, 0.5, 0.5, 0);
        for (int steps = 1; steps < 20; steps++) {
            for (int step = 0; step < steps; step++) {
                assertThat(halves.forStage(1.0, steps).at(step)).isBetween(1.0 / steps, 1.0);
            }
        }
    }

    @Test
    void warmupAndDecayMustFitInAStage() {
        assertThatThrownBy(() -> new ScheduleConfig(ScheduleConfig.Kind.COSINE, 0.6, 0.5, 0))
                .isInstanceOf(InvalidInputException.class)
                .hasMessage("schedule.decay-fraction: expected at most 1 together with schedule.warmup-fraction 0.6,"
                        + " got 0.5");
    }
}
