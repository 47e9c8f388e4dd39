package org.mohawk4j.train.config;

import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import org.mohawk4j.train.yaml.Ranges;

/**
 * How a run trains.
 *
 * @param tokens the budget of all stages together that have none of their own; see {@link TokenBudget}
 * @param context T, tokens that a window predicts
 * @param batch B, windows in a step
 * @param accumulate micro-batches that a step's batch is taken in, one after the other; a divisor of B
 * @param keepAttention layers, from 0, in which the student keeps the teacher's attention
 * @param autoAttention how these layers are chosen instead, before the run begins; then none are given
 * @param freeze names of parameters that no stage trains, where {@code *} stands for anything
 * @param seed of everything random: the order of windows, initial weights, samples
 * @param stages one after the other
 */
public record TrainingConfig(
        long tokens,
        int context,
        int batch,
        int accumulate,
        List<Integer> keepAttention,
        Optional<AutoAttention> autoAttention,
        List<String> freeze,
        long seed,
        List<StageConfig> stages) {
    /** Checks the ranges. */
    public TrainingConfig {
        Ranges.atLeast(1, "tokens", tokens);
        Ranges.atLeast(1, "context", context);
        Ranges.atLeast(1, "batch", batch);
        Ranges.atLeast(1, "accumulate", accumulate);
        Ranges.require(batch % accumulate == 0, "accumulate", "a divisor of batch " + batch, accumulate);
        keepAttention = List.copyOf(keepAttention);
        for (int layer : keepAttention) {
            Ranges.require(layer >= 0, "keep-attention", "layers from 0", keepAttention);
        }
        Ranges.require(
                new HashSet<>(keepAttention).size() == keepAttention.size(),
                "keep-attention",
                "each layer once",
                keepAttention);
        freeze = List.copyOf(freeze);
        Ranges.names("freeze", freeze);
        stages = List.copyOf(stages);
        for (int i = 0; i < stages.size(); i++) {
            stages.get(i).check(ActiveStage.key(i), accumulate);
        }
        Ranges.require(
                stages.stream().anyMatch(StageConfig::takesSteps),
                "stages",
                "at least one with a share or tokens",
                stages.isEmpty() ? "none" : "none of " + stages.size());
    }

    /** The defaults. */
    public static TrainingConfig defaults() {
        return new TrainingConfig(
                300_000, 256, 4, 1, List.of(), Optional.empty(), List.of(), 0, StageConfig.defaults());
    }

    /** What all stages train on together: the run's tokens, if there are stages that share them, and those of the others. */
    public long allTokens() {
        boolean shared = stages.stream()
                .anyMatch(stage -> stage.takesSteps() && stage.tokens().isEmpty());
        long own = stages.stream().mapToLong(stage -> stage.tokens().orElse(0L)).sum();
        return own + (shared ? tokens : 0);
    }

    int batchOf(StageConfig stage) {
        return stage.batch().orElse(batch);
    }

    int contextOf(StageConfig stage) {
        return stage.context().orElse(context);
    }
}
