package org.mohawk4j.train.loop;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.lang.reflect.Proxy;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.mohawk4j.backend.BackendOptions;
import org.mohawk4j.data.InMemoryLoader;
import org.mohawk4j.data.TokenBatch;
import org.mohawk4j.data.TokenSequence;
import org.mohawk4j.data.TokenWindows;
import org.mohawk4j.mixer.DiscreteMamba2;
import org.mohawk4j.models.CausalLm;
import org.mohawk4j.models.MixerPlan;
import org.mohawk4j.models.ModelFolder;
import org.mohawk4j.nn.Layer;
import org.mohawk4j.nn.Parameter;
import org.mohawk4j.op.loss.DistillationFunction;
import org.mohawk4j.tensor.Engine;
import org.mohawk4j.tensor.Scope;
import org.mohawk4j.tensor.Tensor;
import org.mohawk4j.tensor.types.DType;
import org.mohawk4j.testing.TensorAssert;
import org.mohawk4j.train.config.FaultConfig;
import org.mohawk4j.train.metrics.SkippedStep;
import org.mohawk4j.train.metrics.StepMetrics;
import org.mohawk4j.train.optimizer.AdamW;
import org.mohawk4j.train.schedule.CosineSchedule;
import org.mohawk4j.train.stage.HiddenStateAlignment;
import org.mohawk4j.train.stage.Objective;
import org.mohawk4j.train.stage.StagePlan;
import org.mohawk4j.train.stage.TeacherDistribution;
import org.mohawk4j.train.stage.TeacherStates;
import org.mohawk4j.train.stage.TeacherTopK;

class TrainerTest {
    private static final Path GOLDEN = Path.of(System.getProperty("mohawk.golden", "../src/test/golden"));
    private static final AdamW.Config ADAMW = new AdamW.Config(0.9, 0.95, 1e-8, 0.1, 1);

    private final List<StepMetrics> steps = new ArrayList<>();
    private final List<SkippedStep> faults = new ArrayList<>();
    private Engine engine;
    private CausalLm student;
    private StagePlan plan;

    @BeforeEach
    void open() {
        engine = Engine.open("nd4j", BackendOptions.defaults().withParameterType(DType.FLOAT64));
        CausalLm teacher = ModelFolder.load(engine, GOLDEN.resolve("teacher"));
        MixerPlan mixers = MixerPlan.replacing(
                teacher.config(), own -> new DiscreteMamba2.Config(32, 4, 4, 16, 4, 16), List.of(1));
        student = mixers.student(teacher, new SplittableRandom(1));
        plan = new StagePlan(teacher, student, mixers, List.of());
    }

    @AfterEach
    void close() {
        engine.close();
    }

    private static InMemoryLoader batches() {
        int[] ids = new SplittableRandom(1).ints(600, 0, 128).toArray();
        return new InMemoryLoader(new TokenWindows(TokenSequence.of("noise", ids), 20), 6, 0);
    }

    /** So that a step of many micro-batches does not look like one that hangs. */
    @Test
    void ranksLearnOfEachMicroBatch() {
        AtomicInteger told = new AtomicInteger();
        Parallelism own = Parallelism.none();
        Parallelism ranks = (Parallelism) Proxy.newProxyInstance(
                Parallelism.class.getClassLoader(), new Class<?>[] {Parallelism.class}, (self, method, arguments) -> {
                    if (method.getName().equals("alive")) {
                        told.incrementAndGet();
                    }
                    return method.invoke(own, arguments);
                });

        new Trainer(engine, batches(), new TrainingListener() {}, 3, FaultConfig.defaults(), ranks)
                .run(1, plan.matrixOrientation(), ADAMW, new CosineSchedule(1e-3, 0, 2, 0), 2);

        assertThat(told.get()).isEqualTo(2 * 2);
    }

    private Trainer trainer(int accumulate) {
        TrainingListener listener = new TrainingListener() {
            @Override
            public void iterationDone(StepMetrics metrics) {
                steps.add(metrics);
            }

            @Override
            public void onFault(SkippedStep fault) {
                faults.add(fault);
            }
        };
        return new Trainer(engine, batches(), listener, accumulate, FaultConfig.defaults());
    }

