package org.mohawk4j.backend.cuda.op.tensor;

import java.nio.ByteBuffer;
import java.util.function.Supplier;
import org.bytedeco.cuda.global.cudart;
import org.bytedeco.javacpp.BytePointer;
import org.jspecify.annotations.Nullable;
import org.mohawk4j.backend.Array;
import org.mohawk4j.backend.MemoryOps;
import org.mohawk4j.backend.cuda.compile.CudaKernels;
import org.mohawk4j.backend.cuda.compile.ElementType;
import org.mohawk4j.backend.cuda.driver.CudaContext;
import org.mohawk4j.backend.cuda.driver.CudaStatus;
import org.mohawk4j.backend.cuda.memory.AsyncDownloads;
import org.mohawk4j.backend.cuda.memory.CudaArray;
import org.mohawk4j.backend.cuda.memory.CudaPool;
import org.mohawk4j.tensor.types.DType;
import org.mohawk4j.tensor.types.HostSource;
import org.mohawk4j.tensor.types.HostTensor;
import org.mohawk4j.tensor.types.Shape;

/**
 * Numbers to and from the device, and between types: operands of kernels in the type that they compute in, and results in
 * the type that is wanted.
 */
public final class CudaMemory implements MemoryOps {
    public static final String SOURCE = "op/tensor/elementwise.cu";

    private final CudaContext context;
    private final CudaPool pool;
    private final CudaKernels kernels;
    private final StridedCopy copy;
    private final AsyncDownloads downloads;

    public CudaMemory(CudaContext context, CudaPool pool, CudaKernels kernels, AsyncDownloads downloads) {
        this.downloads = downloads;
        this.context = context;
        this.pool = pool;
        this.kernels = kernels;
        this.copy = new StridedCopy(context, kernels);
    }

    @Override
    public Array upload(HostSource source, DType dtype) {
        CudaArray target = pool.take(dtype, source.shape());
        if (context.dry().isPresent()) {
            return target;
        }
        source.forEachPiece((from, piece) -> {
            CudaArray part =
                    new CudaArray(target.block(), target.address() + from * dtype.bytes(), dtype, piece.shape());
            if (piece.dtype() == dtype) {
                copy(piece, part);
            } else {
                CudaArray uploaded = pool.take(piece.dtype(), piece.shape());
                copy(piece, uploaded);
                convert(uploaded, part);
                release(uploaded);
            }
        });
        return target;
    }

    private void copy(HostTensor source, CudaArray target) {
        try (BytePointer bytes = bytes(source.data())) {
            CudaStatus.driver(
                    cudart.cuMemcpyHtoDAsync(target.address(), bytes, bytes.limit(), context.stream()),
                    () -> "uploading " + source.dtype() + " " + source.shape());
            // the host's numbers may be freed as soon as this returns
            context.synchronize("uploading " + source.shape());
        }
    }

    private static BytePointer bytes(ByteBuffer data) {
        if (data.isDirect()) {
            return new BytePointer(data);
        }
        byte[] copy = new byte[data.remaining()];
        data.get(copy);
        return new BytePointer(copy);
    }

    @Override
    public void download(Array source, long from, ByteBuffer target) {
        if (context.dry().isPresent()) {
            target.duplicate().position(0).put(new byte[target.limit()]);
            return;
        }
        CudaArray array = CudaArray.cast(source);
        long address = array.address() + from * array.dtype().bytes();
        // a pointer starts where its buffer stands
        try (BytePointer bytes = new BytePointer(target.duplicate().position(0))) {
            CudaStatus.driver(
                    cudart.cuMemcpyDtoHAsync(bytes, address, target.limit(), context.stream()),
                    () -> "downloading " + array.dtype() + " " + array.shape());
            context.synchronize("downloading " + array.shape());
        }
    }

    /** What moves elements between arrangements. */
    StridedCopy copies() {
        return copy;
    }

    @Override
    public Supplier<HostTensor> downloadBehind(Array source) {
        CudaArray array = CudaArray.cast(source);
        return AsyncDownloads.fits(array) ? downloads.start(array) : MemoryOps.super.downloadBehind(source);
    }

    @Override
    public CudaArray full(Shape shape, DType dtype, double value) {
        CudaArray y = pool.take(dtype, shape);
        fill(y, value);
        return y;
    }

    public void fill(CudaArray y, double value) {
        kernels.get(SOURCE, "fill", y.dtype())
                .each(y.size(), kernels.arguments().add(y).add(y.size()).add(value));
    }

