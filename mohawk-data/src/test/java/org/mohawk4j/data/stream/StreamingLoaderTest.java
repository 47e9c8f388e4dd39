package org.mohawk4j.data.stream;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.zip.GZIPOutputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.mohawk4j.InvalidInputException;
import org.mohawk4j.data.DataLoader;
import org.mohawk4j.data.TokenBatch;
import org.mohawk4j.data.source.Encoding;
import org.mohawk4j.data.source.Mixture;
import org.mohawk4j.data.tokens.TokenFile;
import org.mohawk4j.data.tokens.TokenFileWriter;
import org.mohawk4j.data.tokens.TokenVocabulary;

/** Streams of texts in which every character occurs once and is its own id; 0 ends a document. */
class StreamingLoaderTest {
    private static final Encoding LETTERS =
            new Encoding(text -> text.chars().toArray(), 0, 1 << 16, "text", TokenFile.UNKNOWN_TOKENIZER);
    private static final int CONTEXT = 4;

    @TempDir
    private Path folder;

    private char next = 0x4e00;

    /** A document of so many characters that no other document has. */
    private String document(int length) {
        StringBuilder text = new StringBuilder();
        for (int i = 0; i < length; i++) {
            text.append(next++);
        }
        return text.toString();
    }

    private static String json(String text) {
        return "{\"text\":\"" + text + "\"}\n";
    }

    private Path write(String name, String content) throws IOException {
        Path file = folder.resolve(name);
        Files.createDirectories(file.getParent());
        byte[] bytes = content.getBytes(StandardCharsets.UTF_8);
        if (name.endsWith(".gz")) {
            try (OutputStream out = new GZIPOutputStream(Files.newOutputStream(file))) {
                out.write(bytes);
            }
        } else {
            Files.write(file, bytes);
        }
        return file;
    }

    /** Writes a file whose last id becomes the end of a document. */
    private void writeTokens(String name, int... ids) {
        ids[ids.length - 1] = 0;
        try (TokenFileWriter writer = new TokenFileWriter(
                folder.resolve(name), new TokenVocabulary(1 << 16, 0, TokenFile.UNKNOWN_TOKENIZER))) {
            writer.write(ids, 0, ids.length);
            writer.commit();
        }
    }

    /** 39 tokens in four files of all kinds, one of them empty. */
    private Mixture tiny() throws IOException {
        write("tiny/a.txt", document(9));
        write("tiny/b.jsonl", json(document(1)) + json(document(6)) + json(document(2)));
        write("tiny/c.json.gz", json(document(4)) + json(document(5)));
        write("tiny/d.txt", "");
        writeTokens(
                "tiny/e.tokens",
                (document(3) + "\0" + document(1) + "\0").chars().toArray());
        return new Mixture(List.of(folder.resolve("tiny").toString()));
    }

    private static DataLoader open(Mixture mixture, int readers, int shuffle, int batch) {
        return StreamingDataset.of(mixture, LETTERS, new StreamOptions(readers, shuffle))
                .batches(CONTEXT, batch, 7);
    }

    private static List<String> windows(DataLoader stream, int batches) {
        List<String> windows = new ArrayList<>();
        for (int i = 0; i < batches; i++) {
            TokenBatch batch = stream.next();
            for (int b = 0; b < batch.batch(); b++) {
                windows.add(text(batch.inputs(), b * batch.context(), batch.context())
                        + text(batch.targets(), (b + 1) * batch.context() - 1, 1));
            }
        }
        return windows;
    }

    private static String text(int[] ids, int from, int count) {
        StringBuilder text = new StringBuilder();
        Arrays.stream(ids, from, from + count).forEach(id -> text.append((char) id));
        return text.toString();
    }

    @Test
    void unshuffledWindowsFollowEachOtherWithoutAGapPassAfterPass() throws IOException {
        Mixture mixture = tiny();
        List<String> windows;
        try (DataLoader stream = open(mixture, 2, 1, 1)) {
            windows = windows(stream, 100);
        }

        StringBuilder all = new StringBuilder(windows.get(0).substring(0, 1));
        for (String window : windows) {
            assertThat(window).startsWith(all.substring(all.length() - 1));
            all.append(window.substring(1));
        }
        List<String> orders = new ArrayList<>();
        for (int pass = 0; pass < 10; pass++) {
            String one = all.substring(39 * pass, 39 * (pass + 1));
            orders.add(one);
            assertThat(one).endsWith("\0");
            assertThat(one.split("\0"))
                    .hasSize(8)
                    .extracting(String::length)
                    .containsExactlyInAnyOrder(9, 1, 6, 2, 4, 5, 3, 1);
            assertThat(one.replace("\0", "").chars().distinct().count()).isEqualTo(31);
        }
        assertThat(orders.stream().distinct().count()).as("orders of the files").isGreaterThan(3);
    }

