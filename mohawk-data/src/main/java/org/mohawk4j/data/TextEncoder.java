package org.mohawk4j.data;

/**
 * Text to token ids: {@code tokenizer::encode} for parts of a document, {@code tokenizer::encodeFromStart} for a whole one.
 */
@FunctionalInterface
public interface TextEncoder {
    /** The token ids of a text, in order, with nothing cut off. */
    int[] encode(String text);
}
