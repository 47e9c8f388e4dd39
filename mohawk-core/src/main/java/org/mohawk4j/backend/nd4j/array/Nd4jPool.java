package org.mohawk4j.backend.nd4j.array;

import java.util.ArrayDeque;
import java.util.Deque;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.mohawk4j.tensor.types.DType;
import org.mohawk4j.tensor.types.Shape;
import org.nd4j.linalg.api.buffer.DataBuffer;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/**
 * Reuses blocks of the same length and type. ND4J takes fresh pages from the system for each array, which costs more
 * than most operations on it, so blocks are kept until twice the live bytes lie idle.
 */
public final class Nd4jPool {
    private static final long ALWAYS_KEPT_BYTES = 64L << 20;
    private static final long LEAST_ONES = 1 << 14;

    private final Map<Key, Deque<Block>> idle = new LinkedHashMap<>(16, 0.75f, true);
    private final Set<Block> all = new HashSet<>();
    private final Map<DType, Block> ones = new EnumMap<>(DType.class);
    private long liveBytes;
    private long peakBytes;
    private long idleBytes;

    /** Memory of one array and of the views made from it. */
    public static final class Block {
        private static final int ARRAYS_KEPT = 128;

        private final Key key;
        private final DataBuffer buffer;
        private final Map<Place, INDArray> arrays = new HashMap<>();
        /** Whose memory this is, if not the pool's: it must stay reachable as long as the block is used. */
        private final @Nullable INDArray lender;

        private final long address;

        private int users = 1;

        private Block(Key key) {
            this.key = key;
            this.buffer = Nd4j.createBuffer(Nd4jArray.dataType(key.dtype()), key.length(), false);
            this.lender = null;
            this.address = buffer.pointer().address();
        }

        private Block(Key key, INDArray lender) {
            DataBuffer own = lender.data();
            DataBuffer original = own.originalDataBuffer();
            this.key = key;
            // ND4J counts the offset of a view of a view from the original's start
            this.buffer = original == null ? own : original;
            this.lender = lender;
            this.address = buffer.pointer().address();
        }

        public void share() {
            users++;
        }

        /** Whether there is more than one array, or the memory is not the pool's. */
        public boolean isShared() {
            return users > 1 || lender != null;
        }

        /** Of its first number, on the CPU. */
        long address() {
            return address;
        }

        public DataBuffer buffer() {
            return buffer;
        }

        /** ND4J's handle on part of the block. It costs microseconds to make, so the last few are kept. */
        public INDArray array(long offset, Shape shape) {
            Place place = new Place(offset, shape);
            INDArray array = arrays.get(place);
            if (array == null) {
                if (arrays.size() == ARRAYS_KEPT) {
                    arrays.clear();
                }
                // rank 0 goes as one element of rank 1: many of ND4J's operations handle scalars as something else
                long[] dims = shape.rank() == 0 ? new long[] {1} : shape.toArray();
                array = Nd4j.create(buffer, dims, strides(dims), offset, 'c');
                arrays.put(place, array);
            }
            return array;
        }

        private static long[] strides(long... dims) {
            long[] strides = new long[dims.length];
            long stride = 1;
            for (int i = dims.length - 1; i >= 0; i--) {
                strides[i] = stride;
                stride *= dims[i];
            }
            return strides;
        }
    }

    private record Place(long offset, Shape shape) {}

    private record Key(DType dtype, long length) {
        long bytes() {
            return length * dtype.bytes();
        }
    }

    /** An array whose contents are whatever was there before. */
    public Nd4jArray take(DType dtype, Shape shape) {
        if (shape.size() == 0) {
            throw new IllegalArgumentException("the nd4j backend has no arrays without elements; got shape " + shape);
        }
        Key key = new Key(dtype, shape.size());
        Deque<Block> blocks = idle.get(key);
        Block block = blocks == null ? null : blocks.poll();
        if (block == null) {
            block = new Block(key);
            all.add(block);
        } else {
            idleBytes -= key.bytes();
            block.users = 1;
        }
        liveBytes += key.bytes();
        peakBytes = Math.max(peakBytes, liveBytes);
        return new Nd4jArray(block, 0, dtype, shape);
    }

    /** The memory of a contiguous row-major array of ND4J's, which stays its own. */
    public static Nd4jArray borrow(DType dtype, INDArray lender) {
        Shape shape = Shape.of(lender.shape());
        return new Nd4jArray(new Block(new Key(dtype, shape.size()), lender), lender.offset(), dtype, shape);
    }

    /** Ones to sum up with, not to be written to, until the next call. */
    public INDArray ones(DType dtype, long... dims) {
        Shape shape = Shape.of(dims);
        Block block = ones.get(dtype);
        if (block == null || block.key.length() < shape.size()) {
            if (block != null) {
                all.remove(block);
                block.buffer.close();
            }
            block = new Block(new Key(dtype, Math.max(LEAST_ONES, Long.highestOneBit(shape.size()) * 2)));
            all.add(block);
            block.array(0, Shape.of(block.key.length())).assign(1);
            ones.put(dtype, block);
        }
        return block.array(0, shape);
    }

    public void release(Nd4jArray array) {
        Block block = array.block();
        if (--block.users > 0 || block.lender != null) {
            return;
        }
        liveBytes -= block.key.bytes();
        idleBytes += block.key.bytes();
        idle.computeIfAbsent(block.key, k -> new ArrayDeque<>()).push(block);
        if (idleBytes > Math.max(ALWAYS_KEPT_BYTES, 2 * liveBytes)) {
            trim();
        }
    }

    public long liveBytes() {
        return liveBytes;
    }

    public long peakBytes() {
        return peakBytes;
    }

    public long reservedBytes() {
        return liveBytes + idleBytes;
    }

    public void close() {
        all.forEach(block -> block.buffer.close());
        all.clear();
        ones.clear();
        idle.clear();
        liveBytes = 0;
        idleBytes = 0;
    }

    private void trim() {
        long allowed = Math.max(ALWAYS_KEPT_BYTES, liveBytes);
        var longestUnused = idle.entrySet().iterator();
        while (idleBytes > allowed && longestUnused.hasNext()) {
            Map.Entry<Key, Deque<Block>> entry = longestUnused.next();
            while (idleBytes > allowed && !entry.getValue().isEmpty()) {
                Block block = entry.getValue().poll();
                idleBytes -= block.key.bytes();
                all.remove(block);
                block.buffer.close();
            }
            if (entry.getValue().isEmpty()) {
                longestUnused.remove();
            }
        }
    }
}
