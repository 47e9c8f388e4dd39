package org.mohawk4j.train.plan;

import java.util.Map;
import java.util.OptionalDouble;
import org.mohawk4j.train.config.ActiveStage;

/**
 * What a stage needs.
 *
 * @param stage with the batch of all devices together
 * @param dividesLayers whether devices divide the layers instead of each batch
 * @param memory bytes of one device at the stage's peak, by part
 * @param stepSeconds of one step; empty where no rate is known
 */
public record StageEstimate(
        ActiveStage stage, boolean dividesLayers, Map<MemoryPart, Long> memory, OptionalDouble stepSeconds) {
    public long peakBytes() {
        return memory.values().stream().mapToLong(Long::longValue).sum();
    }

    /** Tokens of all steps. */
    public long tokens() {
        return (long) stage.steps() * stage.batch() * stage.context();
    }

    /** Of all devices together. */
    public OptionalDouble tokensPerSecond() {
        return stepSeconds.isEmpty()
                ? stepSeconds
                : OptionalDouble.of((double) stage.batch() * stage.context() / stepSeconds.getAsDouble());
    }

    /** Of all steps. */
    public OptionalDouble hours() {
        return stepSeconds.isEmpty()
                ? stepSeconds
                : OptionalDouble.of(stage.steps() * stepSeconds.getAsDouble() / 3600);
    }
}
