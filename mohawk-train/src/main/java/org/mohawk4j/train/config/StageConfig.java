package org.mohawk4j.train.config;

import com.fasterxml.jackson.annotation.JsonUnwrapped;
import java.util.List;
import java.util.Optional;
import org.mohawk4j.train.yaml.Ranges;

/**
 * A stage of a run. Empty values are the run's.
 *
 * @param objective what it minimizes
 * @param budget what it trains on
 * @param learningRate the peak
 * @param schedule of the learning rate
 * @param batch B, windows in a step
 * @param context T, tokens that a window predicts
 * @param trainable names of the parameters that it trains, where {@code *} stands for anything, among those that its
 *     objective can train and the run does not freeze; empty: all of these
 */
public record StageConfig(
        StageObjective objective,
        @JsonUnwrapped Budget budget,
        double learningRate,
        Schedule schedule,
        Optional<Integer> batch,
        Optional<Integer> context,
        List<String> trainable) {
    /** For calibrated mixers. From other initializations a higher one is better. */
    private static final double LEARNING_RATE = 2e-4;

    /**
     * What a stage trains on.
     *
     * @param tokens that it trains on, in whole steps; empty: its share of the run's {@code tokens}
     * @param auto whether it ends before its share is spent once its held-out loss hardly improves, as {@link
     *     AutoTokensConfig} says; {@code tokens: auto} in YAML
     * @param share of the run's {@code tokens}, relative to the shares of all stages without tokens of their own; 0: the stage
     *     is left out; empty beside {@code tokens}
     */
    public record Budget(Optional<Long> tokens, boolean auto, Optional<Double> share) {
        /** Tokens of the stage's own. */
        static Budget ofTokens(long own) {
            return new Budget(Optional.of(own), false, Optional.empty());
        }

        static Budget ofShare(double own, boolean auto) {
            return new Budget(Optional.empty(), auto, Optional.of(own));
        }

        private void check(String key) {
            tokens.ifPresent(own -> {
                Ranges.atLeast(1, key + ".tokens", own);
                Ranges.require(
                        share.isEmpty(),
                        key + ".share",
                        "none beside tokens " + own,
                        share.map(String::valueOf).orElse(""));
            });
            Ranges.require(!auto || tokens.isEmpty(), key + ".tokens", "a whole number or auto", "both");
            Ranges.require(tokens.isPresent() || share.isPresent(), key + ".share", "a share or tokens", "neither");
            share.ifPresent(part -> Ranges.notNegative(key + ".share", part));
        }
    }

    /**
     * What a stage's learning rate does otherwise than the run's {@link ScheduleConfig} says.
     *
     * @param kind empty: the run's, as for the others
     */
    public record Schedule(
            Optional<ScheduleConfig.Kind> kind,
            Optional<Double> warmupFraction,
            Optional<Double> decayFraction,
            Optional<Double> finalFraction) {
        /** Nothing. */
        public static final Schedule OF_RUN =
                new Schedule(Optional.empty(), Optional.empty(), Optional.empty(), Optional.empty());

        /** Everything. */
        public static Schedule of(ScheduleConfig own) {
            return new Schedule(
                    Optional.of(own.kind()),
                    Optional.of(own.warmupFraction()),
                    Optional.of(own.decayFraction()),
                    Optional.of(own.finalFraction()));
        }

        ScheduleConfig over(ScheduleConfig run) {
            return new ScheduleConfig(
                    kind.orElse(run.kind()),
                    warmupFraction.orElse(run.warmupFraction()),
                    decayFraction.orElse(run.decayFraction()),
                    finalFraction.orElse(run.finalFraction()));
        }
    }

    /** Copies the list. */
    public StageConfig {
        trainable = List.copyOf(trainable);
    }

    /** A stage with the share that is usual for its objective, the default learning rate, and otherwise the run's values. */
    public static StageConfig of(StageObjective objective) {
        return new StageConfig(
                objective,
                Budget.ofShare(objective.usualShare(), false),
                LEARNING_RATE,
                Schedule.OF_RUN,
                Optional.empty(),
                Optional.empty(),
                List.of());
    }

    /**
     * The three stages of the paper, in order, of which the last one takes all tokens: from calibrated mixers, the others
     * cost tokens that it makes better use of.
     */
    public static List<StageConfig> defaults() {
        return List.of(
                of(StageObjective.MATRIX_ORIENTATION).withShare(0),
                of(StageObjective.HIDDEN_STATE_ALIGNMENT).withShare(0),
                of(StageObjective.KNOWLEDGE_DISTILLATION).withShare(1));
    }

    /** Tokens of its own, if it has any. */
    public Optional<Long> tokens() {
        return budget.tokens();
    }

    /** Whether it may end before its share is spent. */
    public boolean auto() {
        return budget.auto();
    }

    /** Its share of the run's tokens, if it has none of its own. */
    public Optional<Double> share() {
        return budget.share();
    }

    private StageConfig with(Budget own) {
        return new StageConfig(objective, own, learningRate, schedule, batch, context, trainable);
    }

    /** With tokens of its own in the place of a share. */
    public StageConfig withTokens(long own) {
        return with(Budget.ofTokens(own));
    }

    /** With a share that it spends only while its held-out loss improves, in the place of tokens of its own. */
    public StageConfig withAutoTokens() {
        return with(Budget.ofShare(share().orElse(objective.usualShare()), true));
    }

    /** With a share in the place of tokens of its own. */
    public StageConfig withShare(double own) {
        return with(Budget.ofShare(own, auto()));
    }

    /** With the share that is usual for its objective, in the place of its own or of tokens. */
    public StageConfig withUsualShare() {
        return withShare(objective.usualShare());
    }

    public StageConfig withLearningRate(double peak) {
        return new StageConfig(objective, budget, peak, schedule, batch, context, trainable);
    }

    public StageConfig withSchedule(ScheduleConfig own) {
        return new StageConfig(objective, budget, learningRate, Schedule.of(own), batch, context, trainable);
    }

    public StageConfig withBatch(int own) {
        return new StageConfig(objective, budget, learningRate, schedule, Optional.of(own), context, trainable);
    }

    public StageConfig withContext(int own) {
        return new StageConfig(objective, budget, learningRate, schedule, batch, Optional.of(own), trainable);
    }

    public StageConfig withTrainable(String... patterns) {
        return new StageConfig(objective, budget, learningRate, schedule, batch, context, List.of(patterns));
    }

    /** Whether it takes steps. */
    public boolean takesSteps() {
        return tokens().isPresent() || share().orElse(0.0) > 0;
    }

    /** @param key of the stage in the configuration, such as {@code stages[1]} */
    void check(String key, int accumulate) {
        budget.check(key);
        Ranges.positive(key + ".learning-rate", learningRate);
        context.ifPresent(own -> Ranges.atLeast(1, key + ".context", own));
        batch.ifPresent(own -> {
            Ranges.atLeast(1, key + ".batch", own);
            Ranges.require(own % accumulate == 0, key + ".batch", "a multiple of accumulate " + accumulate, own);
        });
        Ranges.names(key + ".trainable", trainable);
    }
}
