package org.mohawk4j.models.export;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.mohawk4j.io.AtomicFile;
import org.mohawk4j.io.InputFile;
import org.mohawk4j.tokenizer.TokenizerFiles;
import org.mohawk4j.tokenizer.TokenizerJson;

/** What stands beside a model's weights and goes with them: tokenizer, generation settings, licenses. */
final class CompanionFiles {
    private static final String CONFIG = "config.json";
    private static final String GENERATION = "generation_config.json";
    private static final String TOKENIZER = "tokenizer.json";
    private static final String TOKENIZER_CONFIG = "tokenizer_config.json";
    private static final String SPECIAL_TOKENS = "special_tokens_map.json";
    private static final List<String> SPECIAL_IDS = List.of("bos_token_id", "eos_token_id", "pad_token_id");
    private static final ObjectMapper JSON = new ObjectMapper();

    /** Beside {@link TokenizerFiles#NAMES}: what other software reads. */
    private static final Set<String> OTHER_NAMES =
            Set.of("tokenizer.model", "added_tokens.json", "vocab.json", "merges.txt", "chat_template.json");

    private static final Pattern LICENSE = Pattern.compile("(?i:licen[cs]e|use_policy|notice|copying).*");

    private final List<Path> folders;
    private final Map<String, Path> files = new TreeMap<>();

    /** @param folders where they are looked for; the first that has a file of a name lends it */
    CompanionFiles(List<Path> folders) {
        this.folders = folders;
        for (Path folder : folders) {
            try (Stream<Path> entries = Files.list(folder)) {
                entries.filter(Files::isRegularFile)
                        .filter(file -> isCompanion(String.valueOf(file.getFileName())))
                        .forEach(file -> files.putIfAbsent(String.valueOf(file.getFileName()), file));
            } catch (IOException e) {
                throw InputFile.unreadable(folder, e);
            }
        }
    }

    private static boolean isCompanion(String name) {
        return TokenizerFiles.NAMES.contains(name)
                || OTHER_NAMES.contains(name)
                || LICENSE.matcher(name).matches();
    }

    void copyTo(Path target) {
        files.forEach((name, file) -> {
            InputFile.requireRegular(file);
            byte[] bytes;
            try {
                bytes = Files.readAllBytes(file);
            } catch (IOException e) {
                throw InputFile.unreadable(file, e);
            }
            AtomicFile.write(target.resolve(name), bytes);
        });
    }

    /**
     * Throws if the tokenizer is none, or does not fit the model.
     *
     * @param rows of the model's embedding
     */
    void requireTokenizerFor(long rows) {
        Path tokenizer = files.get(TOKENIZER);
        if (tokenizer != null) {
            TokenizerJson.load(tokenizer).requireRows(rows);
        }
    }

    /** Adds the two files without which transformers does not know the tokenizer's class or where a text ends. */
    void completeFor(Path target) {
        if (files.containsKey(TOKENIZER) && !files.containsKey(TOKENIZER_CONFIG)) {
            ObjectNode json = JSON.createObjectNode().put("tokenizer_class", "PreTrainedTokenizerFast");
            TokenizerJson tokenizer = TokenizerJson.load(target);
            if (!files.containsKey(SPECIAL_TOKENS)) {
                tokenizer.endOfText().ifPresent(id -> json.put("eos_token", tokenizer.decode(id)));
            }
            write(target.resolve(TOKENIZER_CONFIG), json);
        }
        if (!files.containsKey(GENERATION)) {
            ObjectNode json = specialIds();
            if (json.isEmpty() && files.containsKey(TOKENIZER)) {
                TokenizerJson.load(target).endOfText().ifPresent(id -> json.put("eos_token_id", id));
            }
            if (!json.isEmpty()) {
                write(target.resolve(GENERATION), json);
            }
        }
    }

    /** Those of the first configuration that has any. */
    private ObjectNode specialIds() {
        ObjectNode found = JSON.createObjectNode();
        for (Path folder : folders) {
            Path config = folder.resolve(CONFIG);
            if (found.isEmpty() && Files.isRegularFile(config)) {
                JsonNode json = read(config);
                SPECIAL_IDS.stream().filter(json::hasNonNull).forEach(key -> found.set(key, json.get(key)));
            }
        }
        return found;
    }

    private static JsonNode read(Path file) {
        try {
            return JSON.readTree(file.toFile());
        } catch (IOException e) {
            throw InputFile.unreadable(file, e);
        }
    }

    private static void write(Path file, ObjectNode json) {
        AtomicFile.write(file, (json.toPrettyString() + "\n").getBytes(UTF_8));
    }
}
