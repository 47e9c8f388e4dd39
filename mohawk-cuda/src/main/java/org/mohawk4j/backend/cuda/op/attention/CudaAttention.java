package org.mohawk4j.backend.cuda.op.attention;

import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;
import org.mohawk4j.backend.Array;
import org.mohawk4j.backend.cuda.compile.CudaKernels;
import org.mohawk4j.backend.cuda.compile.KernelArguments;
import org.mohawk4j.backend.cuda.compile.SupportedSizes;
import org.mohawk4j.backend.cuda.memory.CudaArray;
import org.mohawk4j.backend.cuda.memory.CudaPool;
import org.mohawk4j.backend.cuda.op.tensor.Conversions;
import org.mohawk4j.op.AttentionFunction.FusedAttention;
import org.mohawk4j.tensor.types.DType;
import org.mohawk4j.tensor.types.Shape;

/** Causal attention in bfloat16 with a float32 softmax, without its matrix. Saves its operands, output and row sums. */
public final class CudaAttention implements FusedAttention {
    private static final String FORWARD = "op/attention/attention_forward.cu";
    private static final String BACKWARD = "op/attention/attention_backward.cu";
    private static final Set<Long> WIDTHS = Set.of(32L, 64L, 128L);
    private static final int WARPGROUP = 128;
    private static final int ROWS_PER_WARPGROUP = 64;

    /** Elements that a thread of {@code attention_delta} takes. */
    private static final long VECTOR = 8;

    private final CudaPool pool;
    private final CudaKernels kernels;
    private final Conversions conversions;
    private final boolean warpgroups;
    private final SupportedSizes sizes = new SupportedSizes();

    /** @param warpgroups whether products run on {@code wgmma}; otherwise on {@code mma.sync}, which every device has */
    public CudaAttention(CudaPool pool, CudaKernels kernels, Conversions conversions, boolean warpgroups) {
        this.warpgroups = warpgroups;
        this.pool = pool;
        this.kernels = kernels;
        this.conversions = conversions;
    }

    @Override
    public boolean supports(long heads, long groups, long headDim, double scale) {
        return WIDTHS.contains(headDim)
                && scale > 0
                && sizes.fits("attention of head width " + headDim, () -> shortage(headDim));
    }

    private Optional<String> shortage(long headDim) {
        CudaKernels.Source backward = source(BACKWARD, headDim);
        return Stream.of(forward(source(FORWARD, headDim)), backwardKeys(backward), backwardQueries(backward))
                .flatMap(launch -> kernels.shortage(launch.kernel(), launch.sharedBytes()).stream())
                .findFirst();
    }

    /** How one of the kernels is launched. */
    private record Launch(CudaKernels.CudaFunction kernel, int warpgroups, int sharedBytes) {
        /** A block for each so many positions, for each head, for each sequence. */
        void over(long positions, long heads, long batch, KernelArguments arguments) {
            long rows = (long) warpgroups * ROWS_PER_WARPGROUP;
            kernel.launch(
                    (positions + rows - 1) / rows,
                    heads,
                    Math.toIntExact(batch),
                    warpgroups * WARPGROUP,
                    sharedBytes,
                    arguments);
        }
    }

    private CudaKernels.Source source(String name, long headDim) {
        return kernels.source(name, "ATTENTION_P=" + headDim, "ATTENTION_WGMMA=" + (warpgroups ? 1 : 0));
    }

    private static Launch forward(CudaKernels.Source source) {
        int[] sizes = source.constants("attentionForwardSizes", 2);
        return new Launch(source.kernel("attention_forward"), sizes[0], sizes[1]);
    }

    private static Launch backwardKeys(CudaKernels.Source source) {
        int[] sizes = source.constants("attentionBackwardSizes", 4);
        return new Launch(source.kernel("attention_backward_kv"), sizes[0], sizes[1]);
    }

    private static Launch backwardQueries(CudaKernels.Source source) {
        int[] sizes = source.constants("attentionBackwardSizes", 4);
        return new Launch(source.kernel("attention_backward_q"), sizes[2], sizes[3]);
    }

