package org.mohawk4j.train;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.mohawk4j.InvalidInputException;
import org.mohawk4j.models.CausalLmConfig;
import org.mohawk4j.models.MixerPlan;
import org.mohawk4j.train.config.DistillConfig;
import org.mohawk4j.train.config.StageConfig;
import org.mohawk4j.train.config.StageObjective;

/**
 * The stages of a run that a student's mixers allow.
 *
 * @param config as it was given, except for a stage 1 that the mixers do not allow
 * @param note why stage 1 was left out
 */
public record ResolvedStages(DistillConfig config, Optional<String> note) {
    /**
     * Leaves matrix orientation out where matrices cannot be compared, and gives its tokens to the next stage that has a
     * share.
     *
     * @param asked whether the stages are to stay as they are; so they are as well where they are not the default ones
     * @throws InvalidInputException if it was asked for and does not fit the mixers
     */
    public static ResolvedStages of(DistillConfig config, MixerPlan plan, CausalLmConfig teacher, boolean asked) {
        Optional<String> why =
                config.trainsBy(StageObjective.MATRIX_ORIENTATION) ? plan.incomparable(teacher) : Optional.empty();
        if (why.isEmpty()) {
            return new ResolvedStages(config, Optional.empty());
        }
        boolean fixed = asked || !shares(config).equals(shares(DistillConfig.defaults()));
        List<StageConfig> stages = new ArrayList<>(config.training().stages());
        int next = -1;
        for (int i = stages.size() - 1; i >= 0; i--) {
            StageConfig stage = stages.get(i);
            if (!stage.takesSteps()) {
                continue;
            }
            if (stage.objective() != StageObjective.MATRIX_ORIENTATION) {
                next = i;
                continue;
            }
            if (fixed
                    || stage.share().isEmpty()
                    || next < 0
                    || stages.get(next).share().isEmpty()) {
                throw new InvalidInputException(
                        "stages[" + i + "].objective: expected none that compares mixing matrices"
                                + " head by head, got matrix-orientation; " + why.get());
            }
            double share = stage.share().get();
            stages.set(next, stages.get(next).withShare(stages.get(next).share().get() + share));
            stages.set(i, stage.withShare(0));
        }
        return new ResolvedStages(
                config.toBuilder().stages(stages.toArray(StageConfig[]::new)).build(),
                Optional.of("skipped, its tokens go to stage " + (next + 1) + "; " + why.get()));
    }

    private static List<Optional<Double>> shares(DistillConfig config) {
        return config.training().stages().stream().map(StageConfig::share).toList();
    }
}