    @ParameterizedTest
    @ValueSource(ints = {2, 3, 5, 100})
    void shuffledWindowsAreTheSameEachExactlyOnce(int shuffle) throws IOException {
        Mixture mixture = tiny();
        try (DataLoader plain = open(mixture, 1, 1, 1);
                DataLoader shuffled = open(mixture, 2, shuffle, 1)) {
            List<String> inOrder = new ArrayList<>();
            List<String> drawn = new ArrayList<>();
            for (int block = 0; block < 12; block++) {
                do {
                    drawn.addAll(windows(shuffled, 1));
                    inOrder.addAll(windows(plain, 1));
                } while (shuffled.state().path("parts").get(0).path("window").intValue() > 0);

                assertThat(drawn).containsExactlyInAnyOrderElementsOf(inOrder);
            }
            assertThat(drawn).isNotEqualTo(inOrder);
            // A block never holds more than one pass of 39 tokens, ten windows.
            assertThat(shuffled.epochs()).isLessThanOrEqualTo(12 * 10 * 4 / 39.0);
        }
    }

    @Test
    void howManyReadersThereAreChangesNothing() throws IOException {
        Mixture mixture = tiny();
        List<String> expected = null;
        for (int readers : new int[] {1, 2, 4}) {
            try (DataLoader stream = open(mixture, readers, 3, 2)) {
                List<String> seen = windows(stream, 60);
                seen.add(stream.state().toString());
                expected = expected == null ? seen : expected;
                assertThat(seen).isEqualTo(expected);
            }
        }
    }

    @Test
    void aStreamGoesOnFromEveryPositionWithAnyNumberOfReaders() throws IOException {
        Mixture mixture = tiny();
        int[] readers = {1, 2, 4};
        try (DataLoader whole = open(mixture, 1, 3, 1)) {
            List<String> expected = windows(whole, 60);
            for (int position = 0; position < 45; position++) {
                ObjectNode state;
                try (DataLoader before = open(mixture, readers[position % 3], 3, 1)) {
                    assertThat(windows(before, position)).isEqualTo(expected.subList(0, position));
                    state = before.state();
                }
                try (DataLoader after = open(mixture, readers[(position + 1) % 3], 3, 1)) {
                    after.restore(state);
                    assertThat(after.state()).isEqualTo(state);
                    assertThat(windows(after, 15))
                            .as("after %d windows, %s", position, state)
                            .isEqualTo(expected.subList(position, position + 15));
                }
            }
        }
    }

    @Test
    void aRunThatIsInterruptedAtEveryStepDeliversEachWindowOnce() throws IOException {
        Mixture mixture = tiny();
        List<String> expected;
        double epochs;
        try (DataLoader whole = open(mixture, 1, 5, 1)) {
            expected = windows(whole, 40);
            epochs = whole.epochs();
        }
        List<String> seen = new ArrayList<>();
        ObjectNode state = null;
        for (int step = 0; step < 40; step++) {
            try (DataLoader stream = open(mixture, 1 + step % 4, 5, 1)) {
                if (state != null) {
                    stream.restore(state);
                }
                seen.addAll(windows(stream, 1));
                state = stream.state();
                if (step == 39) {
                    assertThat(stream.epochs()).isEqualTo(epochs);
                }
            }
        }
        assertThat(seen).isEqualTo(expected);
    }

    @Test
    void longDocumentsAndTokenFilesAreGoneOnWithInTheMiddle() throws IOException {
        int[] ids = new int[200_000];
        StringBuilder text = new StringBuilder();
        for (int i = 0; i < ids.length; i++) {
            ids[i] = 1 + (i * 31) % 60_000;
            text.append((char) (0x3400 + i % 40_000)).append(i % 9 == 0 ? " x y" : "");
        }
        write("long/a.txt", text.toString().replaceAll("[\\ud800-\\udfff]", "q"));
        writeTokens("long/b.tokens", ids);
        Mixture mixture = new Mixture(List.of(folder.resolve("long").toString()));
        StreamingDataset corpus = StreamingDataset.of(mixture, LETTERS, new StreamOptions(2, 8));
        List<ObjectNode> states = new ArrayList<>();
        List<String> expected;
        try (DataLoader whole = corpus.batches(5_000, 1, 3)) {
            expected = new ArrayList<>();
            for (int i = 0; i < 200; i++) {
                states.add(whole.state());
                expected.addAll(windows(whole, 1));
            }
            assertThat(whole.epochs()).isBetween(1.5, 2.5);
        }
        for (int from = 0; from < 195; from += 13) {
            try (DataLoader after = corpus.batches(5_000, 1, 99)) {
                after.restore(states.get(from));
                assertThat(windows(after, 5)).isEqualTo(expected.subList(from, from + 5));
            }
        }
    }

