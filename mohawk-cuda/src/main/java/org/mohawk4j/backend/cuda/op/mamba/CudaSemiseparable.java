package org.mohawk4j.backend.cuda.op.mamba;

import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.mohawk4j.backend.Array;
import org.mohawk4j.backend.cuda.compile.CudaKernels;
import org.mohawk4j.backend.cuda.compile.KernelArguments;
import org.mohawk4j.backend.cuda.compile.SupportedSizes;
import org.mohawk4j.backend.cuda.memory.CudaArray;
import org.mohawk4j.backend.cuda.op.Gpu;
import org.mohawk4j.op.SemiseparableFunction.FusedSemiseparable;
import org.mohawk4j.tensor.types.DType;
import org.mohawk4j.tensor.types.Shape;

/**
 * The semiseparable product in bfloat16 with float32 sums and states, in chunks of 64 whatever chunk is asked for: one
 * launch forward, one or two backward. Saves its operands and the state before each chunk.
 */
public final class CudaSemiseparable implements FusedSemiseparable {
    private static final String FORWARD = "op/mamba/semiseparable_forward.cu";
    private static final String BACKWARD = "op/mamba/semiseparable_backward.cu";
    private static final Set<Long> WIDTHS = Set.of(16L, 32L, 64L, 128L);
    private static final long CHUNK = 64;

    private final Gpu gpu;
    private final SupportedSizes sizes = new SupportedSizes();

    public CudaSemiseparable(Gpu gpu) {
        this.gpu = gpu;
    }

    @Override
    public boolean supports(long headDim, long stateSize) {
        return WIDTHS.contains(headDim)
                && WIDTHS.contains(stateSize)
                && sizes.fits(
                        "the semiseparable product of head width " + headDim + " and state size " + stateSize,
                        () -> shortage(headDim, stateSize));
    }

    private Optional<String> shortage(long headDim, long stateSize) {
        return shortage(forward(source(FORWARD, headDim, stateSize)))
                .or(() -> shortage(backward(source(BACKWARD, headDim, stateSize))));
    }

    private Optional<String> shortage(Launch launch) {
        return gpu.kernels().shortage(launch.kernel(), launch.sharedBytes());
    }

    /** Extents of one call. */
    private record Call(long batch, int time, int heads, int groups, long p, long n) {
        long blocks() {
            return batch * heads;
        }

        Shape states() {
            return Shape.of(batch, heads, p, n);
        }

        Shape chunkStates() {
            return Shape.of(batch, heads, (time + CHUNK - 1) / CHUNK, p, n);
        }
    }

    /** How one of the kernels that go through the chunks of a head is launched. */
    private record Launch(CudaKernels.CudaFunction kernel, int threads, int sharedBytes) {
        void over(Call call, KernelArguments arguments) {
            kernel.launch(call.blocks(), 1, threads, sharedBytes, arguments);
        }
    }

    private CudaKernels.Source source(String name, long headDim, long stateSize) {
        return gpu.source(name, "SSD_HEAD_DIM=" + headDim, "SSD_STATE_SIZE=" + stateSize);
    }

    private static Launch forward(CudaKernels.Source source) {
        int[] sizes = source.constants("semiseparableForwardSizes", 2);
        return new Launch(source.kernel("semiseparable_forward"), sizes[0], sizes[1]);
    }

    private static Launch backward(CudaKernels.Source source) {
        int[] sizes = source.constants("semiseparableBackwardSizes", 2);
        return new Launch(source.kernel("semiseparable_backward"), sizes[0], sizes[1]);
    }

    private static Call call(Array x, Array b) {
        return new Call(
                x.shape().dim(0),
                Math.toIntExact(x.shape().dim(1)),
                Math.toIntExact(x.shape().dim(2)),
                Math.toIntExact(b.shape().dim(2)),
                x.shape().dim(3),
                b.shape().dim(3));
    }

