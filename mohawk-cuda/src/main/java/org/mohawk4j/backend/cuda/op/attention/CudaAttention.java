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
import org.mohawk4j.backend.cuda.op.Gpu;
import org.mohawk4j.op.AttentionFunction.FusedAttention;
import org.mohawk4j.op.AttentionScores;
import org.mohawk4j.tensor.types.DType;
import org.mohawk4j.tensor.types.Shape;

/** Causal attention in bfloat16 with a float32 softmax, without its matrix. Saves its operands, output and row sums. */
public final class CudaAttention implements FusedAttention {
    private static final String FORWARD = "op/attention/attention_forward.cu";
    private static final String BACKWARD = "op/attention/attention_backward.cu";
    private static final Set<Long> WIDTHS = Set.of(32L, 64L, 96L, 128L);

    /** Of heads as wide as this, the sums of a tile's gradients do not fit into registers. */
    private static final long FORWARD_ONLY = 256;

    private static final int WARPGROUP = 128;
    private static final int ROWS_PER_WARPGROUP = 64;

    private final Gpu gpu;
    private final SupportedSizes sizes = new SupportedSizes();

    public CudaAttention(Gpu gpu) {
        this.gpu = gpu;
    }

    @Override
    public boolean supports(long heads, long groups, long headDim, AttentionScores scores, boolean kept) {
        boolean known = WIDTHS.contains(headDim) || (headDim == FORWARD_ONLY && !kept);
        return known
                && scores.scale() > 0
                && sizes.fits("attention of head width " + headDim, () -> shortage(headDim, scores));
    }

    private Optional<String> shortage(long headDim, AttentionScores scores) {
        Launch forward = forward(source(FORWARD, headDim, scores));
        return (headDim == FORWARD_ONLY ? Stream.of(forward) : all(forward, source(BACKWARD, headDim, scores)))
                .flatMap(launch -> gpu.kernels().shortage(launch.kernel(), launch.sharedBytes()).stream())
                .findFirst();
    }

    private static Stream<Launch> all(Launch forward, CudaKernels.Source backward) {
        return Stream.of(forward, backwardKeys(backward), backwardQueries(backward));
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

    /** As {@code attention.cuh} numbers what becomes of scores. */
    private CudaKernels.Source source(String name, long headDim, AttentionScores scores) {
        int code = scores.softCap() > 0 ? 2 : scores.window() > 0 ? 1 : 0;
        return gpu.source(
                name,
                "ATTENTION_P=" + headDim,
                "ATTENTION_WGMMA=" + (gpu.warpgroups() ? 1 : 0),
                "ATTENTION_SCORES=" + code);
    }

    private static Launch forward(CudaKernels.Source source) {
        int[] sizes = source.constants("attentionForwardSizes", 2);
        return new Launch(source.kernel("attention_forward"), sizes[0], sizes[1]);
    }

    private static Launch backwardKeys(CudaKernels.Source source) {
        int[] sizes = source.constants("attentionBackwardSizes", 5);
        return new Launch(source.kernel("attention_backward_kv"), sizes[0], sizes[1]);
    }

    private static Launch backwardQueries(CudaKernels.Source source) {
        int[] sizes = source.constants("attentionBackwardSizes", 5);
        return new Launch(source.kernel("attention_backward_q"), sizes[2], sizes[3]);
    }

    private static KernelArguments extents(KernelArguments arguments, Array q, Array k, AttentionScores scores) {
        return arguments
                .add(Math.toIntExact(q.shape().dim(1)))
                .add(Math.toIntExact(k.shape().dim(1)))
                .add(Math.toIntExact(q.shape().dim(2)))
                .add(Math.toIntExact(k.shape().dim(2)))
                .add((float) scores.scale())
                .add((float) scores.softCap())
                .add(Math.toIntExact(scores.window()));
    }

    @Override
    public Result forward(Array q, Array k, Array v, AttentionScores scores, boolean kept) {
        Shape shape = q.shape();
        CudaArray queries = gpu.as(DType.BFLOAT16, q);
        CudaArray keys = gpu.as(DType.BFLOAT16, k);
        CudaArray values = gpu.as(DType.BFLOAT16, v);
        CudaArray output = gpu.take(DType.BFLOAT16, shape);
        CudaArray lse = gpu.take(DType.FLOAT32, Shape.of(shape.dim(0), shape.dim(2), shape.dim(1)));
        forward(source(FORWARD, shape.dim(3), scores))
                .over(
                        shape.dim(1),
                        shape.dim(2),
                        shape.dim(0),
                        extents(gpu.arguments().add(queries, keys, values, output, lse), q, k, scores));
        CudaArray result = gpu.as(q.dtype(), output);
        List<Array> saved = List.of(queries, keys, values, output, lse);
        if (kept) {
            return new Result(result, saved);
        }
        saved.forEach(array -> gpu.release(CudaArray.cast(array)));
        return new Result(result, List.of());
    }

    @Override
    public Gradients backward(
            Array outputGradient, Array q, Array k, Array v, Array output, List<Array> saved, AttentionScores scores) {
        Shape shape = q.shape();
        CudaKernels.Source source = source(BACKWARD, shape.dim(3), scores);
        CudaArray upstream = gpu.as(DType.BFLOAT16, outputGradient);
        CudaArray lse = CudaArray.cast(saved.get(4));
        CudaArray delta = gpu.take(DType.FLOAT32, lse.shape());
        CudaArray dq = gpu.take(DType.BFLOAT16, shape);
        CudaArray dk = gpu.take(DType.BFLOAT16, k.shape());
        CudaArray dv = gpu.take(DType.BFLOAT16, v.shape());
        long threads = shape.size() / shape.dim(3) * source.constants("attentionBackwardSizes", 5)[4];
        source.kernel("attention_delta")
                .blocks(
                        (threads + CudaKernels.THREADS - 1) / CudaKernels.THREADS,
                        gpu.arguments()
                                .add(saved.get(3), upstream, delta)
                                .add(Math.toIntExact(shape.dim(0)))
                                .add(Math.toIntExact(shape.dim(1)))
                                .add(Math.toIntExact(shape.dim(2))));
        backwardKeys(source)
                .over(
                        k.shape().dim(1),
                        k.shape().dim(2),
                        shape.dim(0),
                        extents(operands(saved, upstream, delta).add(dk, dv), q, k, scores));
        backwardQueries(source)
                .over(
                        shape.dim(1),
                        shape.dim(2),
                        shape.dim(0),
                        extents(operands(saved, upstream, delta).add(dq), q, k, scores));
        gpu.release(upstream);
        gpu.release(delta);
        return new Gradients(gpu.into(q.dtype(), dq), gpu.into(k.dtype(), dk), gpu.into(v.dtype(), dv));
    }

    private KernelArguments operands(List<Array> saved, CudaArray upstream, CudaArray delta) {
        return gpu.arguments().add(saved.get(0), saved.get(1), saved.get(2), upstream, saved.get(4), delta);
    }
}