    @Test
    void lossesAndGradientsOfMicroBatchesAreThoseOfTheLargeBatch() {
        for (Objective objective : List.of(
                plan.matrixOrientation(),
                plan.hiddenStateAlignment(HiddenStateAlignment.Target.BLOCK),
                plan.knowledgeDistillation(new DistillationFunction.Weights(2, 0.3)),
                plan.knowledgeDistillation(
                        TeacherDistribution.topK(plan.teacher(), TeacherStates.UNCACHED, TeacherTopK.UNCACHED, 7),
                        new DistillationFunction.Weights(2, 0.3),
                        0,
                        false))) {
            TokenBatch batch = batches().next();
            try (Scope scope = engine.scope()) {
                Evaluation whole = evaluate(objective, batch, 1);
                for (int parts : new int[] {2, 3, 6}) {
                    Evaluation accumulated = evaluate(objective, batch, parts);
                    assertThat(means(accumulated))
                            .usingComparatorForType(TrainerTest::nearly, Double.class)
                            .containsExactlyElementsOf(means(whole));
                    assertThat(accumulated.gradients().keySet())
                            .isEqualTo(whole.gradients().keySet())
                            .isNotEmpty();
                    accumulated
                            .gradients()
                            .forEach((name, gradient) -> TensorAssert.assertClose(
                                    name,
                                    gradient.toDoubles(),
                                    whole.gradients().get(name).toDoubles(),
                                    1e-12));
                }
            }
        }
    }

    private static int nearly(double a, double b) {
        return Math.abs(a - b) <= 1e-13 * Math.abs(b) ? 0 : Double.compare(a, b);
    }

    private static List<Double> means(Evaluation evaluation) {
        double[] losses =
                evaluation.allLosses().stream().mapToDouble(Tensor::item).toArray();
        return evaluation.means(losses, 1);
    }

    private Evaluation evaluate(Objective objective, TokenBatch batch, int parts) {
        return new GradientAccumulation(engine, parts, Parallelism.none())
                .evaluate(objective, batch, () -> false)
                .orElseThrow();
    }

    @Test
    void aStopWithinAStepLeavesItToBeTakenAnew() {
        double[] start = weights();
        InMemoryLoader batches = batches();
        StepBoundary stopping = new StepBoundary() {
            private int asked;

            @Override
            public boolean isStopping() {
                return ++asked > 2;
            }

            @Override
            public void between(StageState state) {
                throw new StoppedException("stopped", false);
            }
        };
        try (StageState state =
                new StageState(engine, 3, ADAMW, 0, new StageLength(new CosineSchedule(1e-3, 0, 5, 0), 5))) {
            Trainer trainer = new Trainer(engine, batches, new TrainingListener() {}, 3, FaultConfig.defaults());

            assertThatThrownBy(() -> trainer.run(state, spoilt(), stopping)).isInstanceOf(StoppedException.class);

            assertThat(state.step()).isZero();
            assertThat(state.data()).isEqualTo(batches().state()).isNotEqualTo(batches.state());
            assertThat(weights()).isEqualTo(start);
        }
    }

    @Test
    void accumulationTakesTheMemoryOfOnePart() {
        Objective objective = plan.knowledgeDistillation(DistillationFunction.Weights.PLAIN);
        trainer(6).run(3, objective, ADAMW, new CosineSchedule(1e-3, 0, 2, 0), 2);
        long before = engine.backend().memory().liveBytes();
        trainer(6).run(3, objective, ADAMW, new CosineSchedule(1e-3, 0, 2, 0), 2);
        long parts = engine.backend().memory().peakBytes() - before;
        trainer(1).run(3, objective, ADAMW, new CosineSchedule(1e-3, 0, 2, 0), 2);
        long whole = engine.backend().memory().peakBytes() - before;

        assertThat(parts).isLessThan(whole / 2);
        assertThat(engine.backend().memory().liveBytes()).isEqualTo(before);
    }

    /** An objective whose losses or gradients are spoilt at some steps. */
    private static final class Spoilt implements Objective {
        private final Objective inner;
        private final Map<Integer, UnaryOperator<Tensor>> losses = new HashMap<>();
        private final Map<Integer, UnaryOperator<Tensor>> gradients = new HashMap<>();
        private int step;

        Spoilt(Objective inner) {
            this.inner = inner;
        }

