package org.mohawk4j.data.file;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.github.luben.zstd.ZstdOutputStream;
import java.io.ByteArrayOutputStream;
import java.io.File;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Map;
import java.util.Random;
import java.util.stream.Collectors;
import java.util.zip.CRC32;
import java.util.zip.GZIPOutputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.mohawk4j.InvalidInputException;
import org.mohawk4j.data.TextFile;
import org.tukaani.xz.LZMA2Options;
import org.tukaani.xz.XZOutputStream;

class CompressionTest {
    private static final String TEXT = "It was a dark and stormy night; ".repeat(20) + "Æsop 🦊\n";

    @TempDir
    private Path folder;

    private static byte[] packed(Compression compression, byte[] bytes) throws IOException {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        try (OutputStream packing = switch (compression) {
            case NONE -> out;
            case GZIP -> new GZIPOutputStream(out);
            case XZ -> new XZOutputStream(out, new LZMA2Options(1));
            case ZSTD -> new ZstdOutputStream(out).setChecksum(true);
        }) {
            packing.write(bytes);
        }
        return out.toByteArray();
    }

    private static byte[] packed(Compression compression) throws IOException {
        return packed(compression, TEXT.getBytes(StandardCharsets.UTF_8));
    }

    private Path write(Compression compression, byte[] bytes) throws IOException {
        return Files.write(
                folder.resolve("a.txt"
                        + Map.of(Compression.GZIP, ".gz", Compression.XZ, ".xz", Compression.ZSTD, ".zst")
                                .get(compression)),
                bytes);
    }

    private static byte[] joined(byte[] first, byte... second) {
        byte[] both = Arrays.copyOf(first, first.length + second.length);
        System.arraycopy(second, 0, both, first.length, second.length);
        return both;
    }

    @ParameterizedTest
    @EnumSource(names = {"GZIP", "XZ", "ZSTD"})
    void aPackedTextReadsLikeAPlainOne(Compression compression) throws IOException {
        assertThat(new TextFile(write(compression, packed(compression))).read()).isEqualTo(TEXT);
    }

    @ParameterizedTest
    @EnumSource(names = {"GZIP", "XZ", "ZSTD"})
    void filesPackedOneAfterAnotherAreOneText(Compression compression) throws IOException {
        byte[] empty = packed(compression, new byte[0]);
        byte[] all = joined(joined(packed(compression), empty), packed(compression));

        assertThat(new TextFile(write(compression, all)).read()).isEqualTo(TEXT + TEXT);
    }

    @ParameterizedTest
    @EnumSource(names = {"GZIP", "XZ", "ZSTD"})
    void aFileCutOffAnywhereIsRefused(Compression compression) throws IOException {
        byte[] whole = packed(compression);
        for (int length = 0; length < whole.length; length++) {
            Path cut = write(compression, Arrays.copyOf(whole, length));

            assertThatThrownBy(() -> new TextFile(cut).read())
                    .as("the first %d of %d bytes", length, whole.length)
                    .isInstanceOf(InvalidInputException.class)
                    .hasMessageStartingWith(cut + ": expected a whole");
        }
    }

    @ParameterizedTest
    @EnumSource(names = {"GZIP", "XZ", "ZSTD"})
    void anythingBehindThePackedDataIsRefused(Compression compression) throws IOException {
        for (int more : new int[] {1, 2, 3, 8, 20, 30, 1000}) {
            byte[] garbage = new byte[more];
            new Random(more).nextBytes(garbage);
            garbage[0] = 'x';
            Path file = write(compression, joined(packed(compression), garbage));

            assertThatThrownBy(() -> new TextFile(file).read())
                    .as("%d more bytes", more)
                    .isInstanceOf(InvalidInputException.class)
                    .hasMessageStartingWith(file + ": expected a whole");
        }
    }

