package org.mohawk4j.data.source;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.zip.GZIPOutputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.mohawk4j.InvalidInputException;
import org.mohawk4j.tokenizer.TokenizerJson;

/** Text and JSON lines as chunks of ids, here one id for each UTF-16 unit and 0 behind a document. */
class ReadersTest {
    private static final Encoding LETTERS = new Encoding(text -> text.chars().toArray(), 0, 1 << 16, "text", "");

    @TempDir
    private Path folder;

    private Shard file(String name, String content) throws IOException {
        Path path = folder.resolve(name);
        if (name.endsWith(".gz")) {
            try (OutputStream out = new GZIPOutputStream(Files.newOutputStream(path))) {
                out.write(content.getBytes(StandardCharsets.UTF_8));
            }
        } else {
            Files.writeString(path, content);
        }
        return ShardFinder.find(path.toString()).get(0);
    }

    private static List<DocumentSpan> chunks(Shard file, ShardPosition from) {
        List<DocumentSpan> chunks = new ArrayList<>();
        try (ShardReader reader = file.open(from, LETTERS)) {
            for (Optional<DocumentSpan> next = reader.next(); next.isPresent(); next = reader.next()) {
                chunks.add(next.get());
            }
        }
        return chunks;
    }

    private static String read(Shard file) {
        return read(file, file.beginning());
    }

    private static String read(Shard file, ShardPosition from) {
        StringBuilder text = new StringBuilder();
        chunks(file, from).forEach(chunk -> Arrays.stream(chunk.tokens()).forEach(id -> text.append((char) id)));
        return text.toString();
    }

    private static String words(int count, String... words) {
        Random random = new Random(count);
        StringBuilder text = new StringBuilder();
        for (int i = 0; i < count; i++) {
            text.append(words[random.nextInt(words.length)]);
        }
        return text.toString();
    }

    @ParameterizedTest
    @CsvSource({"a.txt", "a.txt.gz"})
    void aLongTextIsOneDocumentInPiecesWhicheverItsCharacters(String name) throws IOException {
        String text = words(300_000, "word ", "and\n\n", " Æsop ", "🦊", "日本語", "\t");
        Shard file = file(name, text);

        List<DocumentSpan> chunks = chunks(file, file.beginning());

        assertThat(chunks).hasSizeGreaterThan(5);
        assertThat(read(file)).isEqualTo(text + "\0");
        for (int i = 0; i < chunks.size(); i++) {
            List<DocumentSpan> rest = chunks(file, chunks.get(i).start());
            assertThat(rest).hasSize(chunks.size() - i);
            assertThat(rest.get(0).start()).isEqualTo(chunks.get(i).start());
            assertThat(rest.get(0).tokens()).isEqualTo(chunks.get(i).tokens());
        }
    }

    @Test
    void aTextWithoutASpaceIsCutBetweenCharacters() throws IOException {
        String text = words(200_000, "é", "日", "🦊", "x");

        assertThat(read(file("a.txt", text))).isEqualTo(text + "\0");
    }

    @Test
    void piecesEndBeforeSpacesBehindLetters() throws IOException {
        Shard file = file("a.txt", words(200_000, "some ", "words  ", "here\n", "é "));

        List<DocumentSpan> chunks = chunks(file, file.beginning());

        for (int i = 1; i < chunks.size(); i++) {
            int[] before = chunks.get(i - 1).tokens();
            assertThat((char) chunks.get(i).tokens()[0]).isIn(' ', '\n');
            assertThat(before[before.length - 1]).isBetween((int) '!', (int) '~');
        }
    }

    @Test
    void emptyTextsGiveNothing() throws IOException {
        assertThat(read(file("a.txt", ""))).isEmpty();
        assertThat(read(file("b.txt", "\uFEFF"))).isEmpty();
        assertThat(read(file("a.jsonl", ""))).isEmpty();
        assertThat(read(file("b.jsonl", "\n\n{\"text\":\"\"}\n  \n"))).isEmpty();
    }

