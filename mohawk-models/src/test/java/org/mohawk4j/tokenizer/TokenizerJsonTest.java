package org.mohawk4j.tokenizer;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.mohawk4j.InvalidInputException;

class TokenizerJsonTest {
    private static final String BYTE_LEVEL =
            "{\"type\":\"ByteLevel\",\"add_prefix_space\":false,\"trim_offsets\":true,\"use_regex\":true}";

    private static TokenizerJson tokenizer;

    @TempDir
    Path folder;

    /** The folder of the tiny teacher, which mohawk-train ships. */
    static Path teacher() {
        return Path.of(System.getProperty(
                "mohawk.teacher", "../mohawk-train/src/main/resources/org/mohawk4j/train/sample/teacher"));
    }

    @BeforeAll
    static void load() {
        tokenizer = TokenizerJson.load(teacher());
    }

    @Test
    void thePromptHasTheIdsOfTheReference() {
        int[] ids = {870, 312, 259, 1342, 279, 349, 286, 1968, 897, 12, 279, 263, 616, 447};

        assertThat(tokenizer.encode("It was a dark and stormy night, and the old man"))
                .containsExactly(ids);
        assertThat(tokenizer.decode(ids)).isEqualTo("It was a dark and stormy night, and the old man");
    }

    @Test
    void theVocabularyIsKnown() {
        assertThat(tokenizer.vocabularySize()).isEqualTo(4096);
        assertThat(tokenizer.endOfText()).hasValue(0);
        assertThat(tokenizer.encode("a<|endoftext|>b")).hasSize(3).contains(0);
        assertThat(tokenizer.decode(0)).isEqualTo("<|endoftext|>");
    }

    @Test
    void anyTextComesBack() {
        String text = "Gr\u00fc\u00dfe, \u4e16\u754c \ud83d\ude00\u0000 \t\r\n\n  'tis   it's 1234 \u00a0\u2003.";

        assertThat(tokenizer.decode(tokenizer.encode(text))).isEqualTo(text);
        assertThat(tokenizer.encode("")).isEmpty();
        assertThat(tokenizer.decode()).isEmpty();
    }

    @Test
    void halvesOfSurrogatePairsBecomeReplacementCharacters() {
        assertThat(tokenizer.encode("a\ud800 b\udc00\ud83d\ude00"))
                .containsExactly(tokenizer.encode("a\ufffd b\ufffd\ud83d\ude00"));
    }

    @Test
    void longTextsAreNotTruncated() {
        assertThat(tokenizer.encode(" night".repeat(100_000))).hasSize(100_000);
        assertThat(tokenizer.encode("x".repeat(100_000)).length).isGreaterThan(1000);
    }

    /** In one piece this takes 2.3 GB. */
    @Test
    void longTextsWithoutWhitespaceAreCut() {
        String text = "\u4e16xy\ud83d\ude00".repeat(60_000);

        int[] ids = tokenizer.encode(text);

        assertThat(tokenizer.decode(ids)).isEqualTo(text);
        int end = TextPieces.end(text, 0);
        assertThat(text.substring(0, end).getBytes(UTF_8).length)
                .isBetween(TextPieces.MAX_BYTES - 3, TextPieces.MAX_BYTES);
        assertThat(ids).startsWith(tokenizer.encodePiece(text.substring(0, end)));
    }

    @Test
    void piecesEndBeforeWhitespaceWhereThereIsSome() {
        String half = "x".repeat(TextPieces.MAX_BYTES / 2);

        assertThat(TextPieces.end(half + " " + half + half, 0)).isEqualTo(half.length());
        assertThat(TextPieces.end(half + " " + half + half, half.length())).isEqualTo(3 * half.length());
        assertThat(TextPieces.end(half + half.substring(1), 0)).isEqualTo(2 * half.length() - 1);
        assertThat(TextPieces.end(half + half, 0)).isEqualTo(2 * half.length());
        assertThat(TextPieces.end("x" + "\ud83d\ude00".repeat(100_000), 0)).isEqualTo(1 + 2 * 65_535);
    }

    @Test
    void truncationPaddingAndSpecialTokensOfTheFileAreIgnored() throws IOException {
        TokenizerJson strict = TokenizerJson.load(Files.writeString(
                folder.resolve("t.json"),
                json(BYTE_LEVEL, "[]")
                        .replace(
                                "\"truncation\":null",
                                "\"truncation\":{\"direction\":\"Right\",\"max_length\":2,"
                                        + "\"strategy\":\"LongestFirst\",\"stride\":0}")
                        .replace(
                                "\"padding\":null",
                                "\"padding\":{\"strategy\":{\"Fixed\":9},\"direction\":\"Right\","
                                        + "\"pad_to_multiple_of\":null,\"pad_id\":0,\"pad_type_id\":0,"
                                        + "\"pad_token\":\"a\"}")));

        assertThat(strict.encode("a b ab")).containsExactly(0, 2, 1, 2, 3);
    }

