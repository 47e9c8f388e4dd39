package org.mohawk4j.train.config;

import org.mohawk4j.train.yaml.Ranges;

/**
 * The evaluation at the end of a run.
 *
 * @param heldOut share of the text, its end, that is kept from training and evaluated on when no validation text is
 *     given; above 0 and below 1
 * @param windows how many windows of the validation text to evaluate on, from its start; 0: all
 */
public record EvaluationConfig(double heldOut, int windows) {
    /** Checks the ranges. */
    public EvaluationConfig {
        Ranges.require(heldOut > 0 && heldOut < 1, "evaluation.held-out", "a number above 0 and below 1", heldOut);
        Ranges.atLeast(0, "evaluation.windows", windows);
    }

    /** The defaults. */
    public static EvaluationConfig defaults() {
        return new EvaluationConfig(0.05, 0);
    }

    public EvaluationConfig withHeldOut(double heldOut) {
        return new EvaluationConfig(heldOut, windows);
    }

    public EvaluationConfig withWindows(int windows) {
        return new EvaluationConfig(heldOut, windows);
    }
}
