package org.mohawk4j.train.config;

import com.fasterxml.jackson.annotation.JsonProperty;
import org.mohawk4j.train.yaml.Ranges;

/**
 * How a run handles loss spikes. It never trains on a non-finite loss, whatever the settings.
 *
 * @param spikeThreshold robust z-score above which a loss is a spike; 0: none is
 * @param onSpike what becomes of the run then
 */
public record FaultConfig(double spikeThreshold, SpikeAction onSpike) {
    /** What becomes of a run whose loss spikes. */
    public enum SpikeAction {
        /** The step's update is left out. */
        @JsonProperty("skip")
        SKIP,
        /** Parameters and optimiser go back to the last checkpoint of the stage; the data goes on. */
        @JsonProperty("roll-back")
        ROLL_BACK
    }

    /** Checks the ranges. */
    public FaultConfig {
        Ranges.notNegative("faults.spike-threshold", spikeThreshold);
    }

    /** The defaults. */
    public static FaultConfig defaults() {
        return new FaultConfig(10, SpikeAction.SKIP);
    }

    public FaultConfig withSpikeThreshold(double spikeThreshold) {
        return new FaultConfig(spikeThreshold, onSpike);
    }

    public FaultConfig withOnSpike(SpikeAction onSpike) {
        return new FaultConfig(spikeThreshold, onSpike);
    }
}