    @Test
    void wordByWordGivesTheIdsOfTheWhole() {
        String[] parts = {
            " ",
            "  ",
            "\n",
            "\r\n",
            "\t",
            "\u00a0",
            "\u2003",
            "\u3000",
            "\u0085",
            "\u180e",
            "\u200b",
            "\ufeff",
            "\u000b",
            "\u001c",
            "\u0000",
            "\u007f",
            "a",
            "night",
            "'s",
            "'",
            "'re",
            "It",
            "7",
            "42",
            ".",
            "...",
            "-",
            "\u00e9",
            "e\u0301",
            "\u0301",
            "\u4e16",
            "\ud83d\ude00",
            "\u0660",
            "\u00bd",
            "<|endoftext|>",
            "<|endoftext",
            "|>"
        };
        Random random = new Random(5);
        for (int i = 0; i < 500; i++) {
            StringBuilder text = new StringBuilder();
            IntStream.range(0, random.nextInt(40)).forEach(k -> text.append(parts[random.nextInt(parts.length)]));

            assertThat(tokenizer.encode(text.toString()))
                    .as("%s", text)
                    .containsExactly(tokenizer.encodePiece(text.toString()));
        }
    }

    @Test
    void tokenizersThatMayLookAcrossSpacesGetTheTextInOnePiece() throws IOException {
        String across = "[{\"id\":4,\"content\":\"a b\",\"single_word\":false,\"lstrip\":false,\"rstrip\":false,"
                + "\"normalized\":false,\"special\":true}]";
        String stripping = across.replace("a b", "ab").replace("\"rstrip\":false", "\"rstrip\":true");

        assertThat(description(json(BYTE_LEVEL, "[]")).splitsAtSpace()).isTrue();
        assertThat(description(json(BYTE_LEVEL, across)).splitsAtSpace()).isFalse();
        assertThat(description(json(BYTE_LEVEL, stripping)).splitsAtSpace()).isFalse();
        assertThat(description(json(BYTE_LEVEL.replace("\"use_regex\":true", "\"use_regex\":false"), "[]"))
                        .splitsAtSpace())
                .isFalse();
        assertThat(description(json(BYTE_LEVEL.replace("_space\":false", "_space\":true"), "[]"))
                        .splitsAtSpace())
                .isFalse();
        assertThat(description(json("{\"type\":\"Metaspace\"}", "[]")).splitsAtSpace())
                .isFalse();
        assertThat(description(json("null", "[]")).splitsAtSpace()).isFalse();
        assertThat(TokenizerJson.load(Files.writeString(folder.resolve("t.json"), json(BYTE_LEVEL, across)))
                        .encode("aa b"))
                .containsExactly(0, 4);
    }

    @Test
    void addedTokensHaveTheIdsThatTheLibraryGivesThem() throws IOException {
        String misnumbered = "[{\"id\":1,\"content\":\"</s>\",\"single_word\":false,\"lstrip\":false,\"rstrip\":false,"
                + "\"normalized\":false,\"special\":true}]";
        TokenizerJson loaded =
                TokenizerJson.load(Files.writeString(folder.resolve("t.json"), json(BYTE_LEVEL, misnumbered)));

        assertThat(loaded.encode("a</s>")).containsExactly(0, 4);
        assertThat(loaded.vocabularySize()).isEqualTo(5);
        assertThat(loaded.endOfText()).hasValue(4);
        assertThat(loaded.decode(0, 4)).isEqualTo("a</s>");
    }