    private static KernelArguments extents(KernelArguments arguments, Array q, Array k, double scale) {
        return arguments
                .add(Math.toIntExact(q.shape().dim(1)))
                .add(Math.toIntExact(k.shape().dim(1)))
                .add(Math.toIntExact(q.shape().dim(2)))
                .add(Math.toIntExact(k.shape().dim(2)))
                .add((float) scale);
    }

    @Override
    public Result forward(Array q, Array k, Array v, double scale, boolean kept) {
        Shape shape = q.shape();
        CudaArray queries = conversions.as(DType.BFLOAT16, q);
        CudaArray keys = conversions.as(DType.BFLOAT16, k);
        CudaArray values = conversions.as(DType.BFLOAT16, v);
        CudaArray output = pool.take(DType.BFLOAT16, shape);
        CudaArray lse = pool.take(DType.FLOAT32, Shape.of(shape.dim(0), shape.dim(2), shape.dim(1)));
        forward(source(FORWARD, shape.dim(3)))
                .over(
                        shape.dim(1),
                        shape.dim(2),
                        shape.dim(0),
                        extents(
                                kernels.arguments()
                                        .add(queries)
                                        .add(keys)
                                        .add(values)
                                        .add(output)
                                        .add(lse),
                                q,
                                k,
                                scale));
        CudaArray result = conversions.as(q.dtype(), output);
        List<Array> saved = List.of(queries, keys, values, output, lse);
        if (kept) {
            return new Result(result, saved);
        }
        saved.forEach(array -> pool.release(CudaArray.cast(array)));
        return new Result(result, List.of());
    }

    @Override
    public Gradients backward(
            Array outputGradient, Array q, Array k, Array v, Array output, List<Array> saved, double scale) {
        Shape shape = q.shape();
        CudaKernels.Source source = source(BACKWARD, shape.dim(3));
        CudaArray upstream = conversions.as(DType.BFLOAT16, outputGradient);
        CudaArray lse = CudaArray.cast(saved.get(4));
        CudaArray delta = pool.take(DType.FLOAT32, lse.shape());
        CudaArray dq = pool.take(DType.BFLOAT16, shape);
        CudaArray dk = pool.take(DType.BFLOAT16, k.shape());
        CudaArray dv = pool.take(DType.BFLOAT16, v.shape());
        long vectors = shape.size() / VECTOR;
        source.kernel("attention_delta")
                .launch(
                        (vectors + CudaKernels.THREADS - 1) / CudaKernels.THREADS,
                        1,
                        CudaKernels.THREADS,
                        0,
                        kernels.arguments()
                                .add(CudaArray.cast(saved.get(3)))
                                .add(upstream)
                                .add(delta)
                                .add(Math.toIntExact(shape.dim(0)))
                                .add(Math.toIntExact(shape.dim(1)))
                                .add(Math.toIntExact(shape.dim(2))));
        backwardKeys(source)
                .over(
                        k.shape().dim(1),
                        k.shape().dim(2),
                        shape.dim(0),
                        extents(operands(saved, upstream, delta).add(dk).add(dv), q, k, scale));
        backwardQueries(source)
                .over(
                        shape.dim(1),
                        shape.dim(2),
                        shape.dim(0),
                        extents(operands(saved, upstream, delta).add(dq), q, k, scale));
        pool.release(upstream);
        pool.release(delta);
        return new Gradients(
                conversions.into(q.dtype(), dq), conversions.into(k.dtype(), dk), conversions.into(v.dtype(), dv));
    }

    private KernelArguments operands(List<Array> saved, CudaArray upstream, CudaArray delta) {
        return kernels.arguments()
                .add(CudaArray.cast(saved.get(0)))
                .add(CudaArray.cast(saved.get(1)))
                .add(CudaArray.cast(saved.get(2)))
                .add(upstream)
                .add(CudaArray.cast(saved.get(4)))
                .add(delta);
    }
}
