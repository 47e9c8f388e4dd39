package org.mohawk4j.train.plan;

import java.util.List;
import java.util.Map;
import org.mohawk4j.backend.DryRun.Launch;
import org.mohawk4j.train.config.ActiveStage;

/**
 * What one device is asked to do in a stage.
 *
 * @param stage with the batch of one device
 * @param devices that share a batch and the optimizer
 * @param memory bytes of each part at the stage's peak
 * @param step the work of one training step, after the first
 * @param sentBytes to other devices in that step
 * @param trained parameters that get gradients
 * @param largestBlock parameters of the student's largest block
 * @param outside the student's parameters outside of its blocks
 */
public record StageProfile(
        ActiveStage stage,
        int devices,
        Map<MemoryPart, Long> memory,
        List<Launch> step,
        double sentBytes,
        long trained,
        long largestBlock,
        long outside) {
    /** Copies map and list. */
    public StageProfile {
        memory = Map.copyOf(memory);
        step = List.copyOf(step);
    }

    /** Bytes of all parts at the stage's peak. */
    public long peakBytes() {
        return memory.values().stream().mapToLong(Long::longValue).sum();
    }

    /** Tokens of one device's part of a step. */
    public long tokens() {
        return (long) stage.batch() * stage.context();
    }
}
