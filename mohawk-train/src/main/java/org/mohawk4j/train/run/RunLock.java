package org.mohawk4j.train.run;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.OverlappingFileLockException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import org.jspecify.annotations.Nullable;
import org.mohawk4j.InvalidInputException;
import org.mohawk4j.io.InputFile;

/**
 * Keeps a second writer out of a run folder. The system takes the lock back when its process ends, however it ends; the
 * file stays, with the last holder in it.
 */
public final class RunLock implements AutoCloseable {
    private final FileChannel channel;

    private RunLock(FileChannel channel) {
        this.channel = channel;
    }

    /**
     * Locks or refuses; never waits.
     *
     * @param folder for messages
     * @param file the lock, in a folder that exists
     * @throws InvalidInputException naming the process that holds the lock
     */
    public static RunLock acquire(Path folder, Path file) {
        boolean isNew = !Files.exists(file);
        try {
            FileChannel channel = FileChannel.open(
                    file, StandardOpenOption.CREATE, StandardOpenOption.READ, StandardOpenOption.WRITE);
            if (!tryLock(channel)) {
                channel.close();
                throw new InvalidInputException("run " + folder + ": expected no other writer, found "
                        + Files.readString(file).strip());
            }
            name(channel, file, isNew);
            return new RunLock(channel);
        } catch (IOException e) {
            throw InputFile.unwritable(file, e);
        }
    }

    /** Writes who holds the lock. A full disk has no room even for that; nothing is left then. */
    private static void name(FileChannel channel, Path file, boolean isNew) throws IOException {
        try {
            String holder = "process " + ProcessHandle.current().pid() + " since "
                    + Instant.now().truncatedTo(ChronoUnit.SECONDS) + "\n";
            channel.truncate(0).write(ByteBuffer.wrap(holder.getBytes(StandardCharsets.UTF_8)), 0);
        } catch (IOException e) {
            channel.close();
            if (isNew) {
                Files.deleteIfExists(file);
            }
            throw e;
        }
    }

    private static boolean tryLock(FileChannel channel) throws IOException {
        try {
            @Nullable Object lock = channel.tryLock();
            return lock != null;
        } catch (OverlappingFileLockException e) {
            // held by this process
            return false;
        }
    }

    @Override
    public void close() {
        try {
            channel.close();
        } catch (IOException e) {
            throw new UncheckedIOException("cannot unlock a run folder", e);
        }
    }
}
