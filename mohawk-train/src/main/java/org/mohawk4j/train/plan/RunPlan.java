package org.mohawk4j.train.plan;

import java.util.List;
import java.util.Optional;
import java.util.OptionalDouble;

/**
 * What a run needs, predicted.
 *
 * @param teacherParameters how many
 * @param studentParameters how many
 * @param sharding what devices divide among themselves
 * @param stages in order
 * @param fits whether every stage fits a device
 * @param changes of the options with which it fits, if it does not; the least first
 * @param disk that it needs
 */
public record RunPlan(
        long teacherParameters,
        long studentParameters,
        Sharding sharding,
        List<StageEstimate> stages,
        boolean fits,
        List<Change> changes,
        Disk disk) {
    /** Copies the lists. */
    public RunPlan {
        stages = List.copyOf(stages);
        changes = List.copyOf(changes);
    }

    /**
     * A change with which a run fits; what is empty stays as it is.
     *
     * @param recompute whether activations are computed again
     * @param accumulate micro-batches
     * @param devices that train together, with as many windows for each as before
     * @param sharding among them
     * @param peakBytes of a device then
     */
    public record Change(
            Optional<Boolean> recompute,
            Optional<Integer> accumulate,
            Optional<Integer> devices,
            Sharding sharding,
            long peakBytes) {}

    /**
     * Bytes on disk.
     *
     * @param student its folder
     * @param checkpoint one of them, at most
     * @param checkpoints that there are at a time, the one that is being written included
     * @param cache of the teacher, at most; empty without one
     */
    public record Disk(long student, long checkpoint, int checkpoints, Optional<Long> cache) {}

    /** Of a device, of all stages. */
    public long peakBytes() {
        return stages.stream().mapToLong(StageEstimate::peakBytes).max().orElse(0);
    }

    /** Of all stages' training steps; empty where no rate is known. */
    public OptionalDouble hours() {
        double sum = 0;
        for (StageEstimate stage : stages) {
            if (stage.hours().isEmpty()) {
                return OptionalDouble.empty();
            }
            sum += stage.hours().getAsDouble();
        }
        return OptionalDouble.of(sum);
    }

    /** Of all stages together. */
    public OptionalDouble tokensPerSecond() {
        long tokens = stages.stream().mapToLong(StageEstimate::tokens).sum();
        OptionalDouble hours = hours();
        return hours.isEmpty() ? hours : OptionalDouble.of(tokens / (3600 * hours.getAsDouble()));
    }
}
