package org.mohawk4j.train;

import java.util.LinkedHashMap;
import java.util.Map;
import org.mohawk4j.InvalidInputException;
import org.mohawk4j.op.loss.DistillationFunction;
import org.mohawk4j.train.cache.OpenCache;
import org.mohawk4j.train.config.ActiveStage;
import org.mohawk4j.train.config.DistillConfig;
import org.mohawk4j.train.config.DistillationConfig;
import org.mohawk4j.train.config.HiddenStateConfig;
import org.mohawk4j.train.loop.Parallelism;
import org.mohawk4j.train.loop.Parallelism.Divided;
import org.mohawk4j.train.stage.HiddenStateAlignment;
import org.mohawk4j.train.stage.LayerwiseObjective;
import org.mohawk4j.train.stage.Objective;
import org.mohawk4j.train.stage.StagePlan;
import org.mohawk4j.train.stage.TeacherDistribution;

/** What each stage of a run minimizes, and what of the student it trains. */
public final class StageObjectives {
    private final DistillConfig config;
    private final OpenCache kept;

    /** @param kept of what the teacher computes, in windows of the run's context */
    public StageObjectives(DistillConfig config, OpenCache kept) {
        this.config = config;
        this.kept = kept;
    }

    /**
     * Of the stages that take steps, in order.
     *
     * @param plan without the teacher's states and trainable parameters, which are a stage's
     */
    public Map<ActiveStage, Objective> of(StagePlan plan) {
        Map<ActiveStage, Objective> objectives = new LinkedHashMap<>();
        for (ActiveStage stage : config.activeStages()) {
            OpenCache found = stage.context() == config.training().context() ? kept : OpenCache.NONE;
            try {
                objectives.put(
                        stage,
                        objective(
                                stage,
                                new StagePlan(
                                        plan.teacher(),
                                        plan.student(),
                                        plan.mixers(),
                                        plan.freeze(),
                                        stage.trainable(),
                                        found.states()),
                                found));
            } catch (InvalidInputException e) {
                throw new InvalidInputException(stage.key() + "." + e.getMessage(), e);
            }
        }
        return objectives;
    }

    /**
     * A stage as a rank trains it that has its share of each batch, or of the layers.
     *
     * @param ranks of the run
     * @param parts micro-batches of each step
     * @throws InvalidInputException if there are fewer layers than ranks
     */
    public static Divided divided(
            DistillConfig config, ActiveStage stage, Objective objective, Parallelism ranks, int parts) {
        if (!config.dividesLayers(stage, ranks.size())) {
            return new Divided(objective, ranks);
        }
        try {
            return ranks.byLayers((LayerwiseObjective) objective, parts);
        } catch (InvalidInputException e) {
            throw new InvalidInputException(stage.key() + ": " + e.getMessage(), e);
        }
    }

    private Objective objective(ActiveStage stage, StagePlan plan, OpenCache found) {
        return switch (stage.objective()) {
            case MATRIX_ORIENTATION -> plan.matrixOrientation();
            case HIDDEN_STATE_ALIGNMENT ->
                plan.hiddenStateAlignment(
                        config.learning().hiddenStates().target() == HiddenStateConfig.Target.MIXER
                                ? HiddenStateAlignment.Target.MIXER
                                : HiddenStateAlignment.Target.BLOCK);
            case KNOWLEDGE_DISTILLATION -> distillation(plan, found);
        };
    }

    private Objective distillation(StagePlan plan, OpenCache found) {
        DistillationConfig values = config.learning().distillation();
        TeacherDistribution distribution = values.topK() > 0
                ? TeacherDistribution.topK(plan.teacher(), found.states(), found.tokens(), values.topK())
                : TeacherDistribution.whole(plan.teacher(), found.states());
        return plan.knowledgeDistillation(
                distribution,
                new DistillationFunction.Weights(values.temperature(), values.hardLabelShare()),
                values.hiddenStateWeight(),
                values.recompute());
    }
}
