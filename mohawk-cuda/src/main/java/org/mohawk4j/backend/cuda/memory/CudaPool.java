package org.mohawk4j.backend.cuda.memory;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import java.util.Set;
import org.bytedeco.cuda.cudart.CUmemPoolHandle_st;
import org.bytedeco.cuda.cudart.CUstream_st;
import org.bytedeco.cuda.global.cudart;
import org.bytedeco.javacpp.LongPointer;
import org.bytedeco.javacpp.SizeTPointer;
import org.jspecify.annotations.Nullable;
import org.mohawk4j.backend.DeviceMemoryException;
import org.mohawk4j.backend.cuda.driver.CloseStack;
import org.mohawk4j.backend.cuda.driver.CudaContext;
import org.mohawk4j.backend.cuda.driver.CudaStatus;
import org.mohawk4j.tensor.types.DType;
import org.mohawk4j.tensor.types.Shape;

/**
 * Device memory from the driver's stream-ordered pool, which keeps what is given back for the next step: a block that is
 * freed can be handed out again at once, since whatever uses it next comes later on the one stream.
 */
public final class CudaPool implements AutoCloseable {
    private static final long MEBIBYTE = 1 << 20;

    private final CudaContext context;
    private final CUmemPoolHandle_st pool = new CUmemPoolHandle_st();
    private final Set<Block> live = new HashSet<>();
    private final long[] address = new long[1];
    private @Nullable List<Block> kept;
    private long liveBytes;
    private long peakBytes;

    /** Memory of one array and of the views made from it. */
    public static final class Block {
        private final long address;
        private final long bytes;
        private final boolean kept;
        private int users = 1;

        private Block(long address, long bytes, boolean kept) {
            this.address = address;
            this.bytes = bytes;
            this.kept = kept;
        }

        /** Whether there is more than one array. */
        public boolean isShared() {
            return users > 1;
        }
    }

    public CudaPool(CudaContext context) {
        this.context = context;
        if (context.dry().isEmpty()) {
            CudaStatus.driver(
                    cudart.cuDeviceGetDefaultMemPool(pool, context.device().index()), "asking for the memory pool");
            set(cudart.CU_MEMPOOL_ATTR_RELEASE_THRESHOLD, Long.MAX_VALUE);
        }
    }

    /** An array whose contents are whatever was there before. */
    public CudaArray take(DType dtype, Shape shape) {
        if (shape.size() == 0) {
            throw new IllegalArgumentException("the cuda backend has no arrays without elements; got shape " + shape);
        }
        long bytes = shape.size() * dtype.bytes();
        if (context.dry().isPresent()) {
            return taken(context.dry().get().allocate(dtype, shape), bytes, dtype, shape);
        }
        int status = allocate(bytes);
        if (status == cudart.CUDA_ERROR_OUT_OF_MEMORY) {
            trim();
            status = allocate(bytes);
        }
        if (status == cudart.CUDA_ERROR_OUT_OF_MEMORY) {
            throw new DeviceMemoryException(outOfMemory(dtype, shape, bytes));
        }
        CudaStatus.driver(
                status,
                () -> "allocating " + bytes + " bytes for " + dtype + " " + shape + " beside " + liveBytes + " in use");
        return taken(address[0], bytes, dtype, shape);
    }

    private CudaArray taken(long at, long bytes, DType dtype, Shape shape) {
        List<Block> keeping = kept;
        Block block = new Block(at, bytes, keeping != null);
        if (keeping != null) {
            keeping.add(block);
        }
        live.add(block);
        liveBytes += bytes;
        peakBytes = Math.max(peakBytes, liveBytes);
        return new CudaArray(block, at, dtype, shape);
    }

    private int allocate(long bytes) {
        if (kept == null) {
            return cudart.cuMemAllocAsync(address, bytes, context.stream());
        }
        context.use();
        return cudart.cuMemAlloc(address, bytes);
    }

    /** Gives what the pool keeps for later back to the device, where it may make up a larger piece. */
    private void trim() {
        if (kept == null) {
            // what was freed on the stream can go once the stream is there; a stream that is recorded cannot be waited
            // for
            context.synchronize("making room");
        }
        CudaStatus.driver(cudart.cuMemPoolTrimTo(pool, 0), "giving device memory back");
    }

