package org.mohawk4j.train.schedule;

/** A learning rate along the steps of a stage. */
@FunctionalInterface
public interface LearningRateSchedule {
    /**
     * @param step from 0
     * @throws IllegalArgumentException for a step below 0
     */
    double at(int step);
}
