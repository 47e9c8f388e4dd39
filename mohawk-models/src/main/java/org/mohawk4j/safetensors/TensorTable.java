package org.mohawk4j.safetensors;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.concurrent.ThreadLocalRandom;
import java.util.stream.IntStream;
import org.mohawk4j.tensor.types.Shape;

/**
 * The entries of a header in columns: names and shapes as bytes in blocks, offsets in arrays. A header may declare as
 * many as {@link SafetensorsHeader#MAX_TENSORS}; as objects they would cost ten times the header, like this they cost
 * less than the header itself.
 */
final class TensorTable {
    private static final List<SafetensorsDtype> DTYPES = List.of(SafetensorsDtype.values());
    private static final long MERSENNE_61 = (1L << 61) - 1;

    /** Blocks of 256 KiB, which no garbage collector treats as huge. A larger record has a block of its own. */
    private static final int BLOCK_BITS = 18;

    private static final int BLOCK_BYTES = 1 << BLOCK_BITS;

    private final long hashBase = ThreadLocalRandom.current().nextLong(1 << 20, MERSENNE_61);
    private final List<byte[]> blocks = new ArrayList<>(List.of(new byte[1 << 10]));
    private int used;
    private int[] starts = new int[16];
    private long[] begins = new long[16];
    private long[] ends = new long[16];
    private int[] slots = new int[32];
    private int count;

    int count() {
        return count;
    }

    /**
     * Adds an entry.
     *
     * @return false if the name is there already
     */
    boolean add(String name, SafetensorsDtype dtype, long[] dims, int rank, long begin, long end) {
        byte[] key = name.getBytes(UTF_8);
        int slot = slot(key);
        if (slots[slot] != 0) {
            return false;
        }
        if (count == begins.length) {
            grow();
            slot = slot(key);
        }
        long bytes = key.length + 1L + varintBytes(key.length) + varintBytes(rank);
        for (int i = 0; i < rank; i++) {
            bytes += varintBytes(dims[i]);
        }
        Cursor cursor = reserve(bytes);
        starts[count] = ((blocks.size() - 1) << BLOCK_BITS) | used;
        cursor.put(key.length);
        cursor.put(key);
        cursor.put((byte) DTYPES.indexOf(dtype));
        cursor.put(rank);
        for (int i = 0; i < rank; i++) {
            cursor.put(dims[i]);
        }
        used = cursor.at;
        begins[count] = begin;
        ends[count] = end;
        count++;
        slots[slot] = count;
        return true;
    }

    /** The index of a name, or -1. */
    int find(String name) {
        return slots[slot(name.getBytes(UTF_8))] - 1;
    }

    String name(int index) {
        Cursor cursor = new Cursor(index);
        int length = cursor.nextInt();
        return new String(cursor.block, cursor.at, length, UTF_8);
    }

    SafetensorsDtype dtype(int index) {
        return DTYPES.get(afterName(index).nextByte());
    }

    Shape shape(int index) {
        Cursor cursor = afterName(index);
        cursor.nextByte();
        long[] dims = new long[cursor.nextInt()];
        for (int i = 0; i < dims.length; i++) {
            dims[i] = cursor.next();
        }
        return Shape.of(dims);
    }

    /** Position of the first byte in the data section. */
    long begin(int index) {
        return begins[index];
    }

    /** Position after the last byte in the data section. */
    long end(int index) {
        return ends[index];
    }

    /** The indices, ordered by position in the data section; entries of the same position stay in the header's order. */
    int[] inDataOrder() {
        int[] order = IntStream.range(0, count).toArray();
        for (int i = 1; i < count; i++) {
            if (begins[i] < begins[i - 1] || (begins[i] == begins[i - 1] && ends[i] < ends[i - 1])) {
                return Arrays.stream(order)
                        .boxed()
                        .sorted(Comparator.<Integer>comparingLong(this::begin).thenComparingLong(this::end))
                        .mapToInt(Integer::intValue)
                        .toArray();
            }
        }
        return order;
    }

