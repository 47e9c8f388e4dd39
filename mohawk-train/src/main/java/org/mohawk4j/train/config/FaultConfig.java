package org.mohawk4j.train.config;

import com.fasterxml.jackson.annotation.JsonProperty;
import org.mohawk4j.train.yaml.Ranges;

/**
 * How a run handles loss spikes and ranks that diverge. It never trains on a non-finite loss, whatever the settings.
 *
 * @param spikeThreshold robust z-score above which a loss is a spike; 0: none is
 * @param onSpike what becomes of the run then
 * @param compareRanks updates between two comparisons of the ranks' parameters; 0: none
 */
public record FaultConfig(double spikeThreshold, SpikeAction onSpike, int compareRanks) {
    private static final int COMPARE_RANKS = 100;

    /** What becomes of a run whose loss spikes. */
    public enum SpikeAction {
        /** The step's update is left out. */
        @JsonProperty("skip")
        SKIP,
        /** Parameters and optimizer go back to the last checkpoint of the stage; the data goes on. */
        @JsonProperty("roll-back")
        ROLL_BACK
    }

    /** Checks the ranges. */
    public FaultConfig {
        Ranges.notNegative("faults.spike-threshold", spikeThreshold);
        Ranges.atLeast(0, "faults.compare-ranks", compareRanks);
    }

    /** Compares ranks as often as the defaults say. */
    public FaultConfig(double spikeThreshold, SpikeAction onSpike) {
        this(spikeThreshold, onSpike, COMPARE_RANKS);
    }

    /** The defaults. */
    public static FaultConfig defaults() {
        return new FaultConfig(10, SpikeAction.SKIP);
    }

    public FaultConfig withSpikeThreshold(double spikeThreshold) {
        return new FaultConfig(spikeThreshold, onSpike, compareRanks);
    }

    public FaultConfig withOnSpike(SpikeAction onSpike) {
        return new FaultConfig(spikeThreshold, onSpike, compareRanks);
    }

    public FaultConfig withCompareRanks(int compareRanks) {
        return new FaultConfig(spikeThreshold, onSpike, compareRanks);
    }
}
