package org.mohawk4j.train.distributed;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.function.BiFunction;
import java.util.function.IntFunction;
import org.assertj.core.data.Offset;
import org.jspecify.annotations.Nullable;
import org.mohawk4j.backend.BackendOptions;
import org.mohawk4j.data.InMemoryLoader;
import org.mohawk4j.data.TokenSequence;
import org.mohawk4j.data.TokenWindows;
import org.mohawk4j.mixer.DiscreteMamba2;
import org.mohawk4j.models.CausalLm;
import org.mohawk4j.models.CausalLmConfig;
import org.mohawk4j.models.MixerPlan;
import org.mohawk4j.models.ModelFolder;
import org.mohawk4j.nn.Parameter;
import org.mohawk4j.op.loss.DistillationFunction;
import org.mohawk4j.tensor.Engine;
import org.mohawk4j.tensor.Tensor;
import org.mohawk4j.tensor.types.DType;
import org.mohawk4j.testing.TensorAssert;
import org.mohawk4j.train.config.FaultConfig;
import org.mohawk4j.train.loop.Parallelism;
import org.mohawk4j.train.loop.StageLength;
import org.mohawk4j.train.loop.StageState;
import org.mohawk4j.train.loop.StepBoundary;
import org.mohawk4j.train.loop.Trainer;
import org.mohawk4j.train.loop.TrainingListener;
import org.mohawk4j.train.metrics.StepMetrics;
import org.mohawk4j.train.optimizer.AdamW;
import org.mohawk4j.train.optimizer.ParameterGroup;
import org.mohawk4j.train.optimizer.Sharding;
import org.mohawk4j.train.schedule.CosineSchedule;
import org.mohawk4j.train.stage.HiddenStateAlignment;
import org.mohawk4j.train.stage.LayerwiseObjective;
import org.mohawk4j.train.stage.Objective;
import org.mohawk4j.train.stage.StagePlan;
import org.mohawk4j.train.stage.TeacherDistribution;
import org.mohawk4j.train.stage.TeacherStates;

/** The three stages of a tiny student, a few steps each, on the threads of some ranks. */
final class RankedRun {
    static final int BATCH = 8;

    private static final Path GOLDEN = Path.of(System.getProperty("mohawk.golden", "../src/test/golden"));
    private static final AdamW.Config ADAMW = new AdamW.Config(
            0.9,
            0.95,
            1e-8,
            0.1,
            1,
            List.of(new ParameterGroup("*.mixer.in_proj.weight[z]", 5), new ParameterGroup("*.mixer.D", 2)));

    DType type = DType.FLOAT64;
    int steps = 10;
    int accumulate = 1;
    List<String> frozen = List.of();
    BiFunction<Integer, Integer, Sharding> sharding = Sharding::across;
    int checkEvery = 1;
    boolean sharded;

    /** Whether ranks divide the layers of the first two stages. */
    boolean byLayers;

    /** How many of the three. */
    int stages = 3;

    int layers = 3;
    List<Integer> kept = List.of();
    HiddenStateAlignment.Target target = HiddenStateAlignment.Target.BLOCK;

    /** The rank whose first loss is no number. */
    int poisoned = -1;

    /** Metrics of rank 0, and its student's parameters at the end. */
    record Outcome(List<StepMetrics> steps, Map<String, double[]> parameters) {}

    /** The same steps, each close by its size, and the same parameters. */
    static void assertSame(Outcome found, Outcome expected, double tolerance) {
        assertThat(found.steps()).hasSameSizeAs(expected.steps());
        for (int i = 0; i < expected.steps().size(); i++) {
            StepMetrics one = found.steps().get(i);
            StepMetrics other = expected.steps().get(i);
            assertThat(one.position()).isEqualTo(other.position());
            assertThat(one.tokens()).isEqualTo(other.tokens());
            assertThat(one.loss())
                    .as("loss of " + other.position())
                    .isCloseTo(other.loss(), relative(other.loss(), tolerance));
            assertThat(one.gradientNorm())
                    .as("norm of " + other.position())
                    .isCloseTo(other.gradientNorm(), relative(other.gradientNorm(), tolerance));
            assertThat(one.layerLosses()).hasSameSizeAs(other.layerLosses());
            for (int layer = 0; layer < other.layerLosses().size(); layer++) {
                double loss = other.layerLosses().get(layer);
                assertThat(one.layerLosses().get(layer))
                        .as("loss " + layer + " of " + other.position())
                        .isCloseTo(loss, relative(loss, tolerance));
            }
        }
        expected.parameters()
                .forEach((name, values) ->
                        TensorAssert.assertClose(name, found.parameters().get(name), values, tolerance));
    }

    private static Offset<Double> relative(double value, double tolerance) {
        return within(Math.abs(value) * tolerance);
    }

    /** On so many ranks, as rank 0 sees it; 0: without any of it. */
    Outcome on(int ranks) throws Exception {
        return ranks == 0
                ? run(Parallelism.none(), null, new TrainingListener() {})
                : ofAll(ranks).get(0);
    }

    /** As each rank sees it. */
    List<Outcome> ofAll(int ranks) throws Exception {
        Outcome[] results = new Outcome[ranks];
        List<@Nullable Throwable> thrown = LocalProcessGroup.run(
                ranks, group -> results[group.rank()] = run(null, group, new TrainingListener() {}));
        for (Throwable failure : thrown) {
            if (failure != null) {
                throw new AssertionError(failure);
            }
        }
        return List.of(results);
    }

