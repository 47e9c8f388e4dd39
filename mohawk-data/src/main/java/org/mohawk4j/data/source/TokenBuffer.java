package org.mohawk4j.data.source;

import java.util.Arrays;

/** Token ids, as many as come. */
final class TokenBuffer {
    private int[] ids;
    private int size;

    TokenBuffer(int expected) {
        ids = new int[Math.max(16, expected)];
    }

    void add(int... more) {
        if (size + more.length > ids.length) {
            ids = Arrays.copyOf(ids, Math.max(size + more.length, 2 * ids.length));
        }
        System.arraycopy(more, 0, ids, size, more.length);
        size += more.length;
    }

    int[] toArray() {
        return Arrays.copyOf(ids, size);
    }
}
