package org.mohawk4j.train.data;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.charset.CoderResult;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;
import java.util.Set;
import org.mohawk4j.InvalidInputException;

/** A file of UTF-8 text, up to 2 GB. */
public record TextFile(Path path) {
    private static final Set<String> COMPRESSED = Set.of("xz", "gz", "bz2", "zst", "zip");
    private static final int LARGEST = Integer.MAX_VALUE - 16;
    private static final char BYTE_ORDER_MARK = '\uFEFF';

    /**
     * The whole text, without a leading byte order mark.
     *
     * @throws InvalidInputException if the file is missing, is a folder, is compressed, is larger than 2 GB, or is not
     *     UTF-8; then the message names the first wrong byte
     */
    public String read() {
        if (!Files.exists(path)) {
            throw new InvalidInputException("text " + path + ": expected a file of UTF-8 text, found nothing there");
        }
        if (!Files.isRegularFile(path)) {
            throw new InvalidInputException("text " + path + ": expected a file of UTF-8 text, found a folder");
        }
        if (!Files.isReadable(path)) {
            throw new InvalidInputException(
                    "text " + path + ": expected a readable file, found one without permission");
        }
        try (InputStream in = open()) {
            return decode(in.readNBytes(LARGEST));
        } catch (IOException e) {
            throw new UncheckedIOException("cannot read text " + path, e);
        }
    }

    /** The one place that knows how a file's bytes become text bytes. */
    private InputStream open() throws IOException {
        String name = path.toString().toLowerCase(Locale.ROOT);
        String suffix = name.substring(name.lastIndexOf('.') + 1);
        if (COMPRESSED.contains(suffix)) {
            throw new InvalidInputException(
                    "text " + path + ": expected plain UTF-8 text, found a ." + suffix + " file; unpack it first");
        }
        if (Files.size(path) > LARGEST) {
            throw new InvalidInputException(
                    "text " + path + ": expected at most " + LARGEST + " bytes, found " + Files.size(path));
        }
        return Files.newInputStream(path);
    }

    private String decode(byte[] bytes) {
        ByteBuffer in = ByteBuffer.wrap(bytes);
        CharBuffer out = CharBuffer.allocate(bytes.length);
        CoderResult result = StandardCharsets.UTF_8.newDecoder().decode(in, out, true);
        if (result.isError()) {
            throw new InvalidInputException(String.format(
                    Locale.ROOT,
                    "text %s: expected UTF-8, found byte 0x%02x at offset %d",
                    path,
                    in.get(in.position()) & 0xff,
                    in.position()));
        }
        out.flip();
        boolean marked = out.hasRemaining() && out.get(0) == BYTE_ORDER_MARK;
        return out.subSequence(marked ? 1 : 0, out.remaining()).toString();
    }
}