    @Test
    void aLongDocumentHasTheSameTokensWhereverItIs() throws IOException {
        TokenizerJson tokenizer = TokenizerJson.load(Path.of(System.getProperty(
                "mohawk.teacher", "../mohawk-train/src/main/resources/org/mohawk4j/train/sample/teacher")));
        Encoding encoding = new Encoding(tokenizer::encode, 0, tokenizer.vocabularySize(), "text", "");
        String text = "It was " + "x\u65e5y".repeat(120_000) + " in the house " + "z".repeat(200_000);

        int[] lines = tokens(file("a.jsonl", "{\"text\":\"" + text + "\"}"), encoding);

        assertThat(Arrays.mismatch(lines, tokens(file("a.txt", text), encoding)))
                .isNegative();
        assertThat(Arrays.mismatch(lines, tokenizer.encode(text)))
                .as("the end-of-text token")
                .isEqualTo(lines.length - 1);
    }

    private static int[] tokens(Shard file, Encoding encoding) {
        try (ShardReader reader = file.open(file.beginning(), encoding)) {
            TokenBuffer all = new TokenBuffer(1 << 10);
            for (Optional<DocumentSpan> next = reader.next(); next.isPresent(); next = reader.next()) {
                all.add(next.get().tokens());
            }
            return all.toArray();
        }
    }

    @ParameterizedTest
    @CsvSource({"a.jsonl", "a.json.gz"})
    void eachLineIsADocument(String name) throws IOException {
        Shard file = file(name, """
                {"text":"one\\n\\u00e9","url":"x"}
                {"url":{"text":[1,{"a":null}]},"text":"two"}\r

                {"text":"🦊"}""");

        assertThat(read(file)).isEqualTo("one\né\0two\0🦊\0");
    }

    @Test
    void manyLinesComeInChunksThatCanBeGoneBackTo() throws IOException {
        StringBuilder lines = new StringBuilder();
        StringBuilder expected = new StringBuilder();
        for (int i = 0; i < 40_000; i++) {
            lines.append("{\"n\":")
                    .append(i)
                    .append(",\"text\":\"line ")
                    .append(i)
                    .append("\"}\n");
            expected.append("line ").append(i).append('\0');
        }
        Shard file = file("a.jsonl", lines.toString());

        assertThat(read(file)).isEqualTo(expected.toString());
        List<DocumentSpan> chunks = chunks(file, file.beginning());
        assertThat(chunks).hasSizeGreaterThan(4);
        for (DocumentSpan chunk : chunks) {
            String rest = read(file, chunk.start());
            assertThat(expected).endsWith(rest);
            assertThat(rest).startsWith("line " + (chunk.start().line() - 1) + "\0");
        }
    }

    /** What is left of a buffer that grew for a long line is longer than a fresh one. */
    @Test
    void chunksOfLongLinesAreTheSameWhereverReadingBegins() throws IOException {
        StringBuilder lines = new StringBuilder();
        for (int thousands : new int[] {600, 430, 150, 400, 1, 300, 700, 2}) {
            lines.append("{\"text\":\"").append("a".repeat(thousands * 1000)).append("\"}\n");
        }
        Shard file = file("a.jsonl", lines.toString());

        List<DocumentSpan> chunks = chunks(file, file.beginning());
        assertThat(chunks).hasSizeGreaterThan(3);
        for (int i = 0; i < chunks.size(); i++) {
            assertThat(chunks(file, chunks.get(i).start()))
                    .extracting(DocumentSpan::start)
                    .isEqualTo(chunks.subList(i, chunks.size()).stream()
                            .map(DocumentSpan::start)
                            .toList());
        }
    }

