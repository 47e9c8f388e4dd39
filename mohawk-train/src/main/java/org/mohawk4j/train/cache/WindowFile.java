package org.mohawk4j.train.cache;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;
import org.mohawk4j.InvalidInputException;
import org.mohawk4j.io.InputFile;

/**
 * A file that keeps something of windows. An entry is there once its key is, which is written last; what a kill has left of an
 * entry without one is written over.
 */
final class WindowFile implements AutoCloseable {
    private final Path path;
    private final WindowLayout layout;
    private final FileChannel channel;
    private final Map<ByteBuffer, Long> entries = new HashMap<>();
    private long used;
    private long end;

    /**
     * Opens a file, or makes it.
     *
     * @throws InvalidInputException if it holds something else, or another program uses it
     */
    WindowFile(Path path, WindowLayout layout) {
        this.path = path;
        this.layout = layout;
        try {
            channel = FileChannel.open(
                    path, StandardOpenOption.CREATE, StandardOpenOption.READ, StandardOpenOption.WRITE);
        } catch (IOException e) {
            throw InputFile.unwritable(path, e);
        }
        try {
            lock();
            open();
        } catch (IOException e) {
            close();
            throw InputFile.unreadable(path, e);
        } catch (RuntimeException e) {
            close();
            throw e;
        }
    }

    private void lock() throws IOException {
        try {
            if (channel.tryLock() != null) {
                return;
            }
        } catch (OverlappingFileLockException e) {
            throw new InvalidInputException(path + ": expected a file of this run alone, found another using it", e);
        }
        throw new InvalidInputException(path + ": expected a file of this run alone, found another using it");
    }

    private void open() throws IOException {
        if (channel.size() == 0) {
            write(layout.header(), 0);
        }
        layout.requireSame(read(0, (int) Math.min(WindowLayout.HEADER_BYTES, channel.size())), path.toString());
        long whole = (channel.size() - WindowLayout.HEADER_BYTES) / layout.entryBytes();
        ByteBuffer none = ByteBuffer.allocate(WindowLayout.KEY_BYTES);
        for (long entry = 0; entry < whole; entry++) {
            ByteBuffer key = read(layout.entryAt(entry), WindowLayout.KEY_BYTES);
            if (!key.equals(none)) {
                entries.put(key, entry);
                used = entry + 1;
            }
        }
        end = used;
    }

    /** How many windows there are. */
    int size() {
        return entries.size();
    }

    /** A window's entry. */
    OptionalLong find(ByteBuffer key) {
        Long entry = entries.get(key);
        return entry == null ? OptionalLong.empty() : OptionalLong.of(entry);
    }

    /** How many different windows are not there. */
    int countMissing(List<ByteBuffer> keys) {
        return (int) keys.stream()
                .distinct()
                .filter(key -> !entries.containsKey(key))
                .count();
    }

    /** Where the next window goes; two calls without {@link #finish} between give two places. */
    long reserve() {
        return end++;
    }

    /** Gives back what was reserved and not finished. */
    void release() {
        end = used;
    }

    /**
     * Writes one of an entry's parts.
     *
     * @return its checksum
     */
    int writePart(long entry, int part, ByteBuffer bytes) {
        int checksum = WindowLayout.crc32c(bytes.duplicate());
        write(bytes, layout.partAt(entry, part));
        return checksum;
    }

    /** Makes an entry whose parts are written one that is there. */
    void finish(long entry, ByteBuffer key, int... checksums) {
        ByteBuffer sums = ByteBuffer.allocate(Integer.BYTES * checksums.length).order(ByteOrder.LITTLE_ENDIAN);
        for (int checksum : checksums) {
            sums.putInt(checksum);
        }
        write(sums.flip(), layout.checksumAt(entry, 0));
        write(key.duplicate(), layout.entryAt(entry));
        entries.put(key, entry);
        used = Math.max(used, entry + 1);
    }

    /**
     * Reads one of an entry's parts.
     *
     * @throws InvalidInputException if it is not what was written
     */
    void readPart(long entry, int part, ByteBuffer target) {
        try {
            int expected = read(layout.checksumAt(entry, part), Integer.BYTES).getInt();
            ByteBuffer bytes = target.duplicate();
            long at = layout.partAt(entry, part);
            while (bytes.hasRemaining()) {
                int count = channel.read(bytes, at);
                if (count < 0) {
                    throw new InvalidInputException(path + ": window " + entry + " is cut off; delete the file");
                }
                at += count;
            }
            if (WindowLayout.crc32c(target.duplicate()) != expected) {
                throw new InvalidInputException(path + ": part " + part + " of window " + entry
                        + " is damaged: its checksum differs; delete the file");
            }
        } catch (IOException e) {
            throw InputFile.unreadable(path, e);
        }
    }

    private ByteBuffer read(long from, int length) throws IOException {
        ByteBuffer bytes = ByteBuffer.allocate(length).order(ByteOrder.LITTLE_ENDIAN);
        while (bytes.hasRemaining() && channel.read(bytes, from + bytes.position()) >= 0) {
            // reads until all is there
        }
        return bytes.flip();
    }

    private void write(ByteBuffer bytes, long at) {
        try {
            long next = at;
            while (bytes.hasRemaining()) {
                next += channel.write(bytes, next);
            }
        } catch (IOException e) {
            throw InputFile.unwritable(path, e);
        }
    }

    @Override
    public void close() {
        try {
            channel.close();
        } catch (IOException e) {
            throw InputFile.unwritable(path, e);
        }
    }
}
