package org.mohawk4j.backend.cuda;

import java.nio.ByteBuffer;
import java.util.Optional;
import java.util.function.Supplier;
import org.bytedeco.cuda.global.cudart;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.javacpp.Pointer;
import org.jspecify.annotations.Nullable;
import org.mohawk4j.backend.Array;
import org.mohawk4j.backend.MemoryOps;
import org.mohawk4j.tensor.DType;
import org.mohawk4j.tensor.HostMemory;
import org.mohawk4j.tensor.HostTensor;
import org.mohawk4j.tensor.Shape;

/** Numbers to and from the device, and between types. */
final class CudaMemory implements MemoryOps {
    static final String SOURCE = "elementwise.cu";

    private final CudaContext context;
    private final CudaPool pool;
    private final CudaKernels kernels;
    private final StridedCopy copy;
    private final Downloads downloads;

    CudaMemory(CudaContext context, CudaPool pool, CudaKernels kernels, Downloads downloads) {
        this.downloads = downloads;
        this.context = context;
        this.pool = pool;
        this.kernels = kernels;
        this.copy = new StridedCopy(context, kernels);
    }

    @Override
    public Array upload(HostTensor source, DType dtype) {
        CudaArray target = pool.take(source.dtype(), source.shape());
        try (BytePointer bytes = bytes(source.data())) {
            Status.driver(
                    cudart.cuMemcpyHtoDAsync(target.address(), bytes, bytes.limit(), context.stream()),
                    () -> "uploading " + source.dtype() + " " + source.shape());
            // the host's numbers may be freed as soon as this returns
            context.synchronize("uploading " + source.shape());
        }
        if (source.dtype() == dtype) {
            return target;
        }
        Array converted = cast(target, dtype);
        release(target);
        return converted;
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
    public void download(Array source, ByteBuffer target) {
        CudaArray array = CudaArray.cast(source);
        long length = array.size() * array.dtype().bytes();
        // a pointer starts where its buffer stands
        try (BytePointer bytes = new BytePointer(target.duplicate().position(0))) {
            Status.driver(
                    cudart.cuMemcpyDtoHAsync(bytes, array.address(), length, context.stream()),
                    () -> "downloading " + array.dtype() + " " + array.shape());
            context.synchronize("downloading " + array.shape());
        }
    }

    @Override
    public Supplier<HostTensor> downloadBehind(Array source) {
        CudaArray array = CudaArray.cast(source);
        return Downloads.fits(array) ? downloads.start(array) : MemoryOps.super.downloadBehind(source);
    }

    @Override
    public Optional<HostMemory> allocateHost(int bytes) {
        Pointer taken = Pointer.malloc(Math.max(1, bytes));
        return taken == null || taken.isNull()
                ? Optional.empty()
                : Optional.of(new HostMemory(
                        new BytePointer(taken).capacity(bytes).asByteBuffer(), () -> Pointer.free(taken)));
    }

    @Override
    public Array full(Shape shape, DType dtype, double value) {
        CudaArray y = pool.take(dtype, shape);
        fill(y, value);
        return y;
    }

    void fill(CudaArray y, double value) {
        kernels.get(SOURCE, "fill", y.dtype())
                .each(y.size(), kernels.arguments().add(y).add(y.size()).add(value));
    }

    @Override
    public Array cast(Array source, DType dtype) {
        CudaArray x = CudaArray.cast(source);
        CudaArray y = pool.take(dtype, x.shape());
        convert(x, y);
        return y;
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
                            kernels.arguments().add(x).add(y).add(x.size()));
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
            Array converted = cast(given, into.dtype());
            copyInto(target, axis, from, converted);
            release(converted);
            return;
        }
        copy.intoAxis(into, axis, from, given);
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
