package org.mohawk4j.benchmarks;

import java.util.List;
import java.util.SplittableRandom;
import java.util.function.Function;
import org.mohawk4j.mixer.DiscreteMamba2;
import org.mohawk4j.models.CausalLm;
import org.mohawk4j.models.MixerInit;
import org.mohawk4j.models.MixerPlan;
import org.mohawk4j.op.loss.DistillationFunction;
import org.mohawk4j.tensor.Engine;
import org.mohawk4j.tensor.Scope;
import org.mohawk4j.tensor.Tensor;
import org.mohawk4j.train.optimizer.AdamW;
import org.mohawk4j.train.stage.HiddenStateAlignment;
import org.mohawk4j.train.stage.Objective;
import org.mohawk4j.train.stage.StagePlan;
import org.mohawk4j.train.stage.TeacherDistribution;
import org.mohawk4j.train.stage.TeacherStates;
import org.mohawk4j.train.stage.TeacherTopK;

/**
 * A stage that can take training steps, one after the other, on one batch of random tokens. A step is what the trainer
 * does between two batches: losses, gradients, clipping, update.
 */
final class StageTrial implements AutoCloseable {
    private static final AdamW.Config ADAMW = new AdamW.Config(0.9, 0.95, 1e-8, 0.1, 1.0);
    private static final double LEARNING_RATE = 1e-4;

    private final Engine engine;
    private final CausalLm student;
    private final Objective objective;
    private final AdamW optimizer;
    private final int batch;
    private final int context;
    private final int[] inputs;
    private final int[] targets;

    /** @param stage 1, 2 (mixer outputs) or 3 */
    StageTrial(CausalLm teacher, int stage, int batch, int context) {
        this(teacher, TeacherStates.UNCACHED, stage, batch, context);
    }

    /**
     * @param states the teacher's
     * @param stage 1, 2 (mixer outputs) or 3
     */
    StageTrial(CausalLm teacher, TeacherStates states, int stage, int batch, int context) {
        this(teacher, batch, context, MixerInit.ATTENTION, states, plan -> objective(stage, plan, false));
    }

    /**
     * With random mixers, whose numbers are drawn when they are first read.
     *
     * @param recompute whether stage 3 computes activations again in the backward pass
     */
    StageTrial(CausalLm teacher, int stage, int batch, int context, boolean recompute) {
        this(
                teacher,
                batch,
                context,
                MixerInit.RANDOM,
                TeacherStates.UNCACHED,
                plan -> objective(stage, plan, recompute));
    }

    /** Stage 3 of the k likeliest tokens of the teacher's distributions. */
    StageTrial(CausalLm teacher, TeacherTopK tokens, int k, int batch, int context) {
        this(teacher, batch, context, MixerInit.ATTENTION, TeacherStates.UNCACHED, plan -> {
            TeacherDistribution top = TeacherDistribution.topK(teacher, TeacherStates.UNCACHED, tokens, k);
            return plan.knowledgeDistillation(top, DistillationFunction.Weights.PLAIN, 0, false);
        });
    }

    private StageTrial(
            CausalLm teacher,
            int batch,
            int context,
            MixerInit init,
            TeacherStates states,
            Function<StagePlan, Objective> stage) {
        SplittableRandom random = new SplittableRandom(0);
        MixerPlan plan = MixerPlan.replacing(teacher.config(), DiscreteMamba2.Config::like, List.of());
        int vocabulary = Math.toIntExact(teacher.config().vocabulary());
        this.engine = teacher.engine();
        this.batch = batch;
        this.context = context;
        this.student = plan.student(teacher, init, random);
        this.objective = stage.apply(new StagePlan(teacher, student, plan, List.of(), states));
        this.optimizer = new AdamW(engine, ADAMW);
        this.inputs = random.ints((long) batch * context, 0, vocabulary).toArray();
        this.targets = random.ints((long) batch * context, 0, vocabulary).toArray();
    }

    private static Objective objective(int stage, StagePlan plan, boolean recompute) {
        return switch (stage) {
            case 1 -> plan.matrixOrientation();
            case 2 -> plan.hiddenStateAlignment(HiddenStateAlignment.Target.MIXER);
            case 3 -> plan.knowledgeDistillation(DistillationFunction.Weights.PLAIN, recompute);
            default -> throw new IllegalArgumentException("stage: expected 1, 2 or 3, got " + stage);
        };
    }

    /**
     * What a step did.
     *
     * @param gradientBytes of all gradients together
     */
    record Step(double loss, long gradientBytes) {}

    Step step() {
        try (Scope scope = engine.scope()) {
            Tensor ids = scope.adopt(engine.indices(inputs, batch, context));
            Tensor labels = engine.indices(targets, (long) batch * context);
            Objective.Result result = objective.evaluate(ids, labels);
            double loss = result.losses().stream().mapToDouble(Tensor::item).sum();
            optimizer.step(objective.trained(), result.gradients(), LEARNING_RATE);
            long bytes = result.gradients().values().stream()
                    .mapToLong(g -> g.shape().size() * g.dtype().bytes())
                    .sum();
            return new Step(loss, bytes);
        }
    }

    CausalLm student() {
        return student;
    }

    /** Floating-point operations that a token needs, as {@link Objective#flopsPerToken} counts them. */
    double flopsPerToken() {
        return objective.flopsPerToken();
    }

    @Override
    public void close() {
        optimizer.close();
        student.close();
    }
}
