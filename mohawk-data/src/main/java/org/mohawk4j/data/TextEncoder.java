package org.mohawk4j.data;

/** Text to token ids; a tokenizer's encoder without special tokens, such as {@code tokenizer::encode}. */
@FunctionalInterface
public interface TextEncoder {
    /** The token ids of a text, in order, with nothing added and nothing cut off. */
    int[] encode(String text);
}