        @Override
        public Map<String, Parameter> trained() {
            return inner.trained();
        }

        @Override
        public double flopsPerToken() {
            return inner.flopsPerToken();
        }

        @Override
        public Result evaluate(Tensor ids, Tensor labels) {
            step++;
            Result result = inner.evaluate(ids, labels);
            Map<String, Tensor> changed = new HashMap<>(result.gradients());
            changed.replaceAll((name, gradient) ->
                    gradients.getOrDefault(step, UnaryOperator.identity()).apply(gradient));
            return new Result(
                    result.losses().stream()
                            .map(losses.getOrDefault(step, UnaryOperator.identity()))
                            .toList(),
                    changed);
        }
    }

    /** ND4J takes a scalar NaN for a small number, so it has to be computed. */
    private static Tensor notANumber(Tensor x) {
        Tensor zero = x.sub(x);
        return zero.div(zero);
    }

    private Spoilt spoilt() {
        return new Spoilt(plan.knowledgeDistillation(DistillationFunction.Weights.PLAIN));
    }

    private double[] weights() {
        return student.parameters().get("layers.0.mixer.in_proj.weight").value().toDoubles();
    }

    private void run(Objective objective, int count) {
        trainer(1).run(3, objective, ADAMW, new CosineSchedule(1e-3, 0, 100, 0), count);
    }

    @Test
    void aStepWhoseLossOrGradientsAreNoNumbersUpdatesNothing() {
        double[] start = weights();
        Spoilt objective = spoilt();
        objective.losses.put(1, TrainerTest::notANumber);
        objective.gradients.put(2, gradient -> gradient.mul(Double.POSITIVE_INFINITY));

        run(objective, 2);
        assertThat(weights()).isEqualTo(start);
        assertThat(faults).extracting(SkippedStep::step).containsExactly(1, 2);
        assertThat(faults.get(0).reason()).isEqualTo("the loss is NaN");
        assertThat(faults.get(0).batch()).isEqualTo(batches().next().origin());
        assertThat(faults.get(1).reason()).startsWith("the gradients' norm is");
        assertThat(faults).extracting(SkippedStep::action).containsOnly("skipped");
        assertThat(steps).hasSize(2).allMatch(StepMetrics::isFaulty);

        run(objective, 1);
        assertThat(weights()).isNotEqualTo(start).doesNotContain(Double.NaN);
        assertThat(steps.get(2).isFaulty()).isFalse();
    }

    @Test
    void threeInARowEndTheRun() {
        double[] start = weights();
        Spoilt objective = spoilt();
        for (int step = 1; step <= 3; step++) {
            objective.losses.put(step, loss -> loss.sub(loss).log());
        }

        assertThatThrownBy(() -> run(objective, 10))
                .isInstanceOf(TrainingException.class)
                .hasMessageStartingWith("stage 3, step 3: the loss is -Infinity; 3 steps in a row");
        assertThat(weights()).isEqualTo(start);
        assertThat(faults).extracting(SkippedStep::action).containsExactly("skipped", "skipped", "stopped");
    }

    @Test
    void aLossThatJumpsIsPassedOver() {
        Spoilt objective = spoilt();
        objective.losses.put(41, loss -> loss.mul(50));

        run(objective, 42);

        assertThat(faults).extracting(SkippedStep::step).containsExactly(41);
        assertThat(faults.get(0).reason()).contains("is a spike, with a z-score of");
    }

    @Test
    void aStepsMetricsHaveItsMemory() {
        run(spoilt(), 1);

        assertThat(steps.get(0).extra().get("peak_memory_bytes"))
                .isEqualTo(engine.backend().memory().peakBytes());
        assertThat(steps.get(0).extra()).as("ND4J's peak is unknown").doesNotContainKey("model_flop_utilization");
    }

    @Test
    void operationsAreCountedByParameter() {
        long teacher = Layer.sizeOf(plan.teacher().parameters());
        long own = Layer.sizeOf(student.parameters());

        assertThat(spoilt().flopsPerToken()).isEqualTo(2.0 * teacher + 6.0 * own);
        assertThat(plan.matrixOrientation().flopsPerToken()).isLessThan(2.0 * teacher + 6.0 * own);
    }
}
