package org.mohawk4j.train.cache;

import java.nio.file.Path;
import org.mohawk4j.Arguments;
import org.mohawk4j.InvalidInputException;
import org.mohawk4j.models.CausalLm;
import org.mohawk4j.train.config.DistillConfig;
import org.mohawk4j.train.config.TokenBudget;
import org.mohawk4j.train.stage.TeacherStates;
import org.mohawk4j.train.stage.TeacherTopK;

/** What a run keeps of its teacher. */
public sealed interface CacheContents {
    /** What the stages of a run need: tokens if stage 3 looks at nothing else, otherwise states. */
    static CacheContents of(DistillConfig config) {
        int topK = config.distillation().topK();
        if (topK > 0) {
            return new Tokens(topK, config.distillation().temperature());
        }
        TokenBudget budget = config.budget();
        return new States(budget.stepsOf(1) + budget.stepsOf(2) > 0);
    }

    /** The first stage that it serves; it serves those behind too. */
    int firstStage();

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
        public int firstStage() {
            return all ? 1 : 3;
        }

        @Override
        public long predictBytes(CausalLm teacher, int context, long windows) {
            return TeacherCache.predictBytes(teacher, all, context, windows);
        }

        @Override
        public OpenCache open(Path file, CausalLm teacher, int context, long windows) {
            return new OpenCache(TeacherCache.open(file, teacher, all, context, windows), TeacherTopK.COMPUTED);
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
            Arguments.atLeast(1, "a teacher's likeliest tokens", k);
            Arguments.positive("a teacher's likeliest tokens: temperature", temperature);
        }

        @Override
        public int firstStage() {
            return 3;
        }

        @Override
        public long predictBytes(CausalLm teacher, int context, long windows) {
            return TokenCache.predictBytes(teacher, k, context, windows);
        }

        @Override
        public OpenCache open(Path file, CausalLm teacher, int context, long windows) {
            return new OpenCache(
                    TeacherStates.COMPUTED, TokenCache.open(file, teacher, k, temperature, context, windows));
        }
    }
}
