package org.mohawk4j.tokenizer;

import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.MissingNode;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.OptionalInt;
import java.util.Set;
import java.util.function.ToIntFunction;
import org.mohawk4j.io.InputFile;

/**
 * What a {@code tokenizer.json} says that its native library does not tell.
 *
 * @param largestModelId the largest id in the model's own vocabulary, or -1
 * @param addedTokens the tokens beside it
 * @param splitsAtSpace whether a text may be cut before any whitespace that follows something else, and the ids of the
 *     pieces be joined
 * @param decoder what the text of ids depends on
 * @param bytes of tokens, the added ones included once their ids are known
 * @param before the ids of the special tokens that the post-processor puts before a text
 */
record TokenizerDescription(
        int largestModelId,
        List<AddedToken> addedTokens,
        boolean splitsAtSpace,
        DecoderKind decoder,
        TokenBytes bytes,
        List<Integer> before) {
    /** A token that is found in the text before the model sees it. */
    record AddedToken(String content, int id, boolean special) {}

    private static final ObjectMapper JSON = JsonMapper.builder()
            .disable(StreamReadFeature.INCLUDE_SOURCE_IN_LOCATION)
            .build();

    /** The names of the end in the families that tokenizers come from: GPT-2 and Phi, Llama 3, Llama 2, Gemma. */
    private static final List<String> END_OF_TEXT = List.of("<|endoftext|>", "<|end_of_text|>", "</s>", "<eos>");

    private static final Set<String> LOCAL_NORMALIZERS = Set.of("NFC", "NFD", "NFKC", "NFKD", "Lowercase");

    /**
     * Reads a {@code tokenizer.json}.
     *
     * @throws IOException if it is not JSON
     * @throws IllegalArgumentException if it is not a tokenizer, with a message that says why
     */
    static TokenizerDescription read(String json) throws IOException {
        NativeHazards.refuse(json);
        JsonNode addedTokens = MissingNode.getInstance();
        JsonNode normalizer = MissingNode.getInstance();
        JsonNode preTokenizer = MissingNode.getInstance();
        JsonNode decoder = MissingNode.getInstance();
        JsonNode postProcessor = MissingNode.getInstance();
        TokenBytes bytes = new TokenBytes();
        int largest = -1;
        try (JsonParser parser = JSON.createParser(json)) {
            require(parser.nextToken() == JsonToken.START_OBJECT, "expected an object");
            while (parser.nextToken() == JsonToken.FIELD_NAME) {
                String field = parser.currentName();
                JsonToken value = parser.nextToken();
                switch (field) {
                    case "added_tokens" -> addedTokens = parser.readValueAsTree();
                    case "normalizer" -> normalizer = parser.readValueAsTree();
                    case "pre_tokenizer" -> preTokenizer = parser.readValueAsTree();
                    case "decoder" -> decoder = parser.readValueAsTree();
                    case "post_processor" -> postProcessor = parser.readValueAsTree();
                    case "model" -> {
                        require(value == JsonToken.START_OBJECT, "expected an object as model");
                        largest = Math.max(largest, largestOfModel(parser, bytes));
                    }
                    default -> parser.skipChildren();
                }
            }
        }
        List<AddedToken> added = new ArrayList<>();
        for (JsonNode token : addedTokens) {
            added.add(new AddedToken(
                    token.path("content").asText(),
                    id(token.path("id")),
                    token.path("special").asBoolean()));
        }
        require(largest >= 0 || !added.isEmpty(), "it has no vocabulary");
        boolean splits = isByteLevel(preTokenizer) && isLocal(normalizer) && areLocal(addedTokens);
        return new TokenizerDescription(
                largest, List.copyOf(added), splits, DecoderKind.of(decoder), bytes, before(postProcessor));
    }

    /** This, with the ids that the added tokens have in fact: the library reassigns them if the file is wrong. */
    TokenizerDescription withIds(ToIntFunction<AddedToken> id) {
        List<AddedToken> added = addedTokens.stream()
                .map(token -> new AddedToken(token.content(), id.applyAsInt(token), token.special()))
                .toList();
        added.forEach(token -> bytes.add(token.content(), token.id()));
        return new TokenizerDescription(largestModelId, added, splitsAtSpace, decoder, bytes, before);
    }

    /** The id of an added token. */
    OptionalInt idOf(String content) {
        return addedTokens.stream()
                .filter(token -> token.content().equals(content))
                .mapToInt(AddedToken::id)
                .findFirst();
    }

    /** One more than the largest id that a text without special tokens can have. */
    int ordinarySize() {
        return addedTokens.stream()
                        .filter(token -> !token.special())
                        .mapToInt(AddedToken::id)
                        .reduce(largestModelId, Math::max)
                + 1;
    }

    /** One more than the largest id. */
    int vocabularySize() {
        return addedTokens.stream().mapToInt(AddedToken::id).reduce(largestModelId, Math::max) + 1;
    }

    /** The id of the token that ends a document. */
    OptionalInt endOfText() {
        return addedTokens.stream()
                .filter(token -> token.special() && END_OF_TEXT.contains(token.content()))
                .min(Comparator.comparingInt(token -> END_OF_TEXT.indexOf(token.content())))
                .map(token -> OptionalInt.of(token.id()))
                .orElse(OptionalInt.empty());
    }

    /** The largest id in the model's vocabulary: an object of ids, or, for Unigram, an array. */
    private static int largestOfModel(JsonParser parser, TokenBytes bytes) throws IOException {
        int largest = -1;
        while (parser.nextToken() == JsonToken.FIELD_NAME) {
            boolean isVocabulary = parser.currentName().equals("vocab");
            JsonToken value = parser.nextToken();
            if (!isVocabulary) {
                parser.skipChildren();
            } else if (value == JsonToken.START_OBJECT) {
                while (parser.nextToken() == JsonToken.FIELD_NAME) {
                    String token = parser.currentName();
                    parser.nextToken();
                    int id = id(parser.readValueAsTree());
                    bytes.add(token, id);
                    largest = Math.max(largest, id);
                }
            } else {
                require(value == JsonToken.START_ARRAY, "expected an object or array as vocab");
                while (parser.nextToken() != JsonToken.END_ARRAY) {
                    largest++;
                    JsonNode entry = parser.readValueAsTree();
                    bytes.add(entry.path(0).asText(), largest);
                }
            }
        }
        return largest;
    }

    /** The ids of the special tokens before the sequence in a template for one sequence. */
    private static List<Integer> before(JsonNode postProcessor) {
        List<Integer> before = new ArrayList<>();
        switch (postProcessor.path("type").asText()) {
            case "Sequence" -> postProcessor.path("processors").forEach(part -> before.addAll(before(part)));
            case "TemplateProcessing" -> {
                for (JsonNode piece : postProcessor.path("single")) {
                    String name = piece.path("SpecialToken").path("id").asText();
                    if (name.isEmpty()) {
                        break;
                    }
                    postProcessor.path("special_tokens").path(name).path("ids").forEach(id -> before.add(id(id)));
                }
            }
            case "BertProcessing", "RobertaProcessing" ->
                before.add(id(postProcessor.path("cls").path(1)));
            default -> {}
        }
        return List.copyOf(before);
    }

    private static int id(JsonNode node) {
        require(
                node.isIntegralNumber()
                        && node.canConvertToInt()
                        && node.intValue() >= 0
                        && node.intValue() < Integer.MAX_VALUE,
                "expected ids from 0 to 2^31 - 2, found " + InputFile.shorten(node.toString()));
        return node.intValue();
    }

    /**
     * GPT-2's expression, {@code 's|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+}: no match
     * holds whitespace behind something else, none looks back, and none looks ahead past something that is no
     * whitespace. So a match always begins where whitespace begins.
     */
    private static boolean isByteLevel(JsonNode preTokenizer) {
        if (preTokenizer.path("type").asText().equals("Sequence")) {
            boolean found = false;
            for (JsonNode part : preTokenizer.path("pretokenizers")) {
                boolean byteLevel = isByteLevel(part);
                if (!byteLevel && !part.path("type").asText().equals("Digits")) {
                    return false;
                }
                found |= byteLevel;
            }
            return found;
        }
        return preTokenizer.path("type").asText().equals("ByteLevel")
                && preTokenizer.path("use_regex").asBoolean(true)
                && !preTokenizer.path("add_prefix_space").asBoolean(true);
    }

    private static boolean isLocal(JsonNode normalizer) {
        if (normalizer.isNull() || normalizer.isMissingNode()) {
            return true;
        }
        if (normalizer.path("type").asText().equals("Sequence")) {
            for (JsonNode part : normalizer.path("normalizers")) {
                if (!isLocal(part)) {
                    return false;
                }
            }
            return true;
        }
        return LOCAL_NORMALIZERS.contains(normalizer.path("type").asText());
    }

    /** Whether no added token can reach over a place between something and whitespace, or look over it. */
    private static boolean areLocal(JsonNode addedTokens) {
        for (JsonNode token : addedTokens) {
            boolean hasSpace = false;
            boolean hasOther = false;
            String content = token.path("content").asText();
            for (int i = 0; i < content.length(); i++) {
                char c = content.charAt(i);
                boolean space = Character.isWhitespace(c) || Character.isSpaceChar(c);
                if (space && hasOther) {
                    return false;
                }
                hasSpace |= space;
                hasOther |= !space;
            }
            if (token.path("rstrip").asBoolean()
                    || (hasSpace && token.path("single_word").asBoolean())) {
                return false;
            }
        }
        return true;
    }

    private static void require(boolean condition, String message) {
        if (!condition) {
            throw new IllegalArgumentException(message);
        }
    }
}
