package org.mohawk4j.train.config;

import org.mohawk4j.train.yaml.Ranges;

/**
 * When a run writes checkpoints, and how many it keeps.
 *
 * @param every steps of a stage between two checkpoints; 0: not by steps
 * @param minutes between two checkpoints; 0: not by time
 * @param keep how many checkpoints stay, the newest ones
 */
public record CheckpointConfig(int every, double minutes, int keep) {
    /** Checks the ranges. */
    public CheckpointConfig {
        Ranges.atLeast(0, "checkpoint.every", every);
        Ranges.notNegative("checkpoint.minutes", minutes);
        Ranges.atLeast(1, "checkpoint.keep", keep);
    }

    /** The defaults. */
    public static CheckpointConfig defaults() {
        return new CheckpointConfig(0, 30, 2);
    }

    public CheckpointConfig withEvery(int every) {
        return new CheckpointConfig(every, minutes, keep);
    }

    public CheckpointConfig withMinutes(double minutes) {
        return new CheckpointConfig(every, minutes, keep);
    }

    public CheckpointConfig withKeep(int keep) {
        return new CheckpointConfig(every, minutes, keep);
    }
}
