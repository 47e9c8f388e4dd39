package org.mohawk4j.data;

import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import org.mohawk4j.InvalidInputException;
import org.mohawk4j.data.file.Compression;
import org.mohawk4j.io.InputFile;
import org.mohawk4j.io.Utf8;

/** A file of UTF-8 text, plain or packed as {@code .gz}, {@code .xz} or {@code .zst}, up to 2 GB unpacked. */
public record TextFile(Path path) {
    private static final int LARGEST = Integer.MAX_VALUE - 16;

    /**
     * The whole text, without a leading byte order mark.
     *
     * @throws InvalidInputException if the file is missing, is a folder, cannot be unpacked, is larger than 2 GB, or is
     *     not UTF-8; then the message names the first wrong byte
     */
    public String read() {
        if (!Files.isRegularFile(path)) {
            throw new InvalidInputException(
                    "text " + path + ": expected a file of UTF-8 text, found " + InputFile.whatIsAt(path));
        }
        if (!Files.isReadable(path)) {
            throw new InvalidInputException(
                    "text " + path + ": expected a readable file, found one without permission");
        }
        InputFile.requireRegular(path);
        Compression compression = Compression.of(path);
        try (InputStream in = compression.open(path)) {
            byte[] bytes = in.readNBytes(LARGEST);
            if (bytes.length == LARGEST && in.read() >= 0) {
                throw new InvalidInputException(
                        "text " + path + ": expected at most " + LARGEST + " bytes, found more");
            }
            return Utf8.decode(ByteBuffer.wrap(bytes), 0, "text " + path);
        } catch (IOException e) {
            throw compression.refusal(path, e);
        }
    }
}
