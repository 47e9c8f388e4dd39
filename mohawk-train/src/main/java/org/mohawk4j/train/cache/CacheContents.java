package org.mohawk4j.train.cache;

import org.mohawk4j.models.CausalLm;
import org.mohawk4j.train.run.DistillConfig;
import org.mohawk4j.train.run.TokenBudget;

/** What a run keeps of its teacher. */
public sealed interface CacheContents {
    /**
     * Hidden states, from which every stage can be replayed.
     *
     * @param all whether all L + 1 of a window, or the last alone, which serves stage 3
     */
    record States(boolean all) implements CacheContents {}

    /**
     * The likeliest tokens of its distributions, for stage 3.
     *
     * @param k of each
     * @param temperature of the distributions
     */
    record Tokens(int k, double temperature) implements CacheContents {}

    /** What the stages of a run need: tokens if stage 3 looks at nothing else, otherwise states. */
    static CacheContents of(DistillConfig config) {
        int topK = config.distillation().topK();
        if (topK > 0) {
            return new Tokens(topK, config.distillation().temperature());
        }
        TokenBudget budget = config.budget();
        return new States(budget.stepsOf(1) + budget.stepsOf(2) > 0);
    }

    /** The first stage that anything is kept for. */
    default int firstStage() {
        return this instanceof Tokens ? 3 : 1;
    }

    /** What a file takes. */
    default long predictBytes(CausalLm teacher, int context, long windows) {
        if (this instanceof Tokens tokens) {
            return TokenCache.predictBytes(teacher, tokens.k(), context, windows);
        }
        return TeacherCache.predictBytes(teacher, ((States) this).all(), context, windows);
    }
}
