package org.mohawk4j.tokenizer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.mohawk4j.InvalidInputException;

/** Whether a text begins with a BOS token, by the files of a tokenizer whose ids are 0 to 4: unk, s, /s, a, b. */
class BosTest {
    private static final String TEMPLATE = """
            {"type": "TemplateProcessing",
             "single": [{"SpecialToken": {"id": "<s>", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}}],
             "pair": [{"Sequence": {"id": "A", "type_id": 0}}, {"Sequence": {"id": "B", "type_id": 1}}],
             "special_tokens": {"<s>": {"id": "<s>", "ids": [1], "tokens": ["<s>"]}}}""";

    private static final String BYTE_LEVEL =
            "{\"type\": \"ByteLevel\", \"add_prefix_space\": false, \"trim_offsets\": true, \"use_regex\": true}";

    @TempDir
    private Path folder;

    private TokenizerJson tokenizer(String postProcessor, String config, BosPolicy policy) throws IOException {
        Files.writeString(folder.resolve("tokenizer.json"), """
                {"added_tokens": [{"id": 1, "content": "<s>", "special": true, "single_word": false, "lstrip": false,
                                   "rstrip": false, "normalized": false},
                                  {"id": 2, "content": "</s>", "special": true, "single_word": false, "lstrip": false,
                                   "rstrip": false, "normalized": false}],
                 "pre_tokenizer": {"type": "WhitespaceSplit"}, "decoder": {"type": "Fuse"}, "post_processor": %s,
                 "model": {"type": "WordLevel", "unk_token": "<unk>",
                           "vocab": {"<unk>": 0, "<s>": 1, "</s>": 2, "a": 3, "b": 4}}}""".formatted(postProcessor));
        if (!config.isEmpty()) {
            Files.writeString(folder.resolve("tokenizer_config.json"), config);
        }
        return TokenizerJson.load(folder, policy);
    }

    private int[] start(String postProcessor, String config, BosPolicy policy) throws IOException {
        return tokenizer(postProcessor, config, policy).encodeFromStart("a b");
    }

    @Test
    void withoutATemplateAndConfigurationNothingIsAdded() throws IOException {
        assertThat(start("null", "", BosPolicy.AUTO)).containsExactly(3, 4);
        assertThat(start(BYTE_LEVEL, "{\"bos_token\": \"<s>\"}", BosPolicy.AUTO))
                .containsExactly(3, 4);
    }

    @Test
    void theTemplateSaysWhatStandsBeforeAText() throws IOException {
        TokenizerJson tokenizer = tokenizer(TEMPLATE, "", BosPolicy.AUTO);

        assertThat(tokenizer.encodeFromStart("a b")).containsExactly(1, 3, 4);
        assertThat(tokenizer.encodeFromStart("<s>a")).as("not doubled").containsExactly(1, 3);
        assertThat(tokenizer.encodeFromStart("")).containsExactly(1);
        assertThat(tokenizer.encode("a b")).as("part of a text").containsExactly(3, 4);
        assertThat(start(
                        "{\"type\": \"Sequence\", \"processors\": [" + BYTE_LEVEL + ", " + TEMPLATE + "]}",
                        "",
                        BosPolicy.AUTO))
                .as("as Llama 3 has it")
                .containsExactly(1, 3, 4);
    }

    @Test
    void theConfigurationCountsMoreThanTheTemplate() throws IOException {
        assertThat(start(TEMPLATE, "{\"add_bos_token\": false, \"bos_token\": \"<s>\"}", BosPolicy.AUTO))
                .containsExactly(3, 4);
        assertThat(start("null", "{\"add_bos_token\": true, \"bos_token\": {\"content\": \"<s>\"}}", BosPolicy.AUTO))
                .containsExactly(1, 3, 4);
        assertThat(start("null", "{\"tokenizer_class\": \"LlamaTokenizer\", \"bos_token\": \"<s>\"}", BosPolicy.AUTO))
                .as("its class adds one where the configuration is silent")
                .containsExactly(1, 3, 4);
    }

    @Test
    void thePolicyCountsMost() throws IOException {
        assertThat(start(TEMPLATE, "", BosPolicy.NEVER)).containsExactly(3, 4);
        assertThat(start("null", "{\"add_bos_token\": false, \"bos_token\": \"<s>\"}", BosPolicy.ALWAYS))
                .containsExactly(1, 3, 4);
    }

    @Test
    void aBosTokenThatThereIsNotIsOneLine() {
        assertThatThrownBy(() -> tokenizer("null", "", BosPolicy.ALWAYS))
                .isInstanceOf(InvalidInputException.class)
                .hasMessageContaining("tokenizer.json: expected a BOS token in its vocabulary")
                .hasMessageContaining("found no bos_token in tokenizer_config.json");
        assertThatThrownBy(
                        () -> tokenizer("null", "{\"add_bos_token\": true, \"bos_token\": \"<bos>\"}", BosPolicy.AUTO))
                .isInstanceOf(InvalidInputException.class)
                .hasMessageContaining("found no <bos>");
    }

    @Test
    void anEmptyTextStandsForTheBosTokenEvenIfNoneIsAdded() throws IOException {
        assertThat(tokenizer("null", "{\"bos_token\": \"<s>\", \"eos_token\": \"</s>\"}", BosPolicy.AUTO)
                        .prefix())
                .hasValue(1);
        assertThat(tokenizer("null", "{}", BosPolicy.AUTO).prefix())
                .as("end of text")
                .hasValue(2);
    }

    @Test
    void generationEndsAtWhatTheFilesName() throws IOException {
        Files.writeString(folder.resolve("generation_config.json"), "{\"eos_token_id\": [4, 0]}");

        assertThat(tokenizer("null", "{\"eos_token\": \"b\"}", BosPolicy.AUTO).stops())
                .containsExactlyInAnyOrder(0, 2, 4);
    }

    @Test
    void aCopyOfATokenizerBehavesLikeIt() throws IOException {
        Path copy = folder.resolve("copy");
        tokenizer("null", "{\"add_bos_token\": true, \"bos_token\": \"<s>\"}", BosPolicy.AUTO);
        TokenizerFiles.read(folder.resolve(TokenizerJson.FILE_NAME)).writeTo(copy);

        assertThat(TokenizerJson.load(copy).encodeFromStart("a")).containsExactly(1, 3);
        assertThat(copy.resolve("tokenizer.json")).hasSameBinaryContentAs(folder.resolve("tokenizer.json"));
        assertThat(copy.resolve("tokenizer_config.json"))
                .hasSameBinaryContentAs(folder.resolve("tokenizer_config.json"));
    }

    @Test
    void whatIsWrongWithTheConfigurationIsOneLine() {
        assertThatThrownBy(() -> tokenizer("null", "{\"add_bos_token\": 1}", BosPolicy.AUTO))
                .isInstanceOf(InvalidInputException.class)
                .hasMessageContaining("tokenizer_config.json: add_bos_token: expected true or false, found 1");
        assertThatThrownBy(() -> tokenizer("null", "[]", BosPolicy.AUTO))
                .hasMessageContaining("tokenizer_config.json: expected a JSON object");
        assertThatThrownBy(() -> tokenizer("null", "{\"chat_template\": [1]}", BosPolicy.AUTO))
                .hasMessageContaining("chat_template: expected a text or a list of objects");
    }
}
