package org.mohawk4j.backend.cuda;

import org.mohawk4j.backend.Array;
import org.mohawk4j.mixer.DiscreteMamba2;
import org.mohawk4j.mixer.DiscreteMamba2.StepKernel;
import org.mohawk4j.tensor.Shape;

/** A position of discrete Mamba-2 in two launches. */
final class CudaMambaStep implements StepKernel {
    private static final String SOURCE = "mamba_step.cu";

    /** Entries of a head that one block takes: enough blocks for all processors at batch 1. */
    private static final long ENTRIES = 16;

    private final CudaPool pool;
    private final CudaKernels kernels;

    CudaMambaStep(CudaPool pool, CudaKernels kernels) {
        this.pool = pool;
        this.kernels = kernels;
    }

    @Override
    public Array step(Array projected, Weights weights, Array history, Array state) {
        CudaArray in = CudaArray.cast(projected);
        CudaArray past = CudaArray.cast(history);
        DiscreteMamba2.Config config = weights.config();
        long batch = in.shape().dim(0);
        long width = in.shape().dim(1);
        long channels = past.shape().dim(2);
        long headDim = config.width() / config.heads();
        CudaArray convolved = pool.take(past.dtype(), Shape.of(batch, channels));
        kernels.get(SOURCE, "mamba_convolve", in.dtype())
                .overlapping()
                .each(
                        convolved.size(),
                        kernels.arguments()
                                .add(in)
                                .add(CudaArray.cast(weights.convWeight()))
                                .add(CudaArray.cast(weights.convBias()))
                                .add(past)
                                .add(convolved)
                                .add(batch)
                                .add(channels)
                                .add((long) config.convWidth())
                                .add(width));
        CudaArray y = pool.take(in.dtype(), Shape.of(batch, config.width()));
        kernels.get(SOURCE, "mamba_step", in.dtype())
                .overlapping()
                .launch(
                        config.heads(),
                        (headDim + ENTRIES - 1) / ENTRIES,
                        Math.toIntExact(batch),
                        CudaKernels.THREADS,
                        0,
                        kernels.arguments()
                                .add(in)
                                .add(convolved)
                                .add(CudaArray.cast(weights.skip()))
                                .add(CudaArray.cast(weights.zBias()))
                                .add(CudaArray.cast(state))
                                .add(y)
                                .add((long) config.heads())
                                .add((long) config.groups())
                                .add(headDim)
                                .add((long) config.stateSize())
                                .add(width));
        pool.release(convolved);
        return y;
    }
}
