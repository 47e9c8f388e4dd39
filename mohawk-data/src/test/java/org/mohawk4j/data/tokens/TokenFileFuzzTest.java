package org.mohawk4j.data.tokens;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Random;
import org.assertj.core.api.Assertions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.mohawk4j.InvalidInputException;

/** Token files with anything wrong: what comes out is an {@link InvalidInputException} or ids of the vocabulary. */
class TokenFileFuzzTest {
    /** A fifth of the time for all readers together; {@code -Dmohawk.fuzz.seconds=600} for longer. */
    private static final long SECONDS = Long.getLong("mohawk.fuzz.seconds", 5) / 5;

    @TempDir
    private Path folder;

    @Test
    void onlyTheLibrarysOwnExceptionComesOut() throws IOException {
        Random random = new Random(42);
        Path file = folder.resolve("a.tokens");
        long refused = 0;
        long end = System.nanoTime() + SECONDS * 1_000_000_000L;
        while (System.nanoTime() < end) {
            byte[] bytes = mutated(valid(random), random);
            Files.write(file, bytes);
            try {
                readAll(TokenFile.open(file));
            } catch (InvalidInputException e) {
                refused++;
                Assertions.assertThat(e.getMessage().lines()).hasSize(1);
            }
        }
        Assertions.assertThat(refused).isPositive();
    }

    private static void readAll(TokenFile file) {
        for (long chunk = 0; chunk * TokenFile.CHUNK_TOKENS < file.tokens(); chunk++) {
            for (int id : file.chunk(chunk)) {
                Assertions.assertThat(id >= 0 && id < file.vocabularySize()).isTrue();
            }
        }
    }

    private byte[] valid(Random random) throws IOException {
        Path file = folder.resolve("valid.tokens");
        int vocabulary = random.nextBoolean() ? 2 + random.nextInt(60_000) : 70_000 + random.nextInt(1 << 30);
        int[] ids = random.ints(random.nextInt(60), 0, vocabulary).toArray();
        if (ids.length > 0) {
            ids[ids.length - 1] = 1;
        }
        try (TokenFileWriter writer =
                new TokenFileWriter(file, new TokenVocabulary(vocabulary, 1, TokenFile.UNKNOWN_TOKENIZER))) {
            writer.write(ids, 0, ids.length);
            writer.commit();
        }
        return Files.readAllBytes(file);
    }

    /** Changes bytes, fields or the length, and then often makes the checksums right, so that the rest is read too. */
    private static byte[] mutated(byte[] whole, Random random) {
        ByteBuffer bytes = ByteBuffer.wrap(whole).order(ByteOrder.LITTLE_ENDIAN);
        for (int i = random.nextInt(4); i >= 0; i--) {
            switch (random.nextInt(4)) {
                case 0 -> whole[random.nextInt(whole.length)] = (byte) random.nextInt();
                case 1 -> bytes.putInt(4 * random.nextInt(whole.length / 4), interesting(random));
                case 2 -> bytes.putLong(16, interesting(random) * (random.nextBoolean() ? 1L : 1L << 32));
                default -> bytes.putInt(24 + 4 * random.nextInt(2), interesting(random));
            }
        }
        int length = random.nextInt(3) > 0 ? whole.length : random.nextInt(whole.length + 8);
        byte[] cut = Arrays.copyOf(whole, length);
        if (random.nextBoolean() && length >= TokenFileHeader.BYTES) {
            repair(ByteBuffer.wrap(cut).order(ByteOrder.LITTLE_ENDIAN));
        }
        return cut;
    }

    private static void repair(ByteBuffer bytes) {
        int table = bytes.capacity() / 4 * 4 - 4;
        long tokens = bytes.getLong(16);
        int width = bytes.getInt(12);
        if (table >= 80 && tokens > 0 && (width == 2 || width == 4) && tokens <= (table - 80) / width) {
            ByteBuffer ids = bytes.duplicate().position(80).limit(80 + (int) tokens * width);
            bytes.putInt(table, TokenFileHeader.crc32c(ids));
            bytes.putInt(
                    32, TokenFileHeader.crc32c(bytes.duplicate().position(table).limit(table + 4)));
        }
        bytes.putInt(76, TokenFileHeader.crc32c(bytes.duplicate().position(0).limit(76)));
    }

    private static int interesting(Random random) {
        int[] values = {0, 1, -1, 2, 4, 8, 65_535, 65_536, Integer.MAX_VALUE, Integer.MIN_VALUE, random.nextInt()};
        return values[random.nextInt(values.length)];
    }
}
