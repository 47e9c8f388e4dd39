package org.mohawk4j.train.schedule;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class WarmupStableDecayScheduleTest {
    private static double[] values(LearningRateSchedule schedule, int steps) {
        return IntStream.range(0, steps).mapToDouble(step -> schedule.at(step)).toArray();
    }

    @Test
    void warmsUpStaysAndDecaysByTheFormula() {
        double[] values = values(new WarmupStableDecaySchedule(2.0, 4, 10, 2, 0.5), 12);

        assertThat(values).containsExactly(new double[] {0.5, 1, 1.5, 2, 2, 2, 2, 2, 2, 1.5, 1, 1}, within(1e-15));
    }

    @Test
    void decayToZeroWastesNoStepAtZero() {
        double[] values = values(new WarmupStableDecaySchedule(1.0, 0, 4, 4, 0.0), 5);

        assertThat(values).containsExactly(new double[] {1, 0.75, 0.5, 0.25, 0}, within(1e-15));
    }

    @Test
    void withoutWarmupAndDecayTheRateIsThePeak() {
        assertThat(values(new WarmupStableDecaySchedule(0.3, 0, 3, 0, 0.0), 3)).containsExactly(0.3, 0.3, 0.3);
    }

    @Test
    void refusesStepsThatDoNotFit() {
        assertThatThrownBy(() -> new WarmupStableDecaySchedule(1e-3, 6, 10, 5, 0))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("at most the 10 steps in all, got 11");
        assertThatThrownBy(() -> new WarmupStableDecaySchedule(0, 1, 10, 1, 0))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("peak");
        assertThatThrownBy(() -> new WarmupStableDecaySchedule(1, 1, 10, 1, 1.5))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("finalFraction");
        assertThatThrownBy(() -> new WarmupStableDecaySchedule(1, 1, 10, 1, 0).at(-1))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("step");
    }
}
