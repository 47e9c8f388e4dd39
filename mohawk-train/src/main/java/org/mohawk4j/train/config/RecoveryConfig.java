package org.mohawk4j.train.config;

/** What a run does about interruptions and about losses that jump. */
public record RecoveryConfig(CheckpointConfig checkpoint, FaultConfig faults) {
    /** The defaults. */
    public static RecoveryConfig defaults() {
        return new RecoveryConfig(CheckpointConfig.defaults(), FaultConfig.defaults());
    }
}