    @Override
    public Forward forward(Array x, Array b, Array c, Array logDecay, Optional<Array> state, int chunk, boolean kept) {
        Call call = call(x, b);
        CudaArray xs = gpu.as(DType.BFLOAT16, x);
        CudaArray bs = gpu.as(DType.BFLOAT16, b);
        CudaArray cs = gpu.as(DType.BFLOAT16, c);
        CudaArray y = gpu.take(DType.BFLOAT16, x.shape());
        CudaArray last = gpu.take(DType.FLOAT32, call.states());
        Optional<CudaArray> before =
                kept ? Optional.of(gpu.take(DType.BFLOAT16, call.chunkStates())) : Optional.empty();
        forward(source(FORWARD, call.p(), call.n()))
                .over(
                        call,
                        gpu.arguments()
                                .add(xs, bs, cs, logDecay)
                                .add(state)
                                .add(0L)
                                .add(y, last)
                                .add(before)
                                .add(call.time())
                                .add(call.heads())
                                .add(call.groups()));
        CudaArray output = gpu.into(x.dtype(), y);
        if (before.isEmpty()) {
            List.of(xs, bs, cs).forEach(gpu::release);
            return new Forward(output, last, List.of());
        }
        return new Forward(output, last, List.of(xs, bs, cs, before.get()));
    }

    @Override
    public Gradients backward(
            Array yGradient,
            Array stateGradient,
            Array x,
            Array b,
            Array c,
            Array logDecay,
            Optional<Array> state,
            List<Array> saved,
            int chunk) {
        Call call = call(x, b);
        CudaArray upstream = gpu.as(DType.BFLOAT16, yGradient);
        CudaArray dx = gpu.take(DType.BFLOAT16, x.shape());
        CudaArray db = gpu.take(DType.BFLOAT16, b.shape());
        CudaArray dc = gpu.take(DType.BFLOAT16, c.shape());
        CudaArray ofDecay = gpu.take(DType.FLOAT32, logDecay.shape());
        Optional<CudaArray> ofState = state.map(s -> gpu.take(DType.FLOAT32, call.states()));
        boolean shared = call.groups() < call.heads();
        Shape perHead = Shape.of(call.batch(), call.time(), call.heads(), call.n());
        Optional<CudaArray> dbHeads = shared ? Optional.of(gpu.take(DType.FLOAT32, perHead)) : Optional.empty();
        Optional<CudaArray> dcHeads = shared ? Optional.of(gpu.take(DType.FLOAT32, perHead)) : Optional.empty();
        CudaKernels.Source source = source(BACKWARD, call.p(), call.n());
        backward(source)
                .over(
                        call,
                        gpu.arguments()
                                .add(saved.get(0), saved.get(1), saved.get(2), logDecay)
                                .add(0L)
                                .add(saved.get(3), upstream, stateGradient, dx, db, dc)
                                .add(dbHeads)
                                .add(dcHeads)
                                .add(ofDecay)
                                .add(ofState)
                                .add(0L)
                                .add(call.time())
                                .add(call.heads())
                                .add(call.groups()));
        if (shared) {
            long pairs = db.size() / 2;
            source.kernel("semiseparable_group_sum")
                    .launch(
                            (pairs + CudaKernels.THREADS - 1) / CudaKernels.THREADS,
                            2,
                            CudaKernels.THREADS,
                            0,
                            gpu.arguments()
                                    .add(dbHeads.orElseThrow())
                                    .add(dcHeads.orElseThrow())
                                    .add(db, dc)
                                    .add(pairs)
                                    .add(call.heads() / call.groups())
                                    .add((int) call.n()));
        }
        gpu.release(upstream);
        dbHeads.ifPresent(gpu::release);
        dcHeads.ifPresent(gpu::release);
        return new Gradients(
                gpu.into(x.dtype(), dx),
                gpu.into(b.dtype(), db),
                gpu.into(c.dtype(), dc),
                ofDecay,
                ofState.map(Array.class::cast));
    }
}
