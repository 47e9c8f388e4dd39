package org.mohawk4j.train;

import org.mohawk4j.train.run.StepFault;
import org.mohawk4j.train.run.StepMetrics;

/** Told what a run is doing, on the training thread. */
public interface TrainingListener {
    /** @param stage 1, 2 or 3 */
    default void onStageStart(int stage, int steps) {}

    /** After each step. */
    default void iterationDone(StepMetrics metrics) {}

    /** After {@link #iterationDone} of a step that was not trained on. */
    default void onFault(StepFault fault) {}

    default void onStageEnd(int stage) {}
}
