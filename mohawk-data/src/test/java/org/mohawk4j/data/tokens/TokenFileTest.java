package org.mohawk4j.data.tokens;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Random;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.mohawk4j.InvalidInputException;

class TokenFileTest {
    private static final String TOKENIZER = "0123456789abcdef".repeat(4);

    @TempDir
    private Path folder;

    private Path write(int vocabulary, int... ids) {
        Path file = folder.resolve("a.tokens");
        try (TokenFileWriter writer = new TokenFileWriter(file, new TokenVocabulary(vocabulary, 1, TOKENIZER))) {
            writer.write(ids, 0, ids.length);
            writer.commit();
        }
        return file;
    }

    private static int[] ids(int count, int vocabulary) {
        int[] ids = new Random(count).ints(count, 0, vocabulary).toArray();
        if (count > 0) {
            ids[count - 1] = 1;
        }
        return ids;
    }

    private static int[] readAll(TokenFile file) {
        return IntStream.range(0, (int) ((file.tokens() + TokenFile.CHUNK_TOKENS - 1) / TokenFile.CHUNK_TOKENS))
                .flatMap(chunk -> Arrays.stream(file.chunk(chunk)))
                .toArray();
    }

    @ParameterizedTest
    @CsvSource({"0,10", "1,10", "7,65536", "65536,65536", "65537,51200", "200001,65537", "131072,2147483647"})
    void whatIsWrittenIsRead(int count, int vocabulary) throws IOException {
        int[] ids = ids(count, vocabulary);

        Path path = write(vocabulary, ids);
        TokenFile file = TokenFile.open(path);

        assertThat(readAll(file)).isEqualTo(ids);
        assertThat(file.tokens()).isEqualTo(count);
        assertThat(file.vocabularySize()).isEqualTo(vocabulary);
        assertThat(file.endOfText()).isEqualTo(1);
        assertThat(file.tokenizer()).isEqualTo(TOKENIZER);
        int width = vocabulary <= 65536 ? 2 : 4;
        assertThat(Files.size(path)).isEqualTo((80 + (long) width * count + 3) / 4 * 4 + (count + 65535) / 65536 * 4L);
    }

    @Test
    void theLayoutIsTheOneThatIsDocumented() throws IOException {
        ByteBuffer bytes =
                ByteBuffer.wrap(Files.readAllBytes(write(300, 5, 299, 1))).order(ByteOrder.LITTLE_ENDIAN);

        assertThat(Arrays.copyOf(bytes.array(), 8))
                .isEqualTo(new byte[] {(byte) 0x89, 'M', 'H', 'T', 'O', 'K', 'E', 'N'});
        assertThat(bytes.getInt(8)).as("version").isEqualTo(1);
        assertThat(bytes.getInt(12)).as("bytes per token").isEqualTo(2);
        assertThat(bytes.getLong(16)).as("tokens").isEqualTo(3);
        assertThat(bytes.getInt(24)).as("vocabulary").isEqualTo(300);
        assertThat(bytes.getInt(28)).as("end of text").isEqualTo(1);
        assertThat(bytes.get(36)).as("tokenizer").isEqualTo((byte) 0x01);
        assertThat(bytes.get(67)).as("tokenizer").isEqualTo((byte) 0xef);
        assertThat(bytes.getLong(68)).as("reserved").isZero();
        assertThat(new short[] {bytes.getShort(80), bytes.getShort(82), bytes.getShort(84)})
                .containsExactly(5, 299, 1);
        assertThat(bytes.capacity()).isEqualTo(80 + 3 * 2 + 2 + 4);
    }

