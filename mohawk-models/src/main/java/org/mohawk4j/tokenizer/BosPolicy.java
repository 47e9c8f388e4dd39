package org.mohawk4j.tokenizer;

import com.fasterxml.jackson.annotation.JsonProperty;

/** Whether a text begins with the BOS token. */
public enum BosPolicy {
    /** As the tokenizer's files say, which is how its model was trained. */
    @JsonProperty("auto")
    AUTO,
    /** Whatever they say. */
    @JsonProperty("always")
    ALWAYS,
    /** Whatever they say. */
    @JsonProperty("never")
    NEVER
}
