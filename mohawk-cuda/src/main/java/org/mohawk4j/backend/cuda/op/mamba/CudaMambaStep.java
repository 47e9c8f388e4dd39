package org.mohawk4j.backend.cuda.op.mamba;

import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.mohawk4j.backend.Array;
import org.mohawk4j.backend.cuda.compile.CudaKernels;
import org.mohawk4j.backend.cuda.memory.CudaArray;
import org.mohawk4j.backend.cuda.memory.CudaPool;
import org.mohawk4j.backend.cuda.op.Gpu;
import org.mohawk4j.backend.cuda.op.linear.Operation;
import org.mohawk4j.backend.cuda.op.linear.PersistentLaunch;
import org.mohawk4j.backend.cuda.op.linear.ProjectionSizes;
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
    private final PersistentLaunch launch;
    private @Nullable CudaArray tickets;

    public CudaMambaStep(Gpu gpu, PersistentLaunch launch) {
        this.gpu = gpu;
        this.launch = launch;
    }

    @Override
    public Array step(Array projected, Weights weights, Array history, Array state) {
        CudaArray in = CudaArray.cast(projected);
        DiscreteMamba2.Config config = weights.config();
        long batch = in.shape().dim(0);
        CudaArray y = gpu.take(in.dtype(), Shape.of(batch, config.innerWidth()));
        Step step = Step.of(in, weights, history, state, y, gpu.device().multiprocessors());
        if (in.dtype() == DType.BFLOAT16 && launch.collects() && launch.fits(step, batch)) {
            launch.add(step, batch);
            return y;
        }
        CudaArray counted = tickets(batch * config.groups());
        gpu.kernel(SOURCE, "mamba_step", in.dtype())
                .overlapping()
                .launch(
                        config.heads(),
                        step.jobsOfHead,
                        Math.toIntExact(batch),
                        CudaKernels.THREADS,
                        Math.toIntExact(step.numbers * history.dtype().bytes()),
                        gpu.arguments().addStruct(step.arrays).add(counted));
        return y;
    }

    /** The step as {@code mamba_step.cuh} has it. */
    private static final class Step implements Operation {
        /** The number in {@code projections.cu}. */
        private static final int FORM = 4;

        /** The fields there. */
        private final long[] arrays;

        private final CudaArray y;

        /** Blocks that take entries of a head each. */
        private final long jobsOfHead;

        /** That a block keeps in shared memory. */
        private final long numbers;

        private Step(long[] arrays, CudaArray y, long jobsOfHead, long numbers) {
            this.arrays = arrays;
            this.y = y;
            this.jobsOfHead = jobsOfHead;
            this.numbers = numbers;
        }

        private static Step of(
                CudaArray in, Weights weights, Array history, Array state, CudaArray y, int multiprocessors) {
            DiscreteMamba2.Config config = weights.config();
            long headDim = config.innerWidth() / config.heads();
            // a job for each multiprocessor, but not of too few entries
            long jobs = Math.max(1, multiprocessors / (in.shape().dim(0) * config.heads()));
            long entries = Math.max(Math.min(FEWEST, headDim), (headDim + jobs - 1) / jobs);
            long[] arrays = {
                in.address(),
                address(weights.convWeight()),
                address(weights.convBias()),
                address(history),
                address(weights.skip()),
                address(weights.zBias()),
                address(state),
                y.address(),
                config.heads(),
                config.groups(),
                headDim,
                config.stateSize(),
                config.convWidth(),
                entries
            };
            return new Step(arrays, y, (headDim + entries - 1) / entries, 2L * config.stateSize() + entries);
        }

        private static long address(Array array) {
            return CudaArray.cast(array).address();
        }

        @Override
        public long[] fields(Set<CudaPool.Block> before, int segment) {
            long[] fields = new long[FIELDS];
            fields[0] = FORM;
            fields[3] = segment;
            System.arraycopy(arrays, 0, fields, HEADER, arrays.length);
            return fields;
        }

        @Override
        public Set<CudaPool.Block> outputs() {
            return Set.of(y.block());
        }

        @Override
        public long inputBytes(ProjectionSizes sizes, long rows) {
            return numbers * Float.BYTES;
        }
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