    @Test
    void aMixtureHasItsSharesAtEveryMoment() throws IOException {
        String a = write("a.txt", document(40)).toString();
        String b = write("b.jsonl", json(document(30))).toString();
        String c = write("c.txt", document(7)).toString();
        Mixture mixture = new Mixture(List.of(a + "=5", b + "=3", c + "=2"));
        double[] served = new double[3];
        try (DataLoader stream = open(mixture, 2, 4, 1)) {
            for (int n = 1; n <= 300; n++) {
                TokenBatch batch = stream.next();
                served[batch.origin().contains("a.txt") ? 0 : batch.origin().contains("b.jsonl") ? 1 : 2]++;
                assertThat(served[0]).isBetween(0.5 * n - 1, 0.5 * n + 1);
                assertThat(served[1]).isBetween(0.3 * n - 1, 0.3 * n + 1);
                assertThat(served[2]).isBetween(0.2 * n - 1, 0.2 * n + 1);
            }
            ObjectNode state = stream.state();
            List<String> expected = windows(stream, 30);
            try (DataLoader again = open(mixture, 4, 4, 1)) {
                again.restore(state);
                assertThat(windows(again, 30)).isEqualTo(expected);
            }
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 4})
    void whatIsWrongWithAFileIsSaidInItsTurn(int readers) throws IOException {
        write("a.jsonl", json(document(40)) + "{\"text\":3}\n" + json(document(40)));
        Mixture mixture = new Mixture(List.of(folder.resolve("a.jsonl").toString()));

        try (DataLoader stream = open(mixture, readers, 4, 1)) {
            for (int i = 0; i < 2; i++) {
                assertThatThrownBy(stream::next)
                        .isInstanceOf(InvalidInputException.class)
                        .hasMessageContaining("a.jsonl, line 2: expected a text in 'text', found a number");
            }
        }
    }

    @Test
    void textsWithoutAnyTextAreRefused() throws IOException {
        write("none/a.txt", "");
        write("none/b.jsonl", "\n\n");
        Mixture mixture = new Mixture(List.of(folder.resolve("none").toString()));

        try (DataLoader stream = open(mixture, 2, 4, 1)) {
            assertThatThrownBy(stream::next)
                    .isInstanceOf(InvalidInputException.class)
                    .hasMessageContaining("expected some text");
        }
    }

    @Test
    void aTextOfOneTokenIsEnough() throws IOException {
        write("one.jsonl", json("x"));
        Mixture mixture = new Mixture(List.of(folder.resolve("one.jsonl").toString()));

        try (DataLoader stream = open(mixture, 2, 3, 2)) {
            assertThat(windows(stream, 3)).allMatch(window -> window.matches("(x\0){2}x|(\0x){2}\0"));
        }
    }

    @Test
    void aStateOfOtherTextsOrSettingsIsRefusedAndChangesNothing() throws IOException {
        Mixture mixture = tiny();
        try (DataLoader stream = open(mixture, 2, 3, 1)) {
            windows(stream, 5);
            ObjectNode state = stream.state();
            for (ObjectNode wrong : List.of(
                    stream.state().put("context", 5),
                    stream.state().put("shuffle", 4),
                    stream.state().put("texts", "other"),
                    stream.state().put("seed", "seven"),
                    stream.state().without("parts"),
                    changed(stream.state(), "file", 5),
                    changed(stream.state(), "token", -1),
                    changed(stream.state(), "window", 3))) {
                assertThatThrownBy(() -> stream.restore(wrong)).isInstanceOf(InvalidInputException.class);
                assertThat(stream.state()).isEqualTo(state);
            }
        }
    }

    private static ObjectNode changed(ObjectNode state, String key, int value) {
        ((ObjectNode) state.path("parts").get(0)).put(key, value);
        return state;
    }

    @Test
    void tokensOfAnotherTokenizerAreRefusedBeforeAnythingIsRead() {
        try (TokenFileWriter writer =
                new TokenFileWriter(folder.resolve("a.tokens"), new TokenVocabulary(300, 0, "ab".repeat(32)))) {
            writer.commit();
        }
        Mixture mixture = new Mixture(List.of(folder.resolve("a.tokens").toString()));

        assertThatThrownBy(() -> open(mixture, 1, 1, 1))
                .isInstanceOf(InvalidInputException.class)
                .hasMessageContaining("expected ids of the tokenizer with SHA-256");
    }
}
