package org.mohawk4j.train.config;

import org.mohawk4j.train.yaml.Ranges;

/**
 * Stage 3, knowledge distillation.
 *
 * @param temperature τ, by which teacher's and student's logits are divided in the soft loss
 * @param hardLabelShare share of the loss against the text itself, from 0 to 1; the rest is against the teacher
 * @param topK tokens of the teacher's distribution that the soft loss tells apart, its likeliest; 0: all
 * @param recompute whether the student's blocks compute their activations again in the backward pass instead of storing
 *     them: less memory, one more forward pass
 */
public record DistillationConfig(double temperature, double hardLabelShare, int topK, boolean recompute) {
    /** Checks the ranges. */
    public DistillationConfig {
        Ranges.positive("distillation.temperature", temperature);
        Ranges.fraction("distillation.hard-label-share", hardLabelShare);
        Ranges.atLeast(0, "distillation.top-k", topK);
    }

    /** The defaults. */
    public static DistillationConfig defaults() {
        return new DistillationConfig(1.0, 0.0, 0, false);
    }

    public DistillationConfig withTemperature(double temperature) {
        return new DistillationConfig(temperature, hardLabelShare, topK, recompute);
    }

    public DistillationConfig withHardLabelShare(double hardLabelShare) {
        return new DistillationConfig(temperature, hardLabelShare, topK, recompute);
    }

    public DistillationConfig withTopK(int topK) {
        return new DistillationConfig(temperature, hardLabelShare, topK, recompute);
    }

    public DistillationConfig withRecompute(boolean recompute) {
        return new DistillationConfig(temperature, hardLabelShare, topK, recompute);
    }
}