    private String outOfMemory(DType dtype, Shape shape, long bytes) {
        try (SizeTPointer free = new SizeTPointer(1);
                SizeTPointer total = new SizeTPointer(1)) {
            CudaStatus.driver(cudart.cuMemGetInfo(free, total), "asking for free memory");
            return outOfMemory(
                    dtype + " " + shape, bytes, liveBytes, context.device().name(), free.get(), total.get());
        }
    }

    public static String outOfMemory(String what, long bytes, long live, String device, long free, long total) {
        return String.format(
                Locale.ROOT,
                "out of GPU memory: %s needs %s beside %s in use here, and %s has %s free of %s; reduce the batch or"
                        + " the context, accumulate more micro-batches, recompute activations, or use bfloat16",
                what,
                mebibytes(bytes),
                mebibytes(live),
                device,
                mebibytes(free),
                mebibytes(total));
    }

    private static String mebibytes(long bytes) {
        return String.format(Locale.ROOT, "%,d MiB", (bytes + MEBIBYTE - 1) / MEBIBYTE);
    }

    public CudaArray view(CudaArray array, long from, Shape shape) {
        array.block().users++;
        return new CudaArray(
                array.block(), array.address() + from * array.dtype().bytes(), array.dtype(), shape);
    }

    /** The same memory in another shape, in the place of the array. */
    public CudaArray reshaped(CudaArray array, Shape shape) {
        CudaArray view = view(array, 0, shape);
        release(array);
        return view;
    }

    public void release(CudaArray array) {
        Block block = array.block();
        if (--block.users > 0) {
            return;
        }
        if (block.kept) {
            return;
        }
        List<Block> keeping = kept;
        if (keeping != null) {
            // freed now, it would be freed by every replay, after it was read
            keeping.add(block);
            return;
        }
        live.remove(block);
        liveBytes -= block.bytes;
        free(block);
    }

    /**
     * From now on every array gets memory of its own, and nothing is freed: neither that when its array is released nor
     * what was there before.
     */
    public void startKeeping() {
        if (kept != null) {
            throw new IllegalStateException("a recording is started within a recording");
        }
        kept = new ArrayList<>();
    }

    public boolean isKeeping() {
        return kept != null;
    }

    /** Ends that, and gives the memory to {@link #freeKept} later. */
    public List<Block> stopKeeping() {
        List<Block> taken = Objects.requireNonNull(kept);
        kept = null;
        return taken;
    }

    /** Frees what was kept; nothing may use it any more. */
    public void freeKept(List<Block> blocks) {
        for (Block block : blocks) {
            live.remove(block);
            liveBytes -= block.bytes;
            free(block);
        }
    }

    public long liveBytes() {
        return liveBytes;
    }

    public long peakBytes() {
        return peakBytes;
    }

    public long reservedBytes() {
        return context.dry().isPresent() ? peakBytes : get(cudart.CU_MEMPOOL_ATTR_RESERVED_MEM_CURRENT);
    }

    /** Frees what is still in use and gives the pool's memory back to the device. */
    @Override
    public void close() {
        if (context.dry().isPresent()) {
            return;
        }
        CloseStack closing = new CloseStack();
        closing.add(() -> CudaStatus.driver(cudart.cuMemPoolTrimTo(pool, 0), "giving device memory back"));
        closing.add(() -> context.synchronize("freeing device memory"));
        live.forEach(block -> closing.add(() -> free(block)));
        live.clear();
        liveBytes = 0;
        closing.close();
    }

    private void free(Block block) {
        if (context.dry().isPresent()) {
            context.dry().get().free(block.address);
            return;
        }
        CUstream_st stream = context.stream();
        CudaStatus.driver(
                block.kept ? cudart.cuMemFree(block.address) : cudart.cuMemFreeAsync(block.address, stream),
                () -> "freeing " + block.bytes + " bytes");
    }

    private void set(int attribute, long value) {
        try (LongPointer pointer = new LongPointer(1)) {
            pointer.put(value);
            CudaStatus.driver(cudart.cuMemPoolSetAttribute(pool, attribute, pointer), "setting up the memory pool");
        }
    }

    private long get(int attribute) {
        try (LongPointer pointer = new LongPointer(1)) {
            CudaStatus.driver(cudart.cuMemPoolGetAttribute(pool, attribute, pointer), "looking at the memory pool");
            return pointer.get();
        }
    }
}