    @Test
    void everyFlippedBitIsFound() throws IOException {
        byte[] whole = Files.readAllBytes(write(300, ids(33, 300)));
        for (int bit = 0; bit < 8 * whole.length; bit++) {
            byte[] damaged = whole.clone();
            damaged[bit / 8] ^= (byte) (1 << bit % 8);
            Path file = Files.write(folder.resolve("damaged.tokens"), damaged);

            assertThatThrownBy(() -> readAll(TokenFile.open(file)))
                    .as("byte %d", bit / 8)
                    .isInstanceOf(InvalidInputException.class)
                    .hasMessageStartingWith(file.toString());
        }
    }

    @Test
    void everyOtherLengthIsRefused() throws IOException {
        byte[] whole = Files.readAllBytes(write(300, ids(33, 300)));
        for (int length = 0; length < whole.length + 9; length++) {
            Path file = Files.write(folder.resolve("cut.tokens"), Arrays.copyOf(whole, length));
            if (length != whole.length) {
                assertThatThrownBy(() -> TokenFile.open(file))
                        .isInstanceOf(InvalidInputException.class)
                        .hasMessageStartingWith(file.toString());
            }
        }
    }

    @Test
    void anIdOutsideTheVocabularyIsNamedWithItsPlace() throws IOException {
        Path file = write(65536, ids(70_000, 300));
        ByteBuffer bytes = ByteBuffer.wrap(Files.readAllBytes(file)).order(ByteOrder.LITTLE_ENDIAN);
        // A file whose checksums are right and whose vocabulary is not: 250 in place of 65536.
        bytes.putInt(24, 250)
                .putInt(76, TokenFileHeader.crc32c(bytes.duplicate().position(0).limit(76)));
        Files.write(file, bytes.array());

        assertThatThrownBy(() -> readAll(TokenFile.open(file)))
                .isInstanceOf(InvalidInputException.class)
                .hasMessageMatching(".*a\\.tokens: expected token ids from 0 to 249, found 2\\d\\d at token \\d+");
    }

    @Test
    void aFileEndsWithADocument() throws IOException {
        assertThatThrownBy(() -> write(10, 1, 2)).isInstanceOf(IllegalStateException.class);
        Path file = write(10, 2, 1);
        ByteBuffer bytes = ByteBuffer.wrap(Files.readAllBytes(file)).order(ByteOrder.LITTLE_ENDIAN);
        // a file whose checksums are right and whose end-of-text token is another
        bytes.putInt(28, 2)
                .putInt(76, TokenFileHeader.crc32c(bytes.duplicate().position(0).limit(76)));
        Files.write(file, bytes.array());

        assertThatThrownBy(() -> TokenFile.open(file))
                .isInstanceOf(InvalidInputException.class)
                .hasMessage(file + ": expected the end-of-text token 2 as its last id, found 1");
    }

    @Test
    void aWriterThatIsNotCommittedLeavesNothing() throws IOException {
        try (TokenFileWriter writer =
                new TokenFileWriter(folder.resolve("b.tokens"), new TokenVocabulary(10, 1, TOKENIZER))) {
            writer.write(new int[] {1, 2, 3}, 0, 3);
            assertThat(writer.tokens()).isEqualTo(3);
            assertThatThrownBy(() -> writer.write(new int[] {10}, 0, 1)).isInstanceOf(IllegalArgumentException.class);
        }
        try (Stream<Path> left = Files.list(folder)) {
            assertThat(left).isEmpty();
        }
    }

    @Test
    void whatIsNoTokenFileIsRefused() throws IOException {
        Path text = Files.writeString(folder.resolve("text.tokens"), "It was a dark and stormy night; ".repeat(9));

        assertThatThrownBy(() -> TokenFile.open(text))
                .isInstanceOf(InvalidInputException.class)
                .hasMessage(text + ": expected a token file, found something else");
        assertThatThrownBy(() -> TokenFile.open(folder))
                .isInstanceOf(InvalidInputException.class)
                .hasMessageContaining("found a folder");
        assertThatThrownBy(() -> TokenFile.open(folder.resolve("none")))
                .isInstanceOf(InvalidInputException.class)
                .hasMessageContaining("it does not exist");
    }
}
