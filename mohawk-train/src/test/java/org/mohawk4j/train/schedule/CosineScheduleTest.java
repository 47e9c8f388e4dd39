package org.mohawk4j.train.schedule;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import org.junit.jupiter.api.Test;
import org.nd4j.linalg.schedule.ISchedule;
import org.nd4j.serde.json.JsonMappers;

class CosineScheduleTest {
    @Test
    void warmsUpThenFollowsHalfACosine() {
        CosineSchedule schedule = new CosineSchedule(2.0, 2, 10, 0.1);

        assertThat(schedule.valueAt(0, 0)).isEqualTo(1.0);
        assertThat(schedule.valueAt(1, 0)).isEqualTo(2.0);
        assertThat(schedule.valueAt(2, 0)).isEqualTo(2.0);
        assertThat(schedule.valueAt(6, 0)).isCloseTo(1.1, within(1e-12));
        assertThat(schedule.valueAt(9, 3)).isBetween(0.2, 0.3);
        assertThat(schedule.valueAt(10, 0)).isCloseTo(0.2, within(1e-12));
        assertThat(schedule.valueAt(1_000_000, 0)).isCloseTo(0.2, within(1e-12));
    }

    @Test
    void survivesNd4jJson() throws Exception {
        ISchedule schedule = new CosineSchedule(1e-3, 10, 100, 0.1);

        String json = JsonMappers.getMapper().writeValueAsString(schedule);

        assertThat(JsonMappers.getMapper().readValue(json, ISchedule.class)).isEqualTo(schedule);
    }

    @Test
    void refusesAWarmupLongerThanTheStage() {
        assertThatThrownBy(() -> new CosineSchedule(1, 11, 10, 0))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("warmupSteps: expected 0 to 10, got 11");
    }
}