    @Test
    void idsOutsideTheVocabularyAreRefused() {
        assertThatThrownBy(() -> tokenizer.decode(5, 4096))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("token id 4096 is not in the vocabulary of 4096");
        assertThatThrownBy(() -> tokenizer.decode(-1)).isInstanceOf(IllegalArgumentException.class);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "null",
                "[]",
                "{}",
                "{\"model\":{}}",
                "{\"model\":null}",
                "{\"model\":{\"type\":\"BPE\",\"vocab\":{},\"merges\":[]}}",
                "{\"model\":{\"type\":\"BPE\",\"vocab\":{\"a\":-1},\"merges\":[]}}",
                "{\"model\":{\"type\":\"BPE\",\"vocab\":{\"a\":99999999999},\"merges\":[]}}",
                "{\"model\":{\"type\":\"BPE\",\"vocab\":{\"a\":\"0\"},\"merges\":[]}}",
                "{\"model\":{\"type\":\"BPE\",\"vocab\":{\"a\":0},\"merges\":[\"a z\"]}}",
                "{\"model\":{\"type\":\"BPE\",\"vocab\":{\"a\":0},\"merges\":[\"a\"]}}",
                "{\"model\":{\"type\":\"none\",\"vocab\":{\"a\":0}}}",
                "{\"model\":{\"type\":\"BPE\",\"vocab\":{\"a\":0},\"merges\":[]}} trailing",
                "{\"model\":{\"type\":\"BPE\",\"vocab\":{\"a\":0},\"merges\":[]},\"pre_tokenizer\":{\"type\":\"?\"}}",
            })
    void brokenFilesAreRefusedWithOneLine(String json) throws IOException {
        assertRefused(Files.writeString(folder.resolve("t.json"), json));
    }

    /** Each of these once ended the process inside the native library, or gave a tokenizer that differs from its file. */
    @ParameterizedTest
    @ValueSource(
            strings = {
                "\"decoder\":{→\"decoder\":{\"x\":\"\\ud800\",→half a surrogate pair",
                "\"decoder\":{→\"decoder\":{\"x\":1e400,→a number out of range",
                "\"continuing_subword_prefix\":null→\"continuing_subword_prefix\":\"##\"→continuing_subword_prefix",
                "\"normalizer\":null→\"normalizer\":{\"type\":\"Precompiled\",\"precompiled_charsmap\":\"!\"}→base64",
                "\"normalizer\":null→\"normalizer\":{\"type\":\"Precompiled\",\"precompiled_charsmap\":\"/////w==\"}→trie",
                "\"fuse_unk\":false→\"fuse_unk\":false,\"fuse_unk\":false→Duplicate field",
                "\"b\":1→\"b\":1,\"b\":1→Duplicate field",
                "\"merges\":[→\"merges\":[[\"a\",1],→parts of a merge",
                "\"decoder\":{→\"decoder\":{\"type\":\"Strip\",\"content\":\"a\",\"start\":0,\"stop\":1},\"x\":{→stop of a Strip",
                "\"padding\":null→\"padding\":[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[→nesting"
            })
    void whatTheNativeLibraryWouldNotSurviveIsRefused(String change) throws IOException {
        String[] parts = change.split("→", -1);
        String whole = json(BYTE_LEVEL, "[]");
        assertThat(whole).contains(parts[0]);
        Path file = Files.writeString(folder.resolve("t.json"), whole.replace(parts[0], parts[1]));

        assertRefused(file);
        assertThatThrownBy(() -> TokenizerJson.load(file)).hasMessageContaining(parts[2]);
    }

    @Test
    void missingFilesFoldersWithoutOneAndOtherBytesAreRefused() throws IOException {
        assertRefused(folder.resolve("none.json"));
        assertThatThrownBy(() -> TokenizerJson.load(folder))
                .isInstanceOf(InvalidInputException.class)
                .hasMessage(folder.resolve("tokenizer.json") + ": cannot be read: it does not exist");
        assertRefused(Files.write(folder.resolve("t.json"), new byte[] {'{', (byte) 0xff, '}'}));
    }

    @Test
    void textThatTheVocabularyCannotSpellIsRefusedWithOneLine() throws IOException {
        Path file = Files.writeString(
                folder.resolve("t.json"), json(BYTE_LEVEL, "[]").replace("\"unk_token\":null", "\"unk_token\":\"?\""));

        assertThatThrownBy(() -> TokenizerJson.load(file).encode("z"))
                .isInstanceOf(InvalidInputException.class)
                .hasMessageStartingWith(file + ": ");
    }

    @Test
    void loadingSetsNoProperty() {
        assertThat(System.getProperty("RUST_FLAVOR")).isNull();
    }

    private TokenizerDescription description(String json) throws IOException {
        return TokenizerDescription.read(json);
    }

    private static String json(String preTokenizer, String addedTokens) {
        return "{\"version\":\"1.0\",\"truncation\":null,\"padding\":null,\"added_tokens\":" + addedTokens
                + ",\"normalizer\":null,\"pre_tokenizer\":" + preTokenizer
                + ",\"post_processor\":null,\"decoder\":{\"type\":\"ByteLevel\",\"add_prefix_space\":true,"
                + "\"trim_offsets\":true,\"use_regex\":true},\"model\":{\"type\":\"BPE\",\"dropout\":null,"
                + "\"unk_token\":null,\"continuing_subword_prefix\":null,\"end_of_word_suffix\":null,"
                + "\"fuse_unk\":false,\"byte_fallback\":false,\"ignore_merges\":false,"
                + "\"vocab\":{\"a\":0,\"b\":1,\"\u0120\":2,\"ab\":3},\"merges\":[\"a b\"]}}";
    }

    private static void assertRefused(Path file) {
        assertThatThrownBy(() -> TokenizerJson.load(file))
                .isInstanceOf(InvalidInputException.class)
                .hasMessageStartingWith(file + ": ")
                .satisfies(e -> assertThat(e.getMessage().getBytes(UTF_8))
                        .doesNotContain('\n')
                        .hasSizeLessThan(600));
    }
}