    /** On so many ranks, each with a listener; what each rank threw. */
    List<@Nullable Throwable> onRanks(int ranks, IntFunction<TrainingListener> listener) throws InterruptedException {
        return LocalProcessGroup.run(ranks, group -> run(null, group, listener.apply(group.rank())));
    }

    /** An objective whose first loss is no number. */
    private static final class Poisoned implements Objective {
        private final Objective objective;
        private boolean done;

        Poisoned(Objective objective) {
            this.objective = objective;
        }

        @Override
        public Map<String, Parameter> trained() {
            return objective.trained();
        }

        @Override
        public double flopsPerToken() {
            return objective.flopsPerToken();
        }

        @Override
        public Result evaluate(Tensor ids, Tensor labels) {
            return evaluate(ids, labels, Receiver.NOBODY);
        }

        @Override
        public Result evaluate(Tensor ids, Tensor labels, Receiver receiver) {
            Result result = objective.evaluate(ids, labels, receiver);
            if (done) {
                return result;
            }
            done = true;
            return new Result(
                    result.losses().stream().map(loss -> loss.neg().sqrt()).toList(), result.gradients());
        }
    }

    private Parallelism parallel(Engine engine, ProcessGroup group) {
        DataParallel ranks = new DataParallel(engine, group, sharding.apply(group.rank(), group.size()), checkEvery);
        return sharded ? ranks.withShardedParameters() : ranks;
    }

    /** The golden one, or one like it with other layers. */
    CausalLm teacher(Engine engine) {
        CausalLmConfig golden = ModelFolder.config(GOLDEN.resolve("teacher"));
        return layers == golden.layers()
                ? ModelFolder.load(engine, GOLDEN.resolve("teacher"))
                : new CausalLm(
                        engine,
                        golden.withMixers(
                                Collections.nCopies(layers, golden.mixers().get(0))),
                        new SplittableRandom(3));
    }

    /** One rank's part. */
    private Outcome run(@Nullable Parallelism alone, @Nullable ProcessGroup group, TrainingListener listener) {
        List<StepMetrics> metrics = new ArrayList<>();
        try (Engine engine = Engine.open(
                "nd4j", BackendOptions.defaults().withParameterType(type).withThreads(1))) {
            CausalLm teacher = teacher(engine);
            MixerPlan mixers =
                    MixerPlan.replacing(teacher.config(), own -> new DiscreteMamba2.Config(32, 4, 4, 16, 4, 16), kept);
            // every rank starts from other numbers, which must not matter
            CausalLm student = mixers.student(teacher, new SplittableRandom(group == null ? 0 : group.rank()));
            StagePlan plan = new StagePlan(teacher, student, mixers, frozen);
            try (Parallelism ranks = alone != null ? alone : parallel(engine, group)) {
                ranks.share(student.parameters().values());
                InMemoryLoader batches = new InMemoryLoader(
                        new TokenWindows(
                                TokenSequence.of(
                                        "noise",
                                        new SplittableRandom(1)
                                                .ints(1000, 0, 128)
                                                .toArray()),
                                12),
                        BATCH,
                        0);
                int stage = 1;
                List<Objective> objectives = List.of(
                        plan.matrixOrientation(),
                        plan.hiddenStateAlignment(target),
                        plan.knowledgeDistillation(
                                TeacherDistribution.whole(teacher, TeacherStates.UNCACHED),
                                new DistillationFunction.Weights(2, 0.3),
                                0.5,
                                true));
                for (Objective objective : objectives.subList(0, stages)) {
                    Parallelism.Divided shared = byLayers && objective instanceof LayerwiseObjective layerwise
                            ? ranks.byLayers(layerwise, accumulate)
                            : new Parallelism.Divided(objective, ranks);
                    shared.ranks().shard(student.parameters().values());
                    try (StageState state = new StageState(
                            stage,
                            new AdamW(engine, ADAMW, shared.ranks().sharding()),
                            0,
                            new StageLength(new CosineSchedule(1e-3, 0, steps, 0), steps))) {
                        Objective trained = group != null && group.rank() == poisoned && stage == 1
                                ? new Poisoned(shared.objective())
                                : shared.objective();
                        new Trainer(
                                        engine,
                                        batches,
                                        new TrainingListener() {
                                            @Override
                                            public void iterationDone(StepMetrics done) {
                                                metrics.add(done);
                                                listener.iterationDone(done);
                                            }

                                            @Override
                                            public void onGradientCalculation(
                                                    int number,
                                                    int step,
                                                    Map<String, Parameter> parameters,
                                                    Map<String, Tensor> gradients) {
                                                listener.onGradientCalculation(number, step, parameters, gradients);
                                            }

                                            @Override
                                            public boolean readsGradients(int number, int step) {
                                                return step % 3 == 0 && listener.readsGradients(number, step);
                                            }
                                        },
                                        accumulate,
                                        FaultConfig.defaults(),
                                        shared.ranks())
                                .run(state, trained, StepBoundary.NOTHING);
                    }
                    shared.ranks().unshard(student.parameters().values());
                    stage++;
                }
            }
            Map<String, double[]> parameters = new LinkedHashMap<>();
            student.parameters()
                    .forEach((name, parameter) ->
                            parameters.put(name, parameter.value().toDoubles()));
            return new Outcome(metrics, parameters);
        }
    }
}
