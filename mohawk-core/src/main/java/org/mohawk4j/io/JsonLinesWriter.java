package org.mohawk4j.io;

import java.io.Closeable;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.OpenOption;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import org.mohawk4j.InvalidInputException;

/**
 * A file that grows line by line, each handed to the operating system before {@link #write} returns, so that it can be
 * followed and survives the end of the process. Not for several threads at once.
 */
public final class JsonLinesWriter implements Closeable {
    private final Path file;
    private final FileChannel channel;
    private long length;

    private JsonLinesWriter(Path file, OpenOption creation) throws IOException {
        this.file = file;
        this.channel = FileChannel.open(file, StandardOpenOption.WRITE, creation);
    }

    /** A file that must not exist yet. */
    public static JsonLinesWriter create(Path file) throws IOException {
        return new JsonLinesWriter(file, StandardOpenOption.CREATE_NEW);
    }

    /**
     * A file that goes on after its first bytes; what follows them is cut off.
     *
     * @param length how many bytes stay; 0 makes a file that is missing
     * @throws InvalidInputException if the file is shorter
     */
    public static JsonLinesWriter continued(Path file, long length) throws IOException {
        JsonLinesWriter lines = new JsonLinesWriter(file, StandardOpenOption.CREATE);
        try {
            lines.truncate(length);
            return lines;
        } catch (IOException | RuntimeException e) {
            lines.close();
            throw e;
        }
    }

    /** Appends a line. */
    public void write(String line) {
        ByteBuffer bytes = ByteBuffer.wrap((line + "\n").getBytes(StandardCharsets.UTF_8));
        try {
            while (bytes.hasRemaining()) {
                length += channel.write(bytes, length);
            }
        } catch (IOException e) {
            throw new UncheckedIOException("cannot write " + file + ": " + e.getMessage(), e);
        }
    }

    /** Bytes of all lines. */
    public long length() {
        return length;
    }

    /** Cuts off what follows the first bytes. */
    public void truncate(long bytes) throws IOException {
        long found = channel.size();
        if (found < bytes) {
            throw new InvalidInputException(
                    file + ": expected at least the " + bytes + " bytes that the checkpoint knows, found " + found);
        }
        channel.truncate(bytes);
        length = bytes;
    }

    @Override
    public void close() throws IOException {
        channel.close();
    }
}
