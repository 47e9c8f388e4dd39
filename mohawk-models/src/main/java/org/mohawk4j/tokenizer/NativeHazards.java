package org.mohawk4j.tokenizer;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.core.StreamReadConstraints;
import com.fasterxml.jackson.core.StreamReadFeature;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.CharsetEncoder;
import java.util.Base64;
import org.mohawk4j.io.InputFile;

/**
 * Finds what the native library would answer with the end of the whole process instead of an error (tokenizers 0.21.4):
 * its parser has limits of its own, and some of its parts take for granted that what they get is right. Duplicate names
 * and deep nesting are refused on the way.
 */
final class NativeHazards {
    private static final int MAX_DEPTH = 64;
    private static final JsonFactory JSON = JsonFactory.builder()
            .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
            .disable(StreamReadFeature.INCLUDE_SOURCE_IN_LOCATION)
            .disable(JsonFactory.Feature.CANONICALIZE_FIELD_NAMES)
            .disable(JsonFactory.Feature.INTERN_FIELD_NAMES)
            .streamReadConstraints(
                    StreamReadConstraints.builder().maxNestingDepth(MAX_DEPTH).build())
            .build();

    private final CharsetEncoder utf8 = UTF_8.newEncoder();
    private int shortestContinuation = Integer.MAX_VALUE;
    private int prefixBytes;

    private NativeHazards() {}

    /**
     * Reads a whole {@code tokenizer.json}.
     *
     * @throws IOException if it is not JSON
     * @throws IllegalArgumentException if the library would not survive it, with a message that says why
     */
    static void refuse(String json) throws IOException {
        new NativeHazards().read(json);
    }

    private void read(String json) throws IOException {
        try (JsonParser parser = JSON.createParser(json)) {
            for (JsonToken token = parser.nextToken(); token != null; token = parser.nextToken()) {
                if (token == JsonToken.FIELD_NAME || token == JsonToken.VALUE_STRING) {
                    requireWhole(parser.getText());
                }
                if (token == JsonToken.VALUE_STRING) {
                    text(parser);
                } else if (token.isNumeric() && !Double.isFinite(parser.getDoubleValue())) {
                    throw new IllegalArgumentException("a number out of range, " + InputFile.shorten(parser.getText()));
                } else if (token == JsonToken.START_ARRAY && "merges".equals(parser.currentName())) {
                    merges(parser);
                }
            }
        }
        if (prefixBytes > shortestContinuation) {
            throw new IllegalArgumentException(
                    "a merge whose second part is shorter than continuing_subword_prefix, " + prefixBytes + " bytes");
        }
    }

    private void requireWhole(String text) {
        if (!utf8.canEncode(text)) {
            throw new IllegalArgumentException("half a surrogate pair in " + InputFile.quote(text));
        }
    }

    private void text(JsonParser parser) throws IOException {
        String name = parser.currentName();
        if ("continuing_subword_prefix".equals(name)) {
            prefixBytes = Math.max(prefixBytes, parser.getText().getBytes(UTF_8).length);
        } else if ("precompiled_charsmap".equals(name)) {
            requireCharsMap(parser.getText());
        }
    }

    /** Pairs, each a text with a space between or an array of two. */
    private void merges(JsonParser parser) throws IOException {
        while (parser.nextToken() != JsonToken.END_ARRAY) {
            if (parser.currentToken() == JsonToken.START_ARRAY) {
                String last = "";
                while (parser.nextToken() != JsonToken.END_ARRAY) {
                    if (parser.currentToken() != JsonToken.VALUE_STRING) {
                        throw new IllegalArgumentException("expected texts as parts of a merge");
                    }
                    last = parser.getText();
                    requireWhole(last);
                }
                continuation(last);
            } else if (parser.currentToken() == JsonToken.VALUE_STRING) {
                requireWhole(parser.getText());
                continuation(parser.getText().substring(parser.getText().indexOf(' ') + 1));
            } else {
                throw new IllegalArgumentException("expected texts or pairs of texts as merges");
            }
        }
    }

    private void continuation(String text) {
        shortestContinuation = Math.min(shortestContinuation, text.getBytes(UTF_8).length);
    }

    /** A map of SentencePiece: in base64, the bytes of a trie of 32-bit units, the trie, and text in UTF-8. */
    private static void requireCharsMap(String base64) throws IOException {
        byte[] bytes;
        try {
            bytes = Base64.getDecoder().decode(base64);
        } catch (IllegalArgumentException e) {
            throw new IllegalArgumentException("expected base64 as precompiled_charsmap, " + e.getMessage(), e);
        }
        long trie = bytes.length < Integer.BYTES
                ? -1
                : Integer.toUnsignedLong(
                        ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN).getInt());
        if (trie < 0 || trie % Integer.BYTES != 0 || trie > bytes.length - Integer.BYTES) {
            throw new IllegalArgumentException("precompiled_charsmap does not hold the trie that it says it holds");
        }
        int from = Math.toIntExact(Integer.BYTES + trie);
        UTF_8.newDecoder().decode(ByteBuffer.wrap(bytes, from, bytes.length - from));
    }
}
