package org.mohawk4j.train.metrics;

/**
 * A step that was not trained on; a line of {@code faults.jsonl}.
 *
 * @param stage 1, 2 or 3
 * @param step of the stage, from 1
 * @param reason what was wrong with it
 * @param action what became of it
 * @param loss of its batch
 * @param gradientNorm of all gradients, NaN if it was not computed
 * @param batch where its tokens come from
 */
public record SkippedStep(
        int stage, int step, String reason, String action, double loss, double gradientNorm, String batch) {}
