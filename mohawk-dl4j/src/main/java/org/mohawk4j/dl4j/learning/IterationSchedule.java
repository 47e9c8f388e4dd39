package org.mohawk4j.dl4j.learning;

import org.mohawk4j.train.schedule.LearningRateSchedule;
import org.nd4j.linalg.schedule.ISchedule;
import org.nd4j.shade.jackson.annotation.JsonTypeInfo;

/** A schedule of mohawk4j's as one of ND4J's, for any {@code IUpdater}. ND4J's JSON holds it if it is a record. */
public record IterationSchedule(
        @JsonTypeInfo(use = JsonTypeInfo.Id.CLASS) LearningRateSchedule schedule) implements ISchedule {
    private static final long serialVersionUID = 1L;

    /** A schedule of ND4J's by iteration as one of mohawk4j's, for its training; the epoch is always 0. */
    public static LearningRateSchedule of(ISchedule schedule) {
        return schedule instanceof IterationSchedule own ? own.schedule : step -> schedule.valueAt(step, 0);
    }

    /** The rate at an iteration; the epoch plays no part. */
    @Override
    public double valueAt(int iteration, int epoch) {
        return schedule.at(iteration);
    }

    /** This schedule: it never changes. */
    @Override
    public IterationSchedule clone() {
        return this;
    }
}
