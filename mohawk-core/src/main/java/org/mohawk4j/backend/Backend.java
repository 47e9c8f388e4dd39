package org.mohawk4j.backend;

import java.util.Optional;
import java.util.OptionalDouble;
import org.mohawk4j.tensor.types.DType;

/**
 * One device's operations. An instance serves one thread at a time and owns all memory it hands out until it is closed.
 * Operations never change their inputs unless their name says so, and their results never alias them unless they are
 * documented as views.
 *
 * <p>Element types: an operation on arrays of different floating types gives the wider one. In mixed precision layer
 * normalization gives a narrower type than its input; other kernels give the type of what they are applied to, whatever
 * the type of the parameters, and gradients of the type of what they belong to.
 */
public interface Backend extends AutoCloseable {
    /** The name users choose it by, such as {@code nd4j}. */
    String name();

    /** Device, library versions and threads in one line, for logs and metrics. */
    String description();

    /** The type that parameters are kept in: float32, or float64 for checks. */
    DType parameterType();

    /** What products round operands of the parameters' type to: narrower in mixed precision. */
    default DType productType() {
        return parameterType();
    }

    /**
     * The most floating-point operations a second that the device's matrix products can do in the precision that this
     * backend computes in, by its maker's figures; empty where that is not known. For a model's FLOP utilization.
     */
    default OptionalDouble peakFlops() {
        return OptionalDouble.empty();
    }

    MemoryOps memory();

    ElementwiseOps elementwise();

    ReductionOps reductions();

    MatmulOps matmul();

    LayoutOps layout();

    /**
     * The backend's fused version of an operation, if it has one. Where it has none, the plain composition in
     * {@code org.mohawk4j.op} runs instead, with the same result up to rounding.
     */
    <K extends FusedOp> Optional<K> fused(Class<K> type);

    /** Capture of queued work for replay, if the backend has it. */
    default Optional<GraphCapture> graphCapture() {
        return Optional.empty();
    }

    /** Timing on the device itself, if the host only queues its work. */
    default Optional<EventTimer> eventTimer() {
        return Optional.empty();
    }

    /** Timing of single kernels, if the backend has it. */
    default Optional<KernelProfiler> profiler() {
        return Optional.empty();
    }

    /** What tells the device from all others, also of other machines, if the backend knows. */
    default Optional<String> deviceId() {
        return Optional.empty();
    }

    /** Collective operations with backends of other processes, if the backend has them. */
    default Optional<Collectives> collectives() {
        return Optional.empty();
    }

    /** What it was asked to do, if it has no device and computes nothing. */
    default Optional<DryRun> dryRun() {
        return Optional.empty();
    }

    /** Frees everything that this backend still holds. */
    @Override
    void close();
}
