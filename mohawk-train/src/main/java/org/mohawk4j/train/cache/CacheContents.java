package org.mohawk4j.train.cache;

import java.nio.file.Path;
import org.mohawk4j.Arguments;
import org.mohawk4j.InvalidInputException;
import org.mohawk4j.models.CausalLm;
import org.mohawk4j.train.config.ActiveStage;
import org.mohawk4j.train.config.DistillConfig;
import org.mohawk4j.train.config.DistillationConfig;
import org.mohawk4j.train.config.StageObjective;
import org.mohawk4j.train.stage.TeacherStates;
import org.mohawk4j.train.stage.TeacherTopK;

/** What a run caches of its teacher: hidden states or top-k tokens. */
public sealed interface CacheContents {
    /**
     * What the stages of a run need: tokens if stage 3 looks at nothing else, otherwise states.
     *
     * @param ranks of the run; those that divide a stage's layers compute its states each time
     */
    static CacheContents of(DistillConfig config, int ranks) {
        DistillationConfig distillation = config.learning().distillation();
        if (distillation.topK() > 0) {
            return new Tokens(distillation.topK(), distillation.temperature());
        }
        return new States(distillation.hiddenStateWeight() > 0
                || config.activeStages().stream()
                        .anyMatch(stage -> stage.objective().isLayerwise() && mayServe(stage, config, ranks)));
    }

    private static boolean mayServe(ActiveStage stage, DistillConfig config, int ranks) {
        return stage.context() == config.training().context() && !config.dividesLayers(stage, ranks);
    }

    /** Whether a stage of a run finds in it what it needs. */
    default boolean serves(ActiveStage stage, DistillConfig config, int ranks) {
        return mayServe(stage, config, ranks) && serves(stage.objective());
    }

    /** Whether stages with this objective find in it what they need. */
    boolean serves(StageObjective objective);

    /** What a file takes. */
    long predictBytes(CausalLm teacher, int context, long windows);

    /**
     * Opens a file, or makes it.
     *
     * @throws InvalidInputException if it holds something else, or another program uses it
     */
    OpenCache open(Path file, CausalLm teacher, int context, long windows);

    /**
     * Hidden states, from which every stage can be replayed.
     *
     * @param all whether all L + 1 of a window, or the last alone, which serves stage 3
     */
    record States(boolean all) implements CacheContents {
        @Override
        public boolean serves(StageObjective objective) {
            return all || objective == StageObjective.KNOWLEDGE_DISTILLATION;
        }

        @Override
        public long predictBytes(CausalLm teacher, int context, long windows) {
            return TeacherCache.predictBytes(teacher, all, context, windows);
        }

        @Override
        public OpenCache open(Path file, CausalLm teacher, int context, long windows) {
            return new OpenCache(TeacherCache.open(file, teacher, all, context, windows), TeacherTopK.UNCACHED);
        }
    }

    /**
     * The likeliest tokens of its distributions, for stage 3.
     *
     * @param k of each
     * @param temperature of the distributions
     */
    record Tokens(int k, double temperature) implements CacheContents {
        /** Checks the ranges. */
        public Tokens {
            Arguments.atLeast(1, "a teacher's top-k tokens", k);
            Arguments.positive("a teacher's top-k tokens: temperature", temperature);
        }

        @Override
        public boolean serves(StageObjective objective) {
            return objective == StageObjective.KNOWLEDGE_DISTILLATION;
        }

        @Override
        public long predictBytes(CausalLm teacher, int context, long windows) {
            return TokenCache.predictBytes(teacher, k, context, windows);
        }

        @Override
        public OpenCache open(Path file, CausalLm teacher, int context, long windows) {
            return new OpenCache(
                    TeacherStates.UNCACHED, TokenCache.open(file, teacher, k, temperature, context, windows));
        }
    }
}
