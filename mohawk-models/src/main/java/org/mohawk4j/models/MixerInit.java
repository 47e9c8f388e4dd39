package org.mohawk4j.models;

import com.fasterxml.jackson.annotation.JsonProperty;

/** How a student's new mixers are initialized. */
public enum MixerInit {
    /** Near the attention they replace, as far as the mixer can: see {@link org.mohawk4j.mixer.MatrixMixer#initFrom}. */
    @JsonProperty("attention")
    ATTENTION,
    /**
     * As {@link #ATTENTION}, then with decay, scale, skip and a constant fitted to the attention's matrices: see {@link
     * org.mohawk4j.mixer.Calibration}.
     */
    @JsonProperty("calibrated")
    CALIBRATED,
    /** Their own initialization, from the seed. */
    @JsonProperty("random")
    RANDOM
}
