package org.mohawk4j.train.plan;

import java.util.List;
import java.util.Map;
import org.mohawk4j.backend.DryRun.Launch;
import org.mohawk4j.train.config.ActiveStage;

/**
 * What one device is asked to do in a stage.
 *
 * @param stage with the batch of one device
 * @param devices that share a batch and the optimizer, or the layers
 * @param memory bytes of each part at the stage's peak
 * @param work of one training step, after the first
 * @param trained parameters that get gradients, on all devices
 * @param largestBlock parameters of the student's largest block
 * @param outside the student's parameters outside of its blocks
 */
public record StageProfile(
        ActiveStage stage,
        int devices,
        Map<MemoryPart, Long> memory,
        Work work,
        long trained,
        long largestBlock,
        long outside) {
    /** Copies the map. */
    public StageProfile {
        memory = Map.copyOf(memory);
    }

    /**
     * What a device does in a step.
     *
     * @param step all of it
     * @param beforeNext what it does first, while devices behind it wait, where devices divide the layers; else nothing
     * @param sentBytes to other devices
     */
    public record Work(List<Launch> step, List<Launch> beforeNext, double sentBytes) {
        /** Copies the lists. */
        public Work {
            step = List.copyOf(step);
            beforeNext = List.copyOf(beforeNext);
        }
    }

    /** The work of one training step. */
    public List<Launch> step() {
        return work.step();
    }

    /** Whether devices divide the layers instead of each batch. */
    boolean dividesLayers() {
        return !work.beforeNext().isEmpty();
    }

    StageProfile withTrained(long parameters) {
        return new StageProfile(stage, devices, memory, work, parameters, largestBlock, outside);
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
