package org.mohawk4j.train.config;

import org.mohawk4j.InvalidInputException;
import org.mohawk4j.train.yaml.Ranges;

/**
 * Stage 3, knowledge distillation.
 *
 * @param temperature τ, by which teacher's and student's logits are divided in the soft loss
 * @param hardLabelShare share of the loss against the text itself, from 0 to 1; the rest is against the teacher
 * @param topK tokens of the teacher's distribution that the soft loss tells apart, its likeliest; 0: all
 * @param hiddenStateWeight of the hidden-state loss beside the soft loss: the relative distance of the student's hidden
 *     states from the teacher's, a mean over blocks; 0: none
 * @param recompute whether the student's blocks compute their activations again in the backward pass instead of storing
 *     them: less memory, one more forward pass
 */
public record DistillationConfig(
        double temperature, double hardLabelShare, int topK, double hiddenStateWeight, boolean recompute) {
    /** Checks the ranges. */
    public DistillationConfig {
        Ranges.positive("distillation.temperature", temperature);
        Ranges.fraction("distillation.hard-label-share", hardLabelShare);
        Ranges.atLeast(0, "distillation.top-k", topK);
        Ranges.notNegative("distillation.hidden-state-weight", hiddenStateWeight);
        if (topK > 0 && hiddenStateWeight > 0) {
            throw new InvalidInputException(
                    "distillation.hidden-state-weight: expected 0 with distillation.top-k, got " + hiddenStateWeight);
        }
    }

    /** The defaults. */
    public static DistillationConfig defaults() {
        return new DistillationConfig(1.0, 0.0, 0, 0.0, false);
    }

    public DistillationConfig withTemperature(double temperature) {
        return new DistillationConfig(temperature, hardLabelShare, topK, hiddenStateWeight, recompute);
    }

    public DistillationConfig withHardLabelShare(double hardLabelShare) {
        return new DistillationConfig(temperature, hardLabelShare, topK, hiddenStateWeight, recompute);
    }

    public DistillationConfig withTopK(int topK) {
        return new DistillationConfig(temperature, hardLabelShare, topK, hiddenStateWeight, recompute);
    }

    public DistillationConfig withHiddenStateWeight(double hiddenStateWeight) {
        return new DistillationConfig(temperature, hardLabelShare, topK, hiddenStateWeight, recompute);
    }

    public DistillationConfig withRecompute(boolean recompute) {
        return new DistillationConfig(temperature, hardLabelShare, topK, hiddenStateWeight, recompute);
    }
}
