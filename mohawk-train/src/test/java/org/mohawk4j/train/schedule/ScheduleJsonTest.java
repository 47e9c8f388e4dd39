package org.mohawk4j.train.schedule;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.nd4j.linalg.schedule.ISchedule;
import org.nd4j.linalg.schedule.ScheduleType;
import org.nd4j.linalg.schedule.StepSchedule;
import org.nd4j.serde.json.JsonMappers;
import org.nd4j.shade.jackson.databind.ObjectMapper;

class ScheduleJsonTest {
    static Stream<ISchedule> schedules() {
        return Stream.of(
                new CosineSchedule(1e-3, 5, 50, 0.1),
                new WarmupStableDecaySchedule(2e-3, 3, 40, 7, 0.05),
                new StepSchedule(ScheduleType.ITERATION, 0.1, 0.5, 10));
    }

    /** As ND4J's own schedules do. */
    @ParameterizedTest
    @MethodSource("schedules")
    void aScheduleComesBackFromNd4jsJson(ISchedule schedule) throws IOException {
        ObjectMapper mapper = JsonMappers.getMapper();
        String json = mapper.writeValueAsString(schedule);

        assertThat(json).contains("\"@class\"").contains(schedule.getClass().getName());
        assertThat(mapper.readValue(json, ISchedule.class)).isEqualTo(schedule);
    }
}
