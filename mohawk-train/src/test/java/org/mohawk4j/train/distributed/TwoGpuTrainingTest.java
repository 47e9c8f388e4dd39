package org.mohawk4j.train.distributed;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.SplittableRandom;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.mohawk4j.backend.BackendOptions;
import org.mohawk4j.data.InMemoryLoader;
import org.mohawk4j.data.TokenSequence;
import org.mohawk4j.data.TokenWindows;
import org.mohawk4j.mixer.DiscreteMamba2;
import org.mohawk4j.models.CausalLm;
import org.mohawk4j.models.MixerPlan;
import org.mohawk4j.models.testing.Gpu;
import org.mohawk4j.op.loss.DistillationFunction;
import org.mohawk4j.tensor.Engine;
import org.mohawk4j.train.config.FaultConfig;
import org.mohawk4j.train.loop.Parallelism;
import org.mohawk4j.train.loop.StageLength;
import org.mohawk4j.train.loop.StageState;
import org.mohawk4j.train.loop.StepBoundary;
import org.mohawk4j.train.loop.Trainer;
import org.mohawk4j.train.loop.TrainingListener;
import org.mohawk4j.train.metrics.StepMetrics;
import org.mohawk4j.train.optimizer.AdamW;
import org.mohawk4j.train.schedule.CosineSchedule;
import org.mohawk4j.train.stage.HiddenStateAlignment;
import org.mohawk4j.train.stage.LayerwiseObjective;
import org.mohawk4j.train.stage.Objective;
import org.mohawk4j.train.stage.StagePlan;

/** Training on two GPUs against one, with NCCL and a sharded optimizer. */
@Tag("gpu2")
@Timeout(300)
class TwoGpuTrainingTest {
    private static final int STEPS = 20;
    private static final int BATCH = 8;

    @BeforeAll
    static void requireTwoGpus() {
        Gpu.requireTwo();
        assumeTrue(Gpu.deviceOf(1) == 1, "training ranks of one process would deadlock on one GPU");
        assumeTrue(
                "1".equals(System.getenv("NCCL_P2P_DIRECT_DISABLE")),
                "ranks in one process need NCCL_P2P_DIRECT_DISABLE=1 in the environment");
    }

    /** The losses of all steps. */
    private static List<Double> train(
            Optional<ProcessGroup> group, int stage, boolean mixed, int accumulate, TrainingListener listener) {
        return train(group, stage, mixed, accumulate, Division.BATCH, listener);
    }

    /** What two GPUs divide. */
    private enum Division {
        BATCH,
        PARAMETERS,
        LAYERS
    }

    private static List<Double> train(
            Optional<ProcessGroup> group,
            int stage,
            boolean mixed,
            int accumulate,
            Division division,
            TrainingListener listener) {
        int device = group.map(ProcessGroup::rank).orElse(0);
        List<Double> losses = new ArrayList<>();
        try (Engine engine = Engine.open(
                        "cuda", BackendOptions.defaults().withMixed(mixed).withDevice(device));
                Parallelism ranks =
                        group.map(own -> parallel(engine, own, division)).orElseGet(Parallelism::none);
                CausalLm teacher = Gpu.teacher(engine)) {
            MixerPlan mixers = MixerPlan.replacing(
                    teacher.config(),
                    own -> new DiscreteMamba2.Config(own.width(), Gpu.HEADS, Gpu.HEADS, 64, 4, 64),
                    List.of());
            try (CausalLm student = mixers.student(teacher, new SplittableRandom(1))) {
                ranks.share(student.parameters().values());
                ranks.shard(student.parameters().values());
                StagePlan plan = new StagePlan(teacher, student, mixers, List.of());
                Objective objective = switch (stage) {
                    case 1 -> plan.matrixOrientation();
                    case 2 -> plan.hiddenStateAlignment(HiddenStateAlignment.Target.MIXER);
                    default ->
                        plan.knowledgeDistillation(DistillationFunction.Weights.PLAIN, division == Division.PARAMETERS);
                };
                int[] text =
                        new SplittableRandom(2).ints(100_000, 0, Gpu.VOCABULARY).toArray();
                InMemoryLoader batches =
                        new InMemoryLoader(new TokenWindows(TokenSequence.of("noise", text), Gpu.CONTEXT), BATCH, 0);
                AdamW.Config adamw = new AdamW.Config(0.9, 0.95, 1e-8, 0.1, 1);
                TrainingListener noting = new TrainingListener() {
                    @Override
                    public void iterationDone(StepMetrics metrics) {
                        losses.add(metrics.loss());
                        listener.iterationDone(metrics);
                    }
                };
                Parallelism.Divided own = division == Division.LAYERS
                        ? ranks.byLayers((LayerwiseObjective) objective, accumulate)
                        : new Parallelism.Divided(objective, ranks);
                try (StageState state = new StageState(
                        stage,
                        new AdamW(engine, adamw, own.ranks().sharding()),
                        0,
                        new StageLength(new CosineSchedule(1e-3, 0, STEPS, 0), STEPS))) {
                    new Trainer(engine, batches, noting, accumulate, FaultConfig.defaults(), own.ranks())
                            .run(state, own.objective(), StepBoundary.NOTHING);
                }
            }
        }
        return losses;
    }

