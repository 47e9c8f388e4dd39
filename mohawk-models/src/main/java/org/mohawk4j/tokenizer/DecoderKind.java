package org.mohawk4j.tokenizer;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;

/** What may still change in the text of ids when more of them follow, by the decoder of a {@code tokenizer.json}. */
enum DecoderKind {
    /** Nothing: each token only adds to the text. */
    SETTLED,
    /** A character in parts at the end. */
    BYTE_LEVEL,
    /** All tokens for single bytes at the end: one that does not fit turns each of them into U+FFFD. */
    BYTE_FALLBACK,
    /** What the last token ends with. */
    LAST_TOKEN,
    /** Everything. */
    UNKNOWN;

    /** Decoders that change each token by itself, knowing at most whether it is the first. */
    private static final Set<String> PLAIN = Set.of("Replace", "Strip", "Metaspace");

    private static final String REPLACEMENT = "\uFFFD";

    /**
     * The kind of a decoder, of the library's own or a sequence of them.
     *
     * @throws IllegalArgumentException if the library would not survive using it
     */
    static DecoderKind of(JsonNode decoder) {
        List<JsonNode> parts = new ArrayList<>();
        addParts(decoder, parts);
        // what a decoder does to U+FFFD hides where a character is incomplete
        return decoder.toString().contains(REPLACEMENT) ? UNKNOWN : ofSequence(parts);
    }

    private static void addParts(JsonNode decoder, List<JsonNode> parts) {
        if (decoder.path("type").asText().equals("Sequence")) {
            decoder.path("decoders").forEach(part -> addParts(part, parts));
        } else if (decoder.isObject()) {
            if (decoder.path("type").asText().equals("Strip")
                    && decoder.path("stop").asLong() != 0) {
                throw new IllegalArgumentException(
                        "expected 0 as stop of a Strip decoder, which fails at short tokens otherwise, found "
                                + decoder.path("stop"));
            }
            parts.add(decoder);
        }
    }

    private static DecoderKind ofSequence(List<JsonNode> parts) {
        DecoderKind kind = SETTLED;
        boolean plain = true;
        boolean joined = false;
        for (int i = 0; i < parts.size(); i++) {
            JsonNode part = parts.get(i);
            String type = part.path("type").asText();
            boolean known = switch (type) {
                case "Fuse", "Strip" -> true;
                case "Replace" -> (kind == SETTLED && !joined) || isCharacter(part.path("pattern"));
                case "Metaspace" -> !joined;
                case "WordPiece" -> !joined && kind == SETTLED;
                case "ByteLevel", "ByteFallback", "BPEDecoder" -> !joined && plain;
                case "CTC" -> i == 0;
                default -> false;
            };
            if (!known) {
                return UNKNOWN;
            }
            kind = switch (type) {
                case "ByteLevel" -> BYTE_LEVEL;
                case "ByteFallback" -> BYTE_FALLBACK;
                case "BPEDecoder" -> LAST_TOKEN;
                default -> kind;
            };
            joined |= type.equals("Fuse") || type.equals("ByteLevel");
            plain &= PLAIN.contains(type);
        }
        return kind;
    }

    /** Whether a pattern is one character, so that no match lies across tokens. */
    private static boolean isCharacter(JsonNode pattern) {
        String text = pattern.path("String").asText();
        return !text.isEmpty() && text.codePointCount(0, text.length()) == 1;
    }
}
