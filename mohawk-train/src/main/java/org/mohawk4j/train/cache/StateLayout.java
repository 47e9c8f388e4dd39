package org.mohawk4j.train.cache;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.HexFormat;
import java.util.zip.CRC32C;
import org.mohawk4j.InvalidInputException;
import org.mohawk4j.tensor.DType;

/**
 * The layout of a file of hidden states: a header of {@value #HEADER_BYTES} bytes, then entries of one size, one for each
 * window; {@code docs/file-formats.md} has the bytes.
 *
 * @param dtype of the states
 * @param states kept of each window: L + 1, or the last alone
 * @param context T
 * @param width D
 * @param teacher SHA-256 of the teacher in hexadecimal
 */
record StateLayout(DType dtype, int states, int context, int width, String teacher) {
    static final int HEADER_BYTES = 80;

    /** Of a window's ids: the first bytes of their SHA-256. */
    static final int KEY_BYTES = 16;

    private static final long MAGIC = 0x45544154_53484d89L;
    private static final int VERSION = 1;
    private static final int CHECKSUM_AT = HEADER_BYTES - 4;

    /** One state of one window. */
    int stateBytes() {
        return Math.multiplyExact(Math.multiplyExact(context, width), dtype.bytes());
    }

    /** Key, a checksum for each state, the states. */
    long entryBytes() {
        return KEY_BYTES + (long) states * Integer.BYTES + (long) states * stateBytes();
    }

    long entryAt(long entry) {
        return HEADER_BYTES + entry * entryBytes();
    }

    long stateAt(long entry, int state) {
        return entryAt(entry) + KEY_BYTES + (long) states * Integer.BYTES + (long) state * stateBytes();
    }

    ByteBuffer format() {
        ByteBuffer bytes = ByteBuffer.allocate(HEADER_BYTES).order(ByteOrder.LITTLE_ENDIAN);
        bytes.putLong(MAGIC)
                .putInt(VERSION)
                .putInt(code(dtype))
                .putInt(states)
                .putInt(context)
                .putInt(width)
                .put(HexFormat.of().parseHex(teacher))
                .position(CHECKSUM_AT);
        return bytes.putInt(crc32c(bytes.duplicate().position(0).limit(CHECKSUM_AT)))
                .flip();
    }

    /**
     * Checks that a file's header is this.
     *
     * @param where the file, for the message
     */
    void requireSame(ByteBuffer header, String where) {
        ByteBuffer found = header.duplicate().order(ByteOrder.LITTLE_ENDIAN);
        if (found.remaining() < HEADER_BYTES || found.getLong(0) != MAGIC) {
            throw new InvalidInputException(where + ": expected a teacher's states, found something else");
        }
        if (!found.equals(format())) {
            throw new InvalidInputException(where + ": expected version " + VERSION + " with " + states
                    + " states of [" + context + "," + width + "] in " + dtype
                    + " of this teacher, found those of another teacher or run; give another file");
        }
    }

    private static int code(DType dtype) {
        return switch (dtype) {
            case FLOAT32 -> 1;
            case FLOAT64 -> 2;
            case FLOAT16 -> 3;
            case BFLOAT16 -> 4;
            case INT32, INT64 -> throw new IllegalArgumentException("hidden states: expected numbers, got " + dtype);
        };
    }

    static int crc32c(ByteBuffer bytes) {
        CRC32C crc = new CRC32C();
        crc.update(bytes);
        return (int) crc.getValue();
    }
}
