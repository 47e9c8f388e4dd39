package org.mohawk4j.train.statistics;

import java.util.Map;

/**
 * A line of {@code statistics.jsonl}: what one step was like.
 *
 * @param stage in the run's list of stages, from 1
 * @param step of the stage, from 1
 * @param jvmBytes of the Java heap in use
 * @param arrayBytes held by the backend for arrays
 * @param parameters trained in this stage, by name, after the step
 * @param gradients by parameter, before clipping
 * @param updates what the step has added to each parameter
 * @param activations of the student's blocks on a fixed text, by part, after the step
 */
public record StepStatistics(
        int stage,
        int step,
        long jvmBytes,
        long arrayBytes,
        Map<String, Distribution> parameters,
        Map<String, Distribution> gradients,
        Map<String, Distribution> updates,
        Map<String, Distribution> activations) {}
