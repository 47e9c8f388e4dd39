package org.mohawk4j.train.study;

import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import org.mohawk4j.data.DataLoader;
import org.mohawk4j.eval.fidelity.Fidelity;
import org.mohawk4j.models.CausalLm;
import org.mohawk4j.models.MixerPlan;
import org.mohawk4j.models.ModelFolder;
import org.mohawk4j.op.loss.DistillationFunction;
import org.mohawk4j.train.LayerRanking;
import org.mohawk4j.train.config.ActiveStage;
import org.mohawk4j.train.config.DistillConfig;
import org.mohawk4j.train.loop.Trainer;
import org.mohawk4j.train.loop.TrainingListener;
import org.mohawk4j.train.stage.StagePlan;

/**
 * What a trained student gains when one layer has its teacher's attention back and the whole is briefly tuned: the
 * decrease of KL(teacher ‖ student), by which layers are ranked (KL-guided layer selection, arXiv 2512.20569).
 */
final class RestoredLayer {
    /** KL(teacher ‖ student) on held-out tokens, in nats. */
    static final String KL = "kl";

    /** The same before the tuning. */
    static final String UNTUNED_KL = "untuned_kl";

    private RestoredLayer() {}

    /**
     * Measures.
     *
     * @param student folder of the trained student
     * @param config of the tuning, a single stage of knowledge distillation; its kept layers are those to restore, none for
     *     the student that they are compared with
     */
    static Map<String, Double> measure(Bench bench, Path student, DistillConfig config) {
        CausalLm teacher = bench.teacher();
        List<Integer> restored = config.training().keepAttention();
        MixerPlan plan = config.student().plan(teacher.config(), restored);
        ActiveStage stage = config.lastStage();
        try (CausalLm model =
                plan.student(teacher, new SplittableRandom(config.training().seed()))) {
            try (CausalLm trained = ModelFolder.load(bench.engine(), student)) {
                LayerRanking.copy(trained, model, restored);
            }
            double untuned = divergence(bench, model, config);
            try (DataLoader batches = bench.texts()
                    .training()
                    .batches(stage.context(), stage.batch(), config.training().seed())) {
                new Trainer(
                                bench.engine(),
                                batches,
                                new TrainingListener() {},
                                config.training().accumulate(),
                                config.recovery().faults())
                        .run(
                                stage.number(),
                                new StagePlan(teacher, model, plan, List.of())
                                        .knowledgeDistillation(DistillationFunction.Weights.PLAIN),
                                config.learning().optimizer().adamW(),
                                stage.schedule().forStage(stage.learningRate(), stage.steps()),
                                stage.steps());
            }
            return Map.of(KL, divergence(bench, model, config), UNTUNED_KL, untuned);
        }
    }

    private static double divergence(Bench bench, CausalLm model, DistillConfig config) {
        return Fidelity.of(
                        bench.teacher(),
                        model,
                        bench.heldOut(config.training().context()),
                        config.evaluation().windows())
                .agreement()
                .divergence();
    }
}
