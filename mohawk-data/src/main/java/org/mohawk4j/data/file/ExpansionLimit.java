package org.mohawk4j.data.file;

import java.io.FilterInputStream;
import java.io.IOException;
import java.io.InputStream;

/**
 * Tells text from a bomb: text packs some five times, at most tens of times; a file that unpacks to more than
 * {@value #MOST_TIMES} times its size is refused once it has given {@value #FREE_BYTES} bytes.
 */
final class ExpansionLimit extends FilterInputStream {
    static final int MOST_TIMES = 200;
    static final long FREE_BYTES = 16L << 20;

    private long packed;

    /** @param bytes of the packed file, to be read through this */
    ExpansionLimit(InputStream bytes) {
        super(bytes);
    }

    @Override
    public int read() throws IOException {
        int value = in.read();
        packed += value < 0 ? 0 : 1;
        return value;
    }

    @Override
    public int read(byte[] target, int offset, int length) throws IOException {
        int count = in.read(target, offset, length);
        packed += Math.max(0, count);
        return count;
    }

    /** What unpacks the bytes read through this, watched. */
    InputStream unpacked(InputStream unpacking) {
        return new FilterInputStream(unpacking) {
            private long given;

            @Override
            public int read() throws IOException {
                return counted(in.read(), 1);
            }

            @Override
            public int read(byte[] target, int offset, int length) throws IOException {
                int count = in.read(target, offset, length);
                return counted(count, Math.max(0, count));
            }

            @Override
            public long skip(long bytes) throws IOException {
                byte[] dropped = new byte[(int) Math.min(bytes, 1 << 16)];
                return Math.max(0, read(dropped, 0, dropped.length));
            }

            private int counted(int result, int more) throws IOException {
                given += more;
                if (given > FREE_BYTES && given / MOST_TIMES > packed) {
                    throw new IOException("it unpacks to more than " + MOST_TIMES + " times its size");
                }
                return result;
            }
        };
    }
}
