package org.mohawk4j.train.config;

import com.fasterxml.jackson.annotation.JsonProperty;
import org.mohawk4j.backend.BackendOptions;
import org.mohawk4j.tensor.Engine;
import org.mohawk4j.tensor.types.DType;
import org.mohawk4j.train.yaml.Ranges;

/**
 * Backend, device and precision of a run.
 *
 * @param threads of the CPU; 0: as many as the backend finds
 * @param backend {@code auto} or the name of one
 * @param device which of the backend's devices, from 0
 * @param dtype what a run computes in
 * @param gpus how many of one machine a run takes, each by a process of its own that the command starts
 * @param shardParameters whether several ranks divide the student's parameters, beside the optimizer
 * @param parallelism of several ranks in stages that align layers
 */
public record MachineConfig(
        int threads,
        String backend,
        int device,
        Precision dtype,
        int gpus,
        boolean shardParameters,
        LayerwiseParallelism parallelism) {
    /** What ranks divide among themselves in stages that align layers. Other stages are data parallel. */
    public enum LayerwiseParallelism {
        /** The windows of a batch. */
        @JsonProperty("data")
        DATA,
        /** The layers. */
        @JsonProperty("layer")
        LAYER,
        /** The windows of a batch that has an equal share for each rank, otherwise the layers. */
        @JsonProperty("auto")
        AUTO;

        private boolean dividesLayers(int batch, int shares) {
            return this == LAYER || (this == AUTO && batch % shares != 0);
        }
    }

    /** What a run computes in. */
    public enum Precision {
        /** 32 bits throughout. */
        @JsonProperty("float")
        FLOAT(DType.FLOAT32, false),
        /** 64 bits, for checks. */
        @JsonProperty("double")
        DOUBLE(DType.FLOAT64, false),
        /** Parameters, sums and optimizer in 32 bits, operands of products in bfloat16. For GPUs. */
        @JsonProperty("bf16")
        BFLOAT16(DType.FLOAT32, true);

        private final DType dtype;
        private final boolean mixed;

        Precision(DType dtype, boolean mixed) {
            this.dtype = dtype;
            this.mixed = mixed;
        }

        /** What a backend is opened with for it. */
        public BackendOptions options() {
            return BackendOptions.defaults().withParameterType(dtype).withMixed(mixed);
        }
    }

    /** Checks the ranges. */
    public MachineConfig {
        Ranges.atLeast(0, "threads", threads);
        Ranges.require(!backend.isBlank(), "backend", "auto or the name of a backend", "nothing");
        Ranges.atLeast(0, "device", device);
        Ranges.atLeast(1, "gpus", gpus);
    }

    /** The defaults. */
    public static MachineConfig defaults() {
        return new MachineConfig(0, "auto", 0, Precision.FLOAT, 1, false, LayerwiseParallelism.DATA);
    }

    /**
     * Whether ranks divide the layers of a stage instead of its windows.
     *
     * @param accumulate micro-batches of a batch
     */
    boolean dividesLayers(ActiveStage stage, int ranks, int accumulate) {
        return ranks > 1
                && stage.objective().isLayerwise()
                && parallelism.dividesLayers(stage.batch(), ranks * accumulate);
    }

    /**
     * The engine that it asks for, the caller's to close.
     *
     * @throws org.mohawk4j.InvalidInputException if there is no such backend or device, or it cannot run here
     */
    public Engine open() {
        return Engine.open(backend, options());
    }

    /** What its backend is opened with. */
    public BackendOptions options() {
        return dtype.options().withThreads(threads).withDevice(device);
    }
}
