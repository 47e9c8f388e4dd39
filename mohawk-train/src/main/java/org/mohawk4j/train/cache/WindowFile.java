package org.mohawk4j.train.cache;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.HashMap;
import java.util.Map;
import java.util.OptionalLong;
import org.mohawk4j.InvalidInputException;
import org.mohawk4j.safetensors.InputFile;

/**
 * A file of windows' hidden states. An entry is there once its key is, which is written last; what a kill has left of an
 * entry without one is written over.
 */
final class StateFile implements AutoCloseable {
    private final Path path;
    private final StateLayout layout;
    private final FileChannel channel;
    private final Map<ByteBuffer, Long> entries = new HashMap<>();
    private long used;
    private long end;

    /**
     * Opens a file, or makes it.
     *
     * @throws InvalidInputException if it holds something else, or another program uses it
     */
    StateFile(Path path, StateLayout layout) {
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
            write(layout.format(), 0);
        }
        layout.requireSame(read(0, (int) Math.min(StateLayout.HEADER_BYTES, channel.size())), path.toString());
        long whole = (channel.size() - StateLayout.HEADER_BYTES) / layout.entryBytes();
        ByteBuffer none = ByteBuffer.allocate(StateLayout.KEY_BYTES);
        for (long entry = 0; entry < whole; entry++) {
            ByteBuffer key = read(layout.entryAt(entry), StateLayout.KEY_BYTES);
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

    /** Where the next window goes; two calls without {@link #finish} between give two places. */
    long reserve() {
        return end++;
    }

    /** Gives back what was reserved and not finished. */
    void release() {
        end = used;
    }

    /**
     * Writes one of an entry's states.
     *
     * @return its checksum
     */
    int writeState(long entry, int state, ByteBuffer bytes) {
        int checksum = StateLayout.crc32c(bytes.duplicate());
        write(bytes, layout.stateAt(entry, state));
        return checksum;
    }

    /** Makes an entry whose states are written one that is there. */
    void finish(long entry, ByteBuffer key, int... checksums) {
        ByteBuffer sums = ByteBuffer.allocate(Integer.BYTES * checksums.length).order(ByteOrder.LITTLE_ENDIAN);
        for (int checksum : checksums) {
            sums.putInt(checksum);
        }
        write(sums.flip(), layout.entryAt(entry) + StateLayout.KEY_BYTES);
        write(key.duplicate(), layout.entryAt(entry));
        entries.put(key, entry);
        used = Math.max(used, entry + 1);
    }

    /**
     * Reads one of an entry's states.
     *
     * @throws InvalidInputException if it is not what was written
     */
    void readState(long entry, int state, ByteBuffer target) {
        try {
            long sumAt = layout.entryAt(entry) + StateLayout.KEY_BYTES + (long) state * Integer.BYTES;
            int expected = read(sumAt, Integer.BYTES).getInt();
            ByteBuffer bytes = target.duplicate();
            long at = layout.stateAt(entry, state);
            while (bytes.hasRemaining()) {
                int count = channel.read(bytes, at);
                if (count < 0) {
                    throw new InvalidInputException(path + ": window " + entry + " is cut off; delete the file");
                }
                at += count;
            }
            if (StateLayout.crc32c(target.duplicate()) != expected) {
                throw new InvalidInputException(path + ": state " + state + " of window " + entry
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
