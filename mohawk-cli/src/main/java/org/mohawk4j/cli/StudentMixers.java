package org.mohawk4j.cli;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.mohawk4j.InvalidInputException;
import org.mohawk4j.models.CausalLmConfig;
import org.mohawk4j.models.MixerPlan;
import org.mohawk4j.train.config.DistillConfig;

/**
 * The student's mixers that a configuration asks for, and what of the run is left with them.
 *
 * @param config as it was given, but for a stage 1 that the mixers do not allow
 * @param note what is told of a stage 1 that was left out
 */
record StudentMixers(MixerPlan plan, DistillConfig config, Optional<String> note) {
    /**
     * Leaves stage 1 out where matrices cannot be compared, and gives its tokens to the next stage that has a share.
     *
     * @param asked whether stage 1 was asked for, so that it is not left out silently
     * @throws InvalidInputException if the mixers do not fit the teacher, or stage 1 was asked for and does not fit them
     */
    static StudentMixers of(DistillConfig config, CausalLmConfig teacher, boolean asked) {
        MixerPlan plan = config.student().plan(teacher, config.keepAttention());
        double share = config.split().get(0);
        Optional<String> why = share > 0 ? plan.incomparable(teacher) : Optional.empty();
        if (why.isEmpty()) {
            return new StudentMixers(plan, config, Optional.empty());
        }
        int next = config.split().get(1) > 0 ? 1 : 2;
        if (asked || config.split().get(next) == 0) {
            throw new InvalidInputException("split: expected no share for stage 1, which compares mixing matrices head by"
                    + " head, got " + share + "; " + why.get());
        }
        List<Double> split = new ArrayList<>(config.split());
        split.set(next, split.get(next) + share);
        split.set(0, 0.0);
        return new StudentMixers(
                plan,
                config.with(Map.of("split", split)),
                Optional.of("left out, its tokens go to stage " + (next + 1) + "; " + why.get()));
    }
}
