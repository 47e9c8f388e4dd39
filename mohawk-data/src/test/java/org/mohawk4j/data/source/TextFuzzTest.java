package org.mohawk4j.data.source;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.zip.GZIPOutputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.mohawk4j.InvalidInputException;
import org.tukaani.xz.LZMA2Options;
import org.tukaani.xz.XZOutputStream;

/** Texts, JSON lines and packed files with anything wrong: only the library's own exception comes out, in one line. */
class TextFuzzTest {
    /** A tenth of the time for all readers; {@code -Dmohawk.fuzz.seconds=600} for longer. */
    private static final long SECONDS = Long.getLong("mohawk.fuzz.seconds", 20) / 10;

    private static final List<String> PARTS = List.of(
            "{",
            "}",
            "[",
            "]",
            ":",
            ",",
            "\"text\"",
            "\"\\ud800\"",
            "\"a b\"",
            "\n",
            "1e999999",
            "null",
            "\\",
            "\u0000",
            "\uFEFF",
            "🦊",
            "{\"text\":\"fine\"}\n",
            "{\"text\":\"fine\",\"n\":[1,{\"a\":2}]}\n");

    private static final Encoding LETTERS = new Encoding(text -> text.chars().toArray(), 0, 1 << 16, "text", "");

    @TempDir
    private Path folder;

    @Test
    void onlyTheLibrarysOwnExceptionComesOut() throws IOException {
        Random random = new Random(42);
        int refused = 0;
        int read = 0;
        long end = System.nanoTime() + SECONDS * 1_000_000_000L;
        while (System.nanoTime() < end) {
            String name = List.of("a.txt", "a.jsonl", "a.jsonl.gz", "a.jsonl.xz", "a.txt.gz", "a.txt.xz")
                    .get(random.nextInt(6));
            Path file = Files.write(folder.resolve(name), mutated(packed(name, content(random)), random));
            try {
                readAll(file);
                read++;
            } catch (InvalidInputException e) {
                refused++;
                assertThat(e.getMessage().lines()).hasSize(1);
            }
        }
        assertThat(refused).isPositive();
        assertThat(read).isPositive();
    }

    private static void readAll(Path file) {
        Shard source = ShardFinder.find(file.toString()).get(0);
        try (ShardReader reader = source.open(source.beginning(), LETTERS)) {
            for (Optional<DocumentSpan> next = reader.next(); next.isPresent(); next = reader.next()) {
                assertThat(next.get().tokens()).isNotNull();
            }
        }
    }

    private static byte[] content(Random random) {
        StringBuilder text = new StringBuilder();
        for (int i = random.nextInt(30); i > 0; i--) {
            text.append(PARTS.get(random.nextInt(2) == 0 ? PARTS.size() - 1 : random.nextInt(PARTS.size())));
        }
        return text.toString().getBytes(StandardCharsets.UTF_8);
    }

    private static byte[] packed(String name, byte[] bytes) throws IOException {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        try (OutputStream packing = name.endsWith(".gz")
                ? new GZIPOutputStream(out)
                : name.endsWith(".xz") ? new XZOutputStream(out, new LZMA2Options(0)) : out) {
            packing.write(bytes);
        }
        return out.toByteArray();
    }

    private static byte[] mutated(byte[] whole, Random random) {
        int length = random.nextInt(4) > 0 ? whole.length : random.nextInt(whole.length + 8);
        byte[] changed = Arrays.copyOf(whole, length);
        for (int i = random.nextInt(3); i > 0 && length > 0; i--) {
            changed[random.nextInt(length)] = (byte) random.nextInt();
        }
        return changed;
    }
}