    /** Columns: a line of JSON, with ' for ", and what is said about it. */
    @ParameterizedTest
    @CsvSource(delimiter = '|', quoteCharacter = '`', textBlock = """
            {'text':'a','text':'b'}    | Duplicate field 'text'
            {'a':1,'b':{'c':1,'c':2}}  | Duplicate field 'c'
            {'a':1}                    | expected a field 'text', found none
            {'text':'a\\ud800b'}        | half a surrogate pair in 'text'
            {'text':null}              | expected a text in 'text', found null
            {'text':['a']}             | expected a text in 'text', found an array
            ['text']                   | expected an object of JSON, found an array
            {'text':'a'}{'text':'b'}   | expected nothing behind the object, found an object
            {'text':'a'                | not valid JSON
            {'text':'a                 | not valid JSON
            text                       | not valid JSON
            {'text':'a',}              | not valid JSON
            """)
    void aLineThatIsNoDocumentIsRefusedByItsNumber(String line, String message) throws IOException {
        Shard file = file("a.jsonl", "{\"text\":\"fine\"}\n" + line.replace('\'', '"') + "\n");

        assertThatThrownBy(() -> read(file))
                .isInstanceOf(InvalidInputException.class)
                .hasMessageStartingWith("text " + file.path() + ", line 2: ")
                .hasMessageContaining(message.replace("'text'\"", "'text'"));
    }

    @Test
    void deepNestingIsRefused() throws IOException {
        String deep = "[".repeat(100_000) + "]".repeat(100_000);

        Shard file = file("a.jsonl", "{\"text\":\"a\",\"b\":" + deep + "}");

        assertThatThrownBy(() -> read(file))
                .isInstanceOf(InvalidInputException.class)
                .hasMessageContaining("depth");
    }

    @Test
    void aLineThatIsTooLongIsRefusedWithoutReadingAllOfIt() throws IOException {
        Shard file = file(
                "a.json.gz",
                "{\"text\":\"fine\"}\n{\"text\":\"" + words(4_000_000, "a ", "long ", "line ", "of ", "noise ")
                        + "\"}");

        assertThatThrownBy(() -> read(file))
                .isInstanceOf(InvalidInputException.class)
                .hasMessage("text " + file.path() + ", line 2: expected at most 16777216 bytes, found more");
    }

    @Test
    void bytesThatAreNotUtf8AreRefusedByTheirPlace() throws IOException {
        Path lines = Files.write(folder.resolve("a.jsonl"), new byte[] {'{', '"', 'a', (byte) 0xe9, '"', '}'});
        Path text = Files.write(folder.resolve("a.txt"), new byte[] {'a', ' ', (byte) 0xc0, (byte) 0x80});

        assertThatThrownBy(() -> read(ShardFinder.find(lines.toString()).get(0)))
                .isInstanceOf(InvalidInputException.class)
                .hasMessage("text " + lines + ", line 1: expected UTF-8, found byte 0xe9 at offset 3");
        assertThatThrownBy(() -> read(ShardFinder.find(text.toString()).get(0)))
                .isInstanceOf(InvalidInputException.class)
                .hasMessage("text " + text + ": expected UTF-8, found byte 0xc0 at offset 2");
    }

    @Test
    void anIdOutsideTheVocabularyIsRefusedByItsPlace() throws IOException {
        Encoding narrow = new Encoding(text -> text.chars().toArray(), 0, 120, "text", "");
        Shard file = file("a.jsonl", "{\"text\":\"a\"}\n{\"text\":\"abz\"}\n");

        try (ShardReader reader = file.open(file.beginning(), narrow)) {
            DocumentSpan chunk = reader.next().orElseThrow();
            assertThatThrownBy(chunk::tokens)
                    .isInstanceOf(InvalidInputException.class)
                    .hasMessage(
                            "text " + file.path()
                                    + ", line 2: expected token ids from 0 to 119, the model's vocabulary, found 122 at token 2");
        }
    }

    @Test
    void aPlaceBehindTheEndIsRefused() throws IOException {
        Shard file = file("a.txt", "short");

        assertThatThrownBy(() -> file.open(new ShardPosition(6, 0), LETTERS))
                .isInstanceOf(InvalidInputException.class)
                .hasMessageContaining("expected text behind byte 6, found its end");
    }
}
