package org.mohawk4j.train.config;

/** Checkpoints and the handling of loss spikes. */
public record RecoveryConfig(CheckpointConfig checkpoint, FaultConfig faults) {
    /** The defaults. */
    public static RecoveryConfig defaults() {
        return new RecoveryConfig(CheckpointConfig.defaults(), FaultConfig.defaults());
    }
}
