package org.mohawk4j.train.loop;

import java.util.Map;
import org.mohawk4j.nn.Parameter;
import org.mohawk4j.tensor.Tensor;
import org.mohawk4j.train.metrics.SkippedStep;
import org.mohawk4j.train.metrics.StepMetrics;
import org.mohawk4j.train.report.RunResult;

/** Receives the events of a run, on the training thread. */
public interface TrainingListener {
    /**
     * What there is to know about the run before it trains, in the order in which it becomes known.
     *
     * @param subject such as {@code teacher}, {@code run} or {@code text}
     * @param fact in words
     */
    default void onFact(String subject, String fact) {}

    /** While the teacher writes the text to train on, in tokens. */
    default void onTextWritten(long done, long total, double tokensPerSecond) {}

    /** @param stage in the run's list of stages, from 1 */
    default void onStageStart(int stage, int steps) {}

    /**
     * Whether {@link #onGradientCalculation} is of use to this listener at a step. Of several ranks each then needs the whole
     * gradients for a moment, which takes time.
     *
     * @param stage in the run's list of stages, from 1
     * @param step of the stage, from 1
     */
    default boolean readsGradients(int stage, int step) {
        return true;
    }

    /**
     * Before a step's update, if {@link #readsGradients} says so.
     *
     * @param step of the stage, from 1
     * @param trained the parameters of the stage, by name
     * @param gradients by parameter, before clipping; valid until the call returns, and not to be changed
     */
    default void onGradientCalculation(
            int stage, int step, Map<String, Parameter> trained, Map<String, Tensor> gradients) {}

    /** After each step. */
    default void iterationDone(StepMetrics metrics) {}

    /** After {@link #iterationDone} of a step that was not trained on. */
    default void onFault(SkippedStep fault) {}

    default void onStageEnd(int stage) {}

    /** When the student is trained, saved and evaluated, before the report is written. */
    default void onEvaluated(RunResult result) {}
}
