package org.mohawk4j.backend.cuda.op.mamba;

import org.jspecify.annotations.Nullable;
import org.mohawk4j.backend.Array;
import org.mohawk4j.backend.cuda.compile.CudaKernels;
import org.mohawk4j.backend.cuda.memory.CudaArray;
import org.mohawk4j.backend.cuda.op.Gpu;
import org.mohawk4j.mixer.DiscreteMamba2;
import org.mohawk4j.mixer.DiscreteMamba2.FusedStep;
import org.mohawk4j.tensor.types.DType;
import org.mohawk4j.tensor.types.Shape;

/** A position of discrete Mamba-2 in one launch. */
public final class CudaMambaStep implements FusedStep {
    private static final String SOURCE = "op/mamba/mamba_step.cu";

    /** Entries of a head that one block takes at least. */
    private static final long FEWEST = 16;

    private final Gpu gpu;
    private @Nullable CudaArray tickets;

    public CudaMambaStep(Gpu gpu) {
        this.gpu = gpu;
    }

    @Override
    public Array step(Array projected, Weights weights, Array history, Array state) {
        CudaArray in = CudaArray.cast(projected);
        DiscreteMamba2.Config config = weights.config();
        long batch = in.shape().dim(0);
        long headDim = config.innerWidth() / config.heads();
        // a head for each block, unless that leaves processors without one
        long entries = batch * config.heads() < gpu.device().multiprocessors() ? Math.min(FEWEST, headDim) : headDim;
        long numbers = 2L * config.stateSize() + entries;
        CudaArray y = gpu.take(in.dtype(), Shape.of(batch, config.innerWidth()));
        CudaArray counted = tickets(batch * config.groups());
        gpu.kernel(SOURCE, "mamba_step", in.dtype())
                .overlapping()
                .launch(
                        config.heads(),
                        (headDim + entries - 1) / entries,
                        Math.toIntExact(batch),
                        CudaKernels.THREADS,
                        Math.toIntExact(numbers * history.dtype().bytes()),
                        gpu.arguments()
                                .add(in)
                                .add(weights.convWeight())
                                .add(weights.convBias())
                                .add(history, counted)
                                .add(weights.skip())
                                .add(weights.zBias())
                                .add(state, y)
                                .add(config.heads())
                                .add(config.groups())
                                .add(Math.toIntExact(headDim))
                                .add(config.stateSize())
                                .add(config.convWidth())
                                .add(Math.toIntExact(entries)));
        return y;
    }

    /** Zeros at least as many, of which a launch leaves zeros again. */
    private CudaArray tickets(long count) {
        CudaArray held = tickets;
        if (held == null || held.size() < count) {
            // a recording may still use the one before
            held = gpu.memory().full(Shape.of(count), DType.INT32, 0);
            tickets = held;
        }
        return held;
    }
}
