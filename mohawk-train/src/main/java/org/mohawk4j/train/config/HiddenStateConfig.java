package org.mohawk4j.train.config;

import com.fasterxml.jackson.annotation.JsonProperty;

/**
 * Stage 2, hidden-state alignment.
 *
 * @param target whose output is aligned, and so what trains
 */
public record HiddenStateConfig(Target target) {
    /** Whose output is aligned. */
    public enum Target {
        /** The mixer's: the mixer trains, the MLP and the norm stay the teacher's. */
        @JsonProperty("mixer")
        MIXER,
        /** The block's: the whole block trains. */
        @JsonProperty("block")
        BLOCK
    }

    /** The defaults. */
    public static HiddenStateConfig defaults() {
        return new HiddenStateConfig(Target.MIXER);
    }
}