    private Cursor afterName(int index) {
        Cursor cursor = new Cursor(index);
        int length = cursor.nextInt();
        cursor.at += length;
        return cursor;
    }

    /** The slot that holds the name's index plus one, or the free slot where it belongs. */
    private int slot(byte[] key) {
        int mask = slots.length - 1;
        int slot = (int) hash(key, 0, key.length) & mask;
        while (slots[slot] != 0 && !isNamed(slots[slot] - 1, key)) {
            slot = (slot + 1) & mask;
        }
        return slot;
    }

    private boolean isNamed(int index, byte[] key) {
        Cursor cursor = new Cursor(index);
        int length = cursor.nextInt();
        return Arrays.equals(cursor.block, cursor.at, cursor.at + length, key, 0, key.length);
    }

    /** A polynomial over a prime field at a random point: nobody can prepare names that collide. */
    private long hash(byte[] bytes, int from, int to) {
        long hash = to - from + 1L;
        for (int i = from; i < to; i++) {
            long high = Math.multiplyHigh(hash, hashBase);
            long low = hash * hashBase;
            hash = (low & MERSENNE_61) + ((low >>> 61) | (high << 3)) + (bytes[i] & 0xff);
            hash = (hash & MERSENNE_61) + (hash >>> 61);
        }
        return hash;
    }

    private void grow() {
        int capacity = begins.length * 2;
        starts = Arrays.copyOf(starts, capacity);
        begins = Arrays.copyOf(begins, capacity);
        ends = Arrays.copyOf(ends, capacity);
        slots = new int[capacity * 2];
        int mask = slots.length - 1;
        for (int i = 0; i < count; i++) {
            Cursor cursor = new Cursor(i);
            int length = cursor.nextInt();
            int slot = (int) hash(cursor.block, cursor.at, cursor.at + length) & mask;
            while (slots[slot] != 0) {
                slot = (slot + 1) & mask;
            }
            slots[slot] = i + 1;
        }
    }

    private static int varintBytes(long value) {
        return value == 0 ? 1 : (Long.SIZE + 6 - Long.numberOfLeadingZeros(value)) / 7;
    }

    /** Where a record of so many bytes goes. */
    private Cursor reserve(long bytes) {
        byte[] block = blocks.get(blocks.size() - 1);
        if (used + bytes > block.length) {
            if (used + bytes <= BLOCK_BYTES) {
                block = Arrays.copyOf(block, (int) Math.min(BLOCK_BYTES, Math.max(used + bytes, block.length * 2L)));
                blocks.set(blocks.size() - 1, block);
            } else {
                block = new byte[Math.toIntExact(Math.max(bytes, BLOCK_BYTES))];
                blocks.add(block);
                used = 0;
            }
        }
        return new Cursor(block, used);
    }

    private final class Cursor {
        private final byte[] block;
        private int at;

        Cursor(int index) {
            this(blocks.get(starts[index] >>> BLOCK_BITS), starts[index] & (BLOCK_BYTES - 1));
        }

        Cursor(byte[] block, int at) {
            this.block = block;
            this.at = at;
        }

        void put(byte value) {
            block[at++] = value;
        }

        void put(byte[] bytes) {
            System.arraycopy(bytes, 0, block, at, bytes.length);
            at += bytes.length;
        }

        void put(long value) {
            long rest = value;
            while (rest > 0x7f) {
                block[at++] = (byte) (rest | 0x80);
                rest >>>= 7;
            }
            block[at++] = (byte) rest;
        }

        byte nextByte() {
            return block[at++];
        }

        long next() {
            long value = 0;
            for (int shift = 0; ; shift += 7) {
                byte b = block[at++];
                value |= (b & 0x7fL) << shift;
                if (b >= 0) {
                    return value;
                }
            }
        }

        int nextInt() {
            return Math.toIntExact(next());
        }
    }
}