    @ParameterizedTest
    @EnumSource(names = {"GZIP", "XZ", "ZSTD"})
    void aDamagedFileNeverReadsAsAnotherText(Compression compression) throws IOException {
        byte[] whole = packed(compression);
        int refused = 0;
        for (int bit = 0; bit < 8 * whole.length; bit++) {
            byte[] damaged = whole.clone();
            damaged[bit / 8] ^= (byte) (1 << bit % 8);
            Path file = write(compression, damaged);
            try {
                // time, system and such in the header of a gzip file change nothing
                assertThat(new TextFile(file).read()).isEqualTo(TEXT);
            } catch (InvalidInputException e) {
                refused++;
            }
        }
        assertThat(refused).isGreaterThan(8 * whole.length - 8 * 8);
    }

    @ParameterizedTest
    @EnumSource(names = {"GZIP", "XZ", "ZSTD"})
    void aBombIsRefusedBeforeItIsLarge(Compression compression) throws IOException {
        Path file = write(compression, bomb(compression));
        long given = 0;
        byte[] buffer = new byte[1 << 16];

        try (InputStream in = compression.open(file)) {
            while (true) {
                given += in.read(buffer);
            }
        } catch (IOException e) {
            assertThat(e).hasMessageContaining("unpacks to more than 200 times its size");
        }
        assertThat(given).isBetween(ExpansionLimit.FREE_BYTES - buffer.length, ExpansionLimit.FREE_BYTES);
    }

    private static byte[] bomb(Compression compression) throws IOException {
        return packed(compression, new byte[(int) ExpansionLimit.FREE_BYTES + (1 << 20)]);
    }

    @Test
    void xzThatNeedsTooMuchMemoryIsRefused() throws IOException {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        try (XZOutputStream packing = new XZOutputStream(out, new LZMA2Options(0))) {
            packing.write(1);
        }
        byte[] whole = out.toByteArray();
        // The block header's LZMA2 filter has the size of the dictionary in one byte: 34 is 512 MiB; its CRC32 follows.
        whole[16] = 34;
        CRC32 crc = new CRC32();
        crc.update(whole, 12, 8);
        for (int i = 0; i < 4; i++) {
            whole[20 + i] = (byte) (crc.getValue() >>> (8 * i));
        }
        Path file = write(Compression.XZ, whole);

        assertThatThrownBy(() -> new TextFile(file).read())
                .isInstanceOf(InvalidInputException.class)
                .hasMessageContaining("KiB of memory, more than");
    }

    @Test
    void withoutItsLibraryZstdIsRefusedWithWhatBringsIt() throws IOException, InterruptedException {
        String withoutLibrary = Arrays.stream(
                        System.getProperty("java.class.path").split(File.pathSeparator))
                .filter(entry -> !entry.contains("zstd-jni"))
                .collect(Collectors.joining(File.pathSeparator));
        Process process = new ProcessBuilder(
                        ProcessHandle.current().info().command().orElse("java"),
                        "-cp",
                        withoutLibrary,
                        Reading.class.getName(),
                        write(Compression.ZSTD, packed(Compression.ZSTD)).toString())
                .start();

        assertThat(new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8))
                .isEqualTo(
                        folder.resolve("a.txt.zst") + ": expected zstd-jni on the class path to read .zst with, found"
                                + " none; build with MOHAWK_MAVEN_ARGS=-Pzstd");
    }

    /** Prints why a file is refused. */
    static final class Reading {
        private Reading() {}

        public static void main(String[] args) {
            try {
                System.out.print(new TextFile(Path.of(args[0])).read());
            } catch (InvalidInputException e) {
                System.out.print(e.getMessage());
            }
        }
    }

    @Test
    void otherArchivesAreToBeUnpackedFirst() {
        assertThatThrownBy(() -> Compression.of(Path.of("text.bz2")))
                .isInstanceOf(InvalidInputException.class)
                .hasMessage(
                        "text text.bz2: expected text, plain or as .gz, .xz or .zst, found a .bz2 file; unpack it first");
    }
}
