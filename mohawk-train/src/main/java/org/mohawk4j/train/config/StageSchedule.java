package org.mohawk4j.train.config;

import java.util.Optional;
import org.mohawk4j.train.config.ScheduleConfig.Kind;

/**
 * What a stage's learning rate does otherwise than the run's {@link ScheduleConfig} says.
 *
 * @param kind empty: the run's, as for the others
 */
public record StageSchedule(
        Optional<Kind> kind,
        Optional<Double> warmupFraction,
        Optional<Double> decayFraction,
        Optional<Double> finalFraction) {
    /** Nothing. */
    public static final StageSchedule OF_RUN =
            new StageSchedule(Optional.empty(), Optional.empty(), Optional.empty(), Optional.empty());

    /** Everything. */
    public static StageSchedule of(ScheduleConfig own) {
        return new StageSchedule(
                Optional.of(own.kind()),
                Optional.of(own.warmupFraction()),
                Optional.of(own.decayFraction()),
                Optional.of(own.finalFraction()));
    }

    ScheduleConfig over(ScheduleConfig run) {
        return new ScheduleConfig(
                kind.orElse(run.kind()),
                warmupFraction.orElse(run.warmupFraction()),
                decayFraction.orElse(run.decayFraction()),
                finalFraction.orElse(run.finalFraction()));
    }
}
