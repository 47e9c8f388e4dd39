package org.mohawk4j.tokenizer;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.mohawk4j.InvalidInputException;
import org.mohawk4j.io.InputFile;

/**
 * What the files beside a {@code tokenizer.json} say, as transformers reads them: {@code tokenizer_config.json}, its
 * older {@code special_tokens_map.json}, {@code generation_config.json}. None of them has to be there.
 *
 * @param addsBos {@code add_bos_token}, or what the tokenizer's class does without one
 * @param specialTokens by name, such as {@code bos_token}, as templates see them: a text, or a list of texts
 * @param chatTemplates by name; one that has none is {@code default}
 * @param eosIds {@code eos_token_id} of the generation configuration
 */
record TokenizerConfig(
        Optional<Boolean> addsBos,
        Map<String, Object> specialTokens,
        Map<String, String> chatTemplates,
        List<Integer> eosIds) {
    static final String FILE_NAME = "tokenizer_config.json";
    static final String DEFAULT_TEMPLATE = "default";

    static final String TOKENS_FILE = "special_tokens_map.json";
    static final String GENERATION_FILE = "generation_config.json";
    static final String TEMPLATE_FILE = "chat_template.jinja";

    /** Some list thousands of added tokens. */
    private static final int MAX_BYTES = 64 << 20;

    /** Those that transformers gives a BOS token where their configuration says nothing. */
    private static final Set<String> CLASSES_WITH_BOS = Set.of(
            "LlamaTokenizer",
            "LlamaTokenizerFast",
            "CodeLlamaTokenizer",
            "CodeLlamaTokenizerFast",
            "GemmaTokenizer",
            "GemmaTokenizerFast",
            "CohereTokenizerFast");

    private static final ObjectMapper JSON = JsonMapper.builder()
            .disable(StreamReadFeature.INCLUDE_SOURCE_IN_LOCATION)
            .build();

    /**
     * Reads what stands beside a file.
     *
     * @param tokenizer the {@code tokenizer.json}, which need not be there
     * @throws InvalidInputException if a file is not what it should be
     */
    static TokenizerConfig read(Path tokenizer) {
        Path file = tokenizer.resolveSibling(FILE_NAME);
        JsonNode config = json(file);
        Map<String, Object> tokens = new LinkedHashMap<>();
        addTokens(tokenizer.resolveSibling(TOKENS_FILE), json(tokenizer.resolveSibling(TOKENS_FILE)), tokens);
        addTokens(file, config, tokens);
        JsonNode adds = config.path("add_bos_token");
        if (!isAbsent(adds) && !adds.isBoolean()) {
            throw wrong(file, "add_bos_token", "true or false", adds);
        }
        Optional<Boolean> byClass =
                CLASSES_WITH_BOS.contains(config.path("tokenizer_class").asText()) && tokens.containsKey("bos_token")
                        ? Optional.of(true)
                        : Optional.empty();
        Map<String, String> templates = new LinkedHashMap<>();
        addTemplates(file, config.path("chat_template"), templates);
        Path template = tokenizer.resolveSibling(TEMPLATE_FILE);
        if (isThere(template)) {
            templates.put(DEFAULT_TEMPLATE, InputFile.text(template, MAX_BYTES));
        }
        return new TokenizerConfig(
                isAbsent(adds) ? byClass : Optional.of(adds.asBoolean()),
                Collections.unmodifiableMap(tokens),
                Collections.unmodifiableMap(templates),
                eosIds(tokenizer.resolveSibling(GENERATION_FILE)));
    }

    /** The text of a special token, such as {@code bos_token}. */
    Optional<String> specialToken(String name) {
        return Optional.ofNullable(specialTokens.get(name))
                .filter(String.class::isInstance)
                .map(String.class::cast);
    }

    /** Tokens are texts, or objects with one as {@code content}; lists of them have names as well. */
    private static void addTokens(Path file, JsonNode config, Map<String, Object> tokens) {
        config.properties().forEach(entry -> {
            String name = entry.getKey();
            JsonNode value = entry.getValue();
            if (isAbsent(value)) {
                return;
            }
            if (name.endsWith("_token") && !name.startsWith("add_")) {
                tokens.put(name, content(file, name, value));
            } else if (name.equals("additional_special_tokens") && value.isArray()) {
                List<String> texts = new ArrayList<>();
                value.forEach(each -> texts.add(content(file, name, each)));
                tokens.put(name, List.copyOf(texts));
            }
        });
    }

    private static String content(Path file, String name, JsonNode value) {
        JsonNode content = value.isObject() ? value.path("content") : value;
        if (!content.isTextual()) {
            throw wrong(file, name, "a text or an object with content", value);
        }
        InputFile.requireWholeCharacters(file + ": ", content.asText());
        return content.asText();
    }

    /** A text, or a list of objects with a name and a text each. */
    private static void addTemplates(Path file, JsonNode templates, Map<String, String> named) {
        if (templates.isTextual()) {
            named.put(DEFAULT_TEMPLATE, templates.asText());
        } else if (!isAbsent(templates)) {
            boolean isList = templates.isArray();
            for (JsonNode each : templates) {
                isList &= each.path("name").isTextual() && each.path("template").isTextual();
                named.put(each.path("name").asText(), each.path("template").asText());
            }
            if (!isList) {
                throw wrong(file, "chat_template", "a text or a list of objects with name and template", templates);
            }
        }
    }

    private static List<Integer> eosIds(Path file) {
        JsonNode ids = json(file).path("eos_token_id");
        List<Integer> read = new ArrayList<>();
        for (JsonNode id :
                ids.isArray() ? ids : JsonNodeFactory.instance.arrayNode().add(ids)) {
            if (!isAbsent(id)) {
                if (!id.isIntegralNumber() || !id.canConvertToInt() || id.intValue() < 0) {
                    throw wrong(file, "eos_token_id", "token ids", ids);
                }
                read.add(id.intValue());
            }
        }
        return List.copyOf(read);
    }

    private static boolean isAbsent(JsonNode value) {
        return value.isMissingNode() || value.isNull();
    }

    /** A link to nothing is there: reading it says what is wrong. */
    private static boolean isThere(Path file) {
        return Files.exists(file, LinkOption.NOFOLLOW_LINKS);
    }

    private static JsonNode json(Path file) {
        if (!isThere(file)) {
            return JsonNodeFactory.instance.objectNode();
        }
        try {
            JsonNode json = JSON.readTree(InputFile.text(file, MAX_BYTES));
            if (!json.isObject()) {
                throw new InvalidInputException(file + ": expected a JSON object, found " + json.getNodeType());
            }
            return json;
        } catch (JsonProcessingException e) {
            throw InputFile.notJson(file.toString(), e);
        }
    }

    private static InvalidInputException wrong(Path file, String key, String expected, JsonNode found) {
        return new InvalidInputException(
                file + ": " + key + ": expected " + expected + ", found " + InputFile.shorten(found.toString()));
    }
}