    private static Parallelism parallel(Engine engine, ProcessGroup group, Division division) {
        DataParallel ranks = new DataParallel(engine, group);
        return division == Division.PARAMETERS ? ranks.withShardedParameters() : ranks;
    }

    private static List<Double> onTwo(int stage, boolean mixed, int accumulate) throws InterruptedException {
        List<List<Double>> losses = new ArrayList<>(List.of(List.of(), List.of()));
        List<@Nullable Throwable> thrown = LocalProcessGroup.run(
                2,
                group -> losses.set(
                        group.rank(), train(Optional.of(group), stage, mixed, accumulate, new TrainingListener() {})));
        assertThat(thrown).containsOnlyNulls();
        assertThat(losses.get(0)).isEqualTo(losses.get(1)).hasSize(STEPS);
        return losses.get(0);
    }

    @ParameterizedTest
    @CsvSource({
        "1, false, 1",
        "2, false, 1",
        "3, false, 1",
        "3, false, 2",
        "1, true, 1",
        "2, true, 1",
        "3, true, 1",
        "3, true, 4"
    })
    void twoGpusTakeTheStepsOfOne(int stage, boolean mixed, int accumulate) throws Exception {
        List<Double> alone = train(Optional.empty(), stage, mixed, 1, new TrainingListener() {});
        List<Double> found = onTwo(stage, mixed, accumulate);
        double difference = 0;
        for (int i = 0; i < STEPS; i++) {
            difference += Math.abs(found.get(i) - alone.get(i)) / alone.get(i) / STEPS;
        }
        assertThat(difference).as("mean relative difference").isLessThan(mixed ? 5e-3 : 1e-4);
        assertThat(found.get(0)).isCloseTo(alone.get(0), within(alone.get(0) * (mixed ? 5e-3 : 1e-5)));
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 3})
    void twoGpusThatDivideTheParametersTakeTheStepsOfOne(int stage) throws Exception {
        List<Double> alone = train(Optional.empty(), stage, true, 1, new TrainingListener() {});
        List<List<Double>> found = new ArrayList<>(List.of(List.of(), List.of()));
        List<@Nullable Throwable> thrown = LocalProcessGroup.run(
                2,
                group -> found.set(
                        group.rank(),
                        train(Optional.of(group), stage, true, 2, Division.PARAMETERS, new TrainingListener() {})));
        assertThat(thrown).containsOnlyNulls();
        for (int i = 0; i < STEPS; i++) {
            assertThat(found.get(0).get(i))
                    .as("loss of step " + (i + 1))
                    .isCloseTo(alone.get(i), within(alone.get(i) * 2e-2));
        }
    }

    /** The second begins with hidden states that the first has sent. */
    @ParameterizedTest
    @CsvSource({"1, false, 1", "2, false, 4", "1, true, 2", "2, true, 4"})
    void twoGpusThatDivideTheLayersTakeTheStepsOfOne(int stage, boolean mixed, int accumulate) throws Exception {
        List<Double> alone = train(Optional.empty(), stage, mixed, 1, new TrainingListener() {});
        List<List<Double>> found = new ArrayList<>(List.of(List.of(), List.of()));
        List<@Nullable Throwable> thrown = LocalProcessGroup.run(
                2,
                group -> found.set(
                        group.rank(),
                        train(
                                Optional.of(group),
                                stage,
                                mixed,
                                accumulate,
                                Division.LAYERS,
                                new TrainingListener() {})));
        assertThat(thrown).containsOnlyNulls();
        assertThat(found.get(1)).isEqualTo(found.get(0));
        for (int i = 0; i < STEPS; i++) {
            assertThat(found.get(0).get(i))
                    .as("loss of step " + (i + 1))
                    .isCloseTo(alone.get(i), within(alone.get(i) * (mixed ? 2e-2 : 1e-4)));
        }
    }

    @Test
    void twoGpusGiveTheSameBitsTwice() throws Exception {
        assertThat(onTwo(3, true, 1)).isEqualTo(onTwo(3, true, 1));
    }

    @Test
    void aRankThatDiesIsNamedOnTheOther() throws Exception {
        List<@Nullable Throwable> thrown = LocalProcessGroup.run(
                2,
                group -> train(Optional.of(group), 3, true, 1, new TrainingListener() {
                    @Override
                    public void iterationDone(StepMetrics metrics) {
                        if (group.rank() == 1 && metrics.step() == 5) {
                            throw new IllegalStateException("killed");
                        }
                    }
                }));
        assertThat(thrown.get(1)).hasMessage("killed");
        assertThat(thrown.get(0))
                .isInstanceOf(RankFailedException.class)
                .hasMessage("rank 1 (this process) failed: killed");
    }
}
