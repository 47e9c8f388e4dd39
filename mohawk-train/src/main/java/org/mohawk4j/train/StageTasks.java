package org.mohawk4j.train;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.DoubleSupplier;
import org.mohawk4j.InvalidInputException;
import org.mohawk4j.data.TokenSequence;
import org.mohawk4j.data.TokenWindows;
import org.mohawk4j.train.cache.OpenCache;
import org.mohawk4j.train.config.ActiveStage;
import org.mohawk4j.train.config.DistillConfig;
import org.mohawk4j.train.loop.HeldOutLoss;
import org.mohawk4j.train.loop.Parallelism;
import org.mohawk4j.train.loop.Parallelism.Divided;
import org.mohawk4j.train.run.StageTask;
import org.mohawk4j.train.stage.Objective;
import org.mohawk4j.train.stage.StagePlan;

/**
 * The stages of a run as its ranks train them.
 *
 * @param ranks of the run
 * @param heldOut text for losses of stages with {@code tokens: auto}
 */
record StageTasks(DistillConfig config, StagePlan plan, Parallelism ranks, TokenSequence heldOut) {
    /**
     * Those that take steps, in order.
     *
     * @param kept of what the teacher computes
     */
    List<StageTask> all(OpenCache kept) {
        // which the cache of the teacher does not meet
        Map<ActiveStage, Objective> measured = new StageObjectives(config, OpenCache.NONE).of(plan);
        List<StageTask> tasks = new ArrayList<>();
        new StageObjectives(config, kept).of(plan).forEach((stage, objective) -> {
            Divided training = StageObjectives.divided(
                    config, stage, objective, ranks, config.training().accumulate());
            Optional<DoubleSupplier> loss = config.isAuto(stage)
                    ? Optional.of(loss(stage, measured.getOrDefault(stage, objective)))
                    : Optional.empty();
            tasks.add(new StageTask(stage, training.objective(), training.ranks(), loss));
        });
        return tasks;
    }

    private DoubleSupplier loss(ActiveStage stage, Objective objective) {
        Divided measured = StageObjectives.divided(config, stage, objective, ranks, 1);
        HeldOutLoss own = new HeldOutLoss(
                plan.teacher().engine(),
                measured.objective(),
                windows(stage),
                config.learning().autoTokens().windows(),
                stage.batch()
                        / config.training().accumulate()
                        / measured.ranks().shares());
        return () -> measured.ranks().heldOut(own);
    }

    private TokenWindows windows(ActiveStage stage) {
        try {
            return new TokenWindows(heldOut, stage.context());
        } catch (InvalidInputException e) {
            throw new InvalidInputException(stage.key() + ".tokens: auto: held-out " + e.getMessage(), e);
        }
    }
}
