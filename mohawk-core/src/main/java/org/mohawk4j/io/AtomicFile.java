package org.mohawk4j.io;

import java.io.Closeable;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.UUID;
import org.mohawk4j.InvalidInputException;
import org.mohawk4j.StorageException;

/**
 * A file that appears under its name whole or not at all: written beside it, flushed to disk, then renamed. What was
 * under that name before stays until then; closed without a commit, nothing is left behind.
 */
public final class AtomicFile implements Closeable {
    private final Path target;
    private final Path temporary;
    private final FileChannel channel;

    /**
     * Starts a file.
     *
     * @throws InvalidInputException if its folder is missing or not writable, or its name is taken by a folder
     * @throws StorageException if the disk refuses
     */
    public AtomicFile(Path target) {
        if (Files.isDirectory(target)) {
            throw new InvalidInputException(target + ": expected a file to write, found a folder");
        }
        this.target = target;
        this.temporary = target.resolveSibling("." + target.getFileName() + "." + UUID.randomUUID() + ".tmp");
        try {
            this.channel = FileChannel.open(temporary, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE);
        } catch (IOException e) {
            throw InputFile.unwritable(target, e);
        }
    }

    /**
     * Writes a whole file.
     *
     * @throws StorageException if the disk refuses
     */
    public static void write(Path target, byte[] bytes) {
        try (AtomicFile file = new AtomicFile(target)) {
            file.write(ByteBuffer.wrap(bytes), 0);
            file.commit();
        }
    }

    public Path target() {
        return target;
    }

    public boolean isOpen() {
        return channel.isOpen();
    }

    /**
     * Writes all remaining bytes at a position, which may be beyond what was written so far.
     *
     * @throws StorageException if the disk refuses
     */
    public void write(ByteBuffer bytes, long position) {
        try {
            long at = position;
            while (bytes.hasRemaining()) {
                at += channel.write(bytes, at);
            }
        } catch (IOException e) {
            throw InputFile.unwritable(target, e);
        }
    }

    /**
     * Flushes what was written to disk: a disk that is full may say so only now.
     *
     * @throws StorageException if the disk refuses
     */
    public void flush() {
        try {
            channel.force(true);
        } catch (IOException e) {
            throw InputFile.unwritable(target, e);
        }
    }

    /**
     * Flushes the file to disk and gives it its name.
     *
     * @throws StorageException if the disk refuses
     */
    public void commit() {
        flush();
        try {
            channel.close();
            Files.move(temporary, target, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
        } catch (IOException e) {
            throw InputFile.unwritable(target, e);
        }
    }

    /** Deletes the temporary file if there still is one. */
    @Override
    public void close() {
        try {
            channel.close();
            Files.deleteIfExists(temporary);
        } catch (IOException e) {
            throw InputFile.unwritable(target, e);
        }
    }
}
