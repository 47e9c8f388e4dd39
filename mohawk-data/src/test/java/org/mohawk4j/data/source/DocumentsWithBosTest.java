package org.mohawk4j.data.source;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.mohawk4j.InvalidInputException;
import org.mohawk4j.data.stream.InMemoryText;
import org.mohawk4j.data.stream.StreamOptions;
import org.mohawk4j.data.stream.StreamingDataset;
import org.mohawk4j.data.tokens.TokenFile;
import org.mohawk4j.data.tokens.TokenFileWriter;
import org.mohawk4j.data.tokens.TokenVocabulary;

/** Documents of one id for each UTF-16 unit, {@code ^} before each and {@code $} behind it. */
class DocumentsWithBosTest {
    private static final Encoding WITH = encoding(OptionalInt.of('^'));
    private static final Encoding WITHOUT = encoding(OptionalInt.empty());

    @TempDir
    private Path folder;

    private static Encoding encoding(OptionalInt bos) {
        return new Encoding(text -> text.chars().toArray(), bos, '$', 1 << 16, "text", TokenFile.UNKNOWN_TOKENIZER);
    }

    private Mixture mixture(String name, String content) throws IOException {
        return new Mixture(
                List.of(Files.writeString(folder.resolve(name), content).toString()));
    }

    private static String read(Mixture mixture, Encoding encoding) {
        int[] ids = InMemoryText.read(mixture, encoding, new StreamOptions(2, 4), Long.MAX_VALUE)
                .toArray();
        return new String(ids, 0, ids.length);
    }

    @Test
    void eachDocumentBeginsWithBos() throws IOException {
        Mixture lines = mixture("a.jsonl", "{\"text\":\"one\"}\n{\"text\":\"\"}\n{\"text\":\"^two\"}\n");

        assertThat(read(lines, WITH)).isEqualTo("^one$^two$");
        assertThat(read(lines, WITHOUT)).isEqualTo("one$^two$");
    }

    @Test
    void aTextFileIsOneDocumentHoweverLong() throws IOException {
        String content = "word ".repeat(200_000);
        Mixture text = mixture("a.txt", content);

        assertThat(read(text, WITH)).isEqualTo("^" + content + "$");
        assertThat(read(text, WITHOUT)).isEqualTo(content + "$");
        assertThat(read(mixture("empty.txt", ""), WITH)).isEmpty();
    }

    @Test
    void preparedTokensSayWhetherTheyHaveIt() {
        Path file = folder.resolve("a.tokens");
        try (TokenFileWriter writer = new TokenFileWriter(
                file, new TokenVocabulary(200, OptionalInt.of('^'), '$', TokenFile.UNKNOWN_TOKENIZER))) {
            writer.write(new int[] {'^', 'a', '$'}, 0, 3);
            writer.commit();
        }
        Mixture tokens = new Mixture(List.of(file.toString()));

        assertThat(TokenFile.open(file).beginOfText()).hasValue('^');
        assertThat(read(tokens, WITH)).isEqualTo("^a$");
        assertThatThrownBy(() -> read(tokens, WITHOUT))
                .isInstanceOf(InvalidInputException.class)
                .hasMessageContaining("expected documents that begin with no BOS token, found BOS token 94");
    }

    @Test
    void aStreamWithBosIsAnotherOne() throws IOException {
        Mixture text = mixture("a.txt", "text");
        StreamOptions options = new StreamOptions(1, 1);

        Optional<?> with = StreamingDataset.of(text, WITH, options).fingerprint();

        assertThat(with)
                .isNotEqualTo(StreamingDataset.of(text, WITHOUT, options).fingerprint());
    }
}
