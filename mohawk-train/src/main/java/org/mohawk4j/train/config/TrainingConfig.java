package org.mohawk4j.train.config;

import com.fasterxml.jackson.annotation.JsonUnwrapped;
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
 * @param kept layers that keep their attention
 * @param freeze names of parameters that no stage trains, where {@code *} stands for anything
 * @param seed of everything random: the order of windows, initial weights, samples
 * @param stages one after the other
 */
public record TrainingConfig(
        long tokens,
        int context,
        int batch,
        int accumulate,
        @JsonUnwrapped KeptAttention kept,
        List<String> freeze,
        long seed,
        List<StageConfig> stages) {
    /**
     * Which layers keep their attention.
     *
     * @param keepAttention layers, from 0, in which the student keeps the teacher's attention
     * @param autoAttention how these layers are chosen instead, before the run begins; then none are given
     */
    public record KeptAttention(List<Integer> keepAttention, Optional<AutoAttention> autoAttention) {
        /** Checks the layers. */
        public KeptAttention {
            keepAttention = List.copyOf(keepAttention);
            for (int layer : keepAttention) {
                Ranges.require(layer >= 0, "keep-attention", "layers from 0", keepAttention);
            }
            Ranges.require(
                    new HashSet<>(keepAttention).size() == keepAttention.size(),
                    "keep-attention",
                    "each layer once",
                    keepAttention);
        }
    }

    /** Checks the ranges. */
    public TrainingConfig {
        Ranges.atLeast(1, "tokens", tokens);
        Ranges.atLeast(1, "context", context);
        Ranges.atLeast(1, "batch", batch);
        Ranges.atLeast(1, "accumulate", accumulate);
        Ranges.require(batch % accumulate == 0, "accumulate", "a divisor of batch " + batch, accumulate);
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
        KeptAttention none = new KeptAttention(List.of(), Optional.empty());
        return new TrainingConfig(300_000, 256, 4, 1, none, List.of(), 0, StageConfig.defaults());
    }

    /** Layers, from 0, in which the student keeps the teacher's attention. */
    public List<Integer> keepAttention() {
        return kept.keepAttention();
    }

    /** How these layers are chosen before the run begins, if they are not given. */
    public Optional<AutoAttention> autoAttention() {
        return kept.autoAttention();
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
