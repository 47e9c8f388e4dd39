package org.mohawk4j.data.file;

import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.util.Locale;
import java.util.zip.CRC32;
import java.util.zip.DataFormatException;
import java.util.zip.Inflater;

/**
 * Unpacks gzip (RFC 1952), members one after another as one stream. Unlike the JDK's stream it refuses whatever stands
 * behind a member and is no member, and knows members apart from the end of the data however reads fall.
 */
final class GzipStream extends InputStream {
    private static final int MAGIC = 0x8b1f;
    private static final int DEFLATE = 8;
    private static final int HEADER_CRC = 2;
    private static final int EXTRA = 4;
    private static final int NAME = 8;
    private static final int COMMENT = 16;
    private static final int RESERVED = 0xe0;

    private final InputStream in;
    private final Inflater inflater = new Inflater(true);
    private final CRC32 crc = new CRC32();
    private final byte[] buffer = new byte[1 << 16];
    private int position;
    private int limit;
    private int members;
    private long size;
    private boolean inMember;

    GzipStream(InputStream in) {
        this.in = in;
    }

    @Override
    public int read() throws IOException {
        byte[] one = new byte[1];
        return read(one, 0, 1) < 0 ? -1 : one[0] & 0xff;
    }

    @Override
    public int read(byte[] target, int offset, int length) throws IOException {
        if (length == 0) {
            return 0;
        }
        while (inMember || startMember()) {
            int count = inflate(target, offset, length);
            if (count > 0) {
                crc.update(target, offset, count);
                size += count;
                return count;
            }
            if (inflater.finished()) {
                endMember();
            }
        }
        return -1;
    }

    private int inflate(byte[] target, int offset, int length) throws IOException {
        if (inflater.needsInput()) {
            if (position == limit) {
                requireMore();
            }
            inflater.setInput(buffer, position, limit - position);
            position = limit;
        }
        try {
            int count = inflater.inflate(target, offset, length);
            if (count == 0 && inflater.needsDictionary()) {
                throw new IOException("its data are not deflated text");
            }
            return count;
        } catch (DataFormatException e) {
            throw new IOException("its data are damaged: " + e.getMessage(), e);
        }
    }

    /** Whether there is another member; then its header has been read. */
    private boolean startMember() throws IOException {
        if (position == limit && !fill()) {
            if (members == 0) {
                throw new EOFException("it is empty");
            }
            return false;
        }
        String where = members == 0 ? "it is no gzip data" : "there is something else behind the gzip data";
        if (!startsWithMagic()) {
            throw new IOException(where);
        }
        int method = next();
        int flags = next();
        if (method != DEFLATE || (flags & RESERVED) != 0) {
            throw new IOException(where + " of a known kind");
        }
        skip(6);
        if ((flags & EXTRA) != 0) {
            skip(nextShort());
        }
        if ((flags & NAME) != 0) {
            skipText();
        }
        if ((flags & COMMENT) != 0) {
            skipText();
        }
        if ((flags & HEADER_CRC) != 0) {
            skip(2);
        }
        inflater.reset();
        crc.reset();
        size = 0;
        members++;
        inMember = true;
        return true;
    }

    private boolean startsWithMagic() throws IOException {
        return next() == (MAGIC & 0xff) && (position < limit || fill()) && next() == MAGIC >> 8;
    }

    private void endMember() throws IOException {
        position = limit - inflater.getRemaining();
        long expectedCrc = nextInt();
        long expectedSize = nextInt();
        if (expectedCrc != crc.getValue() || expectedSize != (size & 0xffffffffL)) {
            throw new IOException(String.format(
                    Locale.ROOT,
                    "expected CRC %08x of %d bytes, found %08x of %d",
                    expectedCrc,
                    expectedSize,
                    crc.getValue(),
                    size & 0xffffffffL));
        }
        inMember = false;
    }

    private void skip(int bytes) throws IOException {
        for (int i = 0; i < bytes; i++) {
            next();
        }
    }

    @SuppressWarnings("StatementWithEmptyBody")
    private void skipText() throws IOException {
        while (next() != 0) {
            // a name or comment ends with a zero
        }
    }

    private long nextInt() throws IOException {
        return nextShort() | (long) nextShort() << 16;
    }

    private int nextShort() throws IOException {
        return next() | next() << 8;
    }

    private int next() throws IOException {
        if (position == limit) {
            requireMore();
        }
        return buffer[position++] & 0xff;
    }

    private void requireMore() throws IOException {
        if (!fill()) {
            throw new EOFException("it is cut off");
        }
    }

    private boolean fill() throws IOException {
        position = 0;
        limit = Math.max(0, in.read(buffer));
        return limit > 0;
    }

    @Override
    public void close() throws IOException {
        inflater.end();
        in.close();
    }
}