    @Override
    public CudaArray cast(Array source, DType dtype) {
        CudaArray x = CudaArray.cast(source);
        CudaArray y = pool.take(dtype, x.shape());
        convert(x, y);
        return y;
    }

    /** The numbers in a type: a view if they are in it already, else a copy. To be released either way. */
    public CudaArray as(DType dtype, Array x) {
        if (x.dtype() == dtype) {
            return pool.view(CudaArray.cast(x), 0, x.shape());
        }
        return cast(x, dtype);
    }

    /**
     * As {@link #as} for a parameter. While one is trained, float32 becomes bfloat16 by deterministic dithered rounding:
     * each index has a threshold of its own between two neighbors, the same every time, so that a step that is shorter
     * than their distance moves as many of the rounded numbers as its length says. Rounding to nearest would move all of
     * them or none where they start out as bfloat16, which is what checkpoints hold. What is only used is rounded to
     * nearest, as what {@link #as} gives and what is kept in bfloat16 is.
     *
     * @param trained whether its gradient is wanted
     */
    public CudaArray parameter(DType dtype, Array x, boolean trained) {
        if (!trained || x.dtype() != DType.FLOAT32 || dtype != DType.BFLOAT16) {
            return as(dtype, x);
        }
        CudaArray y = pool.take(dtype, x.shape());
        dither(x, y);
        return y;
    }

    private void dither(Array x, CudaArray y) {
        kernels.source(SOURCE)
                .kernel("round_dithered")
                .each(CudaKernels.fours(y.size()), kernels.arguments().add(x, y).add(y.size()));
    }

    /** Trained matrices as {@link #parameter} rounds each, one below the other. */
    public CudaArray joined(DType dtype, Array upper, Array lower) {
        long width = upper.shape().dim(1);
        long first = upper.shape().dim(0);
        CudaArray y = pool.take(dtype, Shape.of(first + lower.shape().dim(0), width));
        put(upper, pool.view(y, 0, upper.shape()));
        put(lower, pool.view(y, first * width, lower.shape()));
        return y;
    }

    private void put(Array x, CudaArray place) {
        if (x.dtype() == DType.FLOAT32 && place.dtype() == DType.BFLOAT16) {
            dither(x, place);
        } else {
            convert(CudaArray.cast(x), place);
        }
        pool.release(place);
    }

    /** As {@link #as}; x is given back. */
    public CudaArray into(DType dtype, CudaArray x) {
        CudaArray result = as(dtype, x);
        pool.release(x);
        return result;
    }

    private void convert(CudaArray x, CudaArray y) {
        if (x.dtype() == y.dtype()) {
            copy.contiguous(y.address(), x.address(), x.size() * x.dtype().bytes());
            return;
        }
        String fast = fastCast(x.dtype(), y.dtype());
        if (fast != null) {
            kernels.source(SOURCE)
                    .kernel(fast)
                    .each(
                            CudaKernels.fours(x.size()),
                            kernels.arguments().add(x, y).add(x.size()));
            return;
        }
        kernels.source(SOURCE)
                .kernel("cast")
                .each(
                        x.size(),
                        kernels.arguments()
                                .add(x)
                                .add(ElementType.code(x.dtype()))
                                .add(y)
                                .add(ElementType.code(y.dtype()))
                                .add(x.size()));
    }

    private static @Nullable String fastCast(DType from, DType to) {
        if (from == DType.FLOAT32 && to == DType.BFLOAT16) {
            return "cast_f32_bf16";
        }
        return from == DType.BFLOAT16 && to == DType.FLOAT32 ? "cast_bf16_f32" : null;
    }

    @Override
    public void copyInto(Array target, Array source) {
        convert(CudaArray.cast(source), CudaArray.cast(target));
    }

    @Override
    public void copyInto(Array target, int axis, long from, Array source) {
        CudaArray into = CudaArray.cast(target);
        CudaArray given = CudaArray.cast(source);
        if (given.dtype() != into.dtype()) {
            CudaArray converted = cast(given, into.dtype());
            copyInto(target, axis, from, converted);
            release(converted);
            return;
        }
        copy.intoAxis(into, axis, from, given);
    }

    @Override
    public boolean isShared(Array array) {
        return CudaArray.cast(array).block().isShared();
    }

    @Override
    public void release(Array array) {
        pool.release(CudaArray.cast(array));
    }

    @Override
    public long liveBytes() {
        return pool.liveBytes();
    }

    @Override
    public long peakBytes() {
        return pool.peakBytes();
    }

    @Override
    public long reservedBytes() {
        return pool.reservedBytes();
    }
}
