package org.mohawk4j.train.schedule;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import org.junit.jupiter.api.Test;

class CosineScheduleTest {
    @Test
    void warmsUpThenFollowsHalfACosine() {
        CosineSchedule schedule = new CosineSchedule(2.0, 2, 10, 0.1);

        assertThat(schedule.at(0)).isEqualTo(1.0);
        assertThat(schedule.at(1)).isEqualTo(2.0);
        assertThat(schedule.at(2)).isEqualTo(2.0);
        assertThat(schedule.at(6)).isCloseTo(1.1, within(1e-12));
        assertThat(schedule.at(9)).isBetween(0.2, 0.3);
        assertThat(schedule.at(10)).isCloseTo(0.2, within(1e-12));
        assertThat(schedule.at(1_000_000)).isCloseTo(0.2, within(1e-12));
    }

    @Test
    void refusesAWarmupLongerThanTheStage() {
        assertThatThrownBy(() -> new CosineSchedule(1, 11, 10, 0))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("warmupSteps: expected 0 to 10, got 11");
    }
}
