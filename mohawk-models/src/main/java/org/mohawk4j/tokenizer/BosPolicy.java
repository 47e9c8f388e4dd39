package org.mohawk4j.tokenizer;

/** Whether a text begins with the BOS token. */
public enum BosPolicy {
    /** As the tokenizer's files say, which is how its model was trained. */
    AUTO,
    /** Whatever they say. */
    ALWAYS,
    /** Whatever they say. */
    NEVER
}
