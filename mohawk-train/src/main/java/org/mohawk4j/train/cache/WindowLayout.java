package org.mohawk4j.train.cache;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.HexFormat;
import java.util.zip.CRC32C;
import org.mohawk4j.InvalidInputException;

/**
 * The layout of a file that keeps something of windows: a header of {@value #HEADER_BYTES} bytes, then entries of one
 * size, one for each window: key, a checksum for each part, the parts. {@code docs/file-formats.md} has the bytes.
 */
interface WindowLayout {
    int HEADER_BYTES = 80;

    /** Of a window's ids: the first bytes of their SHA-256. */
    int KEY_BYTES = 16;

    int VERSION = 1;

    /** What such a file holds, in words. */
    String kind();

    /** Says what else is as {@link #header} has it. */
    String details();

    /** What a file of this layout begins with. */
    ByteBuffer header();

    /** Parts of an entry, each with a checksum of its own. */
    int parts();

    int partBytes();

    default long entryBytes() {
        return KEY_BYTES + (long) parts() * Integer.BYTES + (long) parts() * partBytes();
    }

    default long entryAt(long entry) {
        return HEADER_BYTES + entry * entryBytes();
    }

    default long checksumAt(long entry, int part) {
        return entryAt(entry) + KEY_BYTES + (long) part * Integer.BYTES;
    }

    default long partAt(long entry, int part) {
        return checksumAt(entry, parts()) + (long) part * partBytes();
    }

    /**
     * Checks that a file's header is this.
     *
     * @param where the file, for the message
     */
    default void requireSame(ByteBuffer found, String where) {
        ByteBuffer expected = header();
        if (found.remaining() < HEADER_BYTES || found.getLong(0) != expected.getLong(0)) {
            throw new InvalidInputException(where + ": expected " + kind() + ", found something else");
        }
        if (!found.equals(expected)) {
            throw new InvalidInputException(where + ": expected version " + VERSION + " with " + details()
                    + " of this teacher in this precision, found those of another teacher, precision or run; give another"
                    + " file");
        }
    }

    /** The beginning of a header, to which fields are added. */
    static ByteBuffer begin(long magic) {
        return ByteBuffer.allocate(HEADER_BYTES)
                .order(ByteOrder.LITTLE_ENDIAN)
                .putLong(magic)
                .putInt(VERSION);
    }

    /** A header with all its fields: adds the teacher, zeros and the checksum. */
    static ByteBuffer end(ByteBuffer fields, String teacher) {
        fields.put(HexFormat.of().parseHex(teacher)).position(HEADER_BYTES - Integer.BYTES);
        return fields.putInt(crc32c(fields.duplicate().flip())).flip();
    }

    static int crc32c(ByteBuffer bytes) {
        CRC32C crc = new CRC32C();
        crc.update(bytes);
        return (int) crc.getValue();
    }
}
