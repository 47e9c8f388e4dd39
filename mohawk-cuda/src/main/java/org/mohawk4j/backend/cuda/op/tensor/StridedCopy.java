package org.mohawk4j.backend.cuda.op.tensor;

import org.bytedeco.cuda.global.cudart;
import org.mohawk4j.backend.cuda.compile.CudaKernels;
import org.mohawk4j.backend.cuda.driver.CudaContext;
import org.mohawk4j.backend.cuda.driver.CudaStatus;
import org.mohawk4j.backend.cuda.memory.CudaArray;
import org.mohawk4j.tensor.types.DType;

/** Moves elements from one arrangement to another. */
public final class StridedCopy {
    public static final String SOURCE = "op/tensor/layout.cu";

    /** What a thread moves at once at most. */
    private static final long MOST_BYTES = 16;

    private final CudaContext context;
    private final CudaKernels kernels;

    public StridedCopy(CudaContext context, CudaKernels kernels) {
        this.context = context;
        this.kernels = kernels;
    }

    /** @param at the target on its left, the source on its right */
    public void copy(long target, long source, DType dtype, Indexing at, long size) {
        if (at.isContiguous()) {
            contiguous(target, source, size * dtype.bytes());
            return;
        }
        int most = (int) Math.min(MOST_BYTES, Long.lowestOneBit(target | source | MOST_BYTES)) / dtype.bytes();
        int together = at.together(Math.max(1, most));
        kernels.source(SOURCE)
                .kernel("copy_strided_" + together * dtype.bytes())
                .each(
                        size / together,
                        kernels.arguments()
                                .add(target)
                                .add(source)
                                .add(size / together)
                                .addStruct((together == 1 ? at : at.grouped(together)).fields()));
    }

    /** Overwrites positions {@code from ..} of one axis; both have one type. */
    public void intoAxis(CudaArray target, int axis, long from, CudaArray source) {
        long[] strides = Indexing.strides(target.shape());
        copy(
                target.address() + from * strides[axis] * target.dtype().bytes(),
                source.address(),
                target.dtype(),
                new Indexing(source.shape(), strides, Indexing.strides(source.shape())),
                source.size());
    }

    public void contiguous(long target, long source, long bytes) {
        if (context.dry().isPresent()) {
            context.dry().get().launch("copy", 0, 2 * bytes);
            return;
        }
        context.profiler().begin();
        CudaStatus.driver(
                cudart.cuMemcpyDtoDAsync(target, source, bytes, context.stream()), () -> "copying " + bytes + " bytes");
        context.profiler().end("copy");
    }
}
