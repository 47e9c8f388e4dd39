package org.mohawk4j.train.distributed;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;
import static org.mohawk4j.testing.TensorAssert.assertClose;
import static org.mohawk4j.train.distributed.RankedRun.assertSame;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.mohawk4j.InvalidInputException;
import org.mohawk4j.backend.BackendOptions;
import org.mohawk4j.nn.Parameter;
import org.mohawk4j.tensor.Engine;
import org.mohawk4j.tensor.Tensor;
import org.mohawk4j.tensor.types.DType;
import org.mohawk4j.train.loop.TrainingListener;
import org.mohawk4j.train.metrics.StepMetrics;
import org.mohawk4j.train.optimizer.Sharding;

/** All three stages on one, two and four ranks. */
class DataParallelTest {
    private static RankedRun.Outcome alone;

    @BeforeAll
    static void runAlone() throws Exception {
        alone = new RankedRun().on(0);
    }

    @Test
    void oneRankIsTheRunWithoutRanks() throws Exception {
        RankedRun.Outcome one = new RankedRun().on(1);
        assertSame(one, alone, 0);
    }

    @Test
    void twoAndFourRanksAgreeWithOne() throws Exception {
        assertSame(new RankedRun().on(2), alone, 1e-9);
        assertSame(new RankedRun().on(4), alone, 1e-9);
    }

    @Test
    void theyAgreeWithMicroBatchesAndFrozenParametersAndWithoutASharedOptimizer() throws Exception {
        RankedRun run = new RankedRun();
        run.steps = 3;
        run.frozen = List.of("*.mlp.fc1.*", "embedding.weight");
        RankedRun.Outcome expected = run.on(0);
        run.accumulate = 2;
        assertSame(run.on(4), expected, 1e-9);
        run.sharding = Sharding::replicated;
        assertSame(run.on(2), expected, 1e-9);
    }

    @Test
    void theyAgreeWithDividedParameters() throws Exception {
        RankedRun run = new RankedRun();
        run.sharded = true;
        run.steps = 3;
        run.frozen = List.of("*.mlp.fc1.*");
        RankedRun.Outcome expected = run.on(0);
        assertSame(run.on(2), expected, 1e-9);
        run.accumulate = 2;
        assertSame(run.on(4), expected, 1e-9);
    }

    @Test
    void aNumberOfRanksThatDividesFewParametersIsRefusedWhereTheyAreToBeDivided() throws Exception {
        RankedRun run = new RankedRun();
        run.sharded = true;
        assertThat(run.onRanks(3, rank -> new TrainingListener() {}))
                .allSatisfy(thrown -> assertThat(thrown)
                        .isInstanceOf(InvalidInputException.class)
                        .hasMessage("shard-parameters: expected a number of ranks that divides most of the student's"
                                + " parameters into equal parts, such as a power of two, found 3"));
    }

    @Test
    void gradientsThatAreShownDoNotChange() throws Exception {
        List<@Nullable Throwable> thrown = LocalProcessGroup.run(3, group -> {
            try (Engine engine = Engine.open("nd4j", BackendOptions.defaults().withThreads(1));
                    DataParallel ranks = new DataParallel(engine, group)) {
                float[] sums = new float[3 * 64];
                SplittableRandom random = new SplittableRandom(5);
                for (int i = 0; i < sums.length; i++) {
                    sums[i] = (float) random.nextDouble();
                }
                Tensor gradient = engine.tensor(sums, sums.length);
                List<Double> shown = new ArrayList<>();

                ranks.show(
                        Map.of("x", gradient),
                        means -> shown.add(means.get("x").narrow(0, 7, 1).sum().item()));

                assertThat(shown)
                        .singleElement()
                        .satisfies(mean -> assertThat(mean).isCloseTo(sums[7] / 3.0, within(1e-6)));
                assertThat(gradient.toFloats()).isEqualTo(sums);
            }
        });
        assertThat(thrown).containsOnlyNulls();
    }

    @Test
    void theyAgreeInFloat32() throws Exception {
        RankedRun run = new RankedRun();
        run.type = DType.FLOAT32;
        run.steps = 4;
        RankedRun.Outcome expected = run.on(0);
        assertSame(run.on(2), expected, 1e-4);
        assertSame(run.on(4), expected, 1e-4);
    }

    @Test
    void anEqualNumberOfRanksGivesEqualBits() throws Exception {
        RankedRun run = new RankedRun();
        run.steps = 3;
        run.type = DType.FLOAT32;
        RankedRun.Outcome first = run.on(2);
        assertSame(run.on(2), first, 0);
    }

    @Test
    void listenersAreShownWholeGradientsThatAreMeans() throws Exception {
        RankedRun run = new RankedRun();
        run.steps = 3;
        Map<String, double[]> expected = gradientsOfTheFirstStage(run, 1);
        Map<String, double[]> found = gradientsOfTheFirstStage(run, 2);
        assertThat(found.keySet()).isEqualTo(expected.keySet()).isNotEmpty();
        found.forEach((name, gradient) -> assertClose(name, gradient, expected.get(name), 1e-12));
    }

    /** As rank 0 sees them. */
    private static Map<String, double[]> gradientsOfTheFirstStage(RankedRun run, int ranks) throws Exception {
        Map<String, double[]> found = new LinkedHashMap<>();
        run.onRanks(ranks, rank -> new TrainingListener() {
            @Override
            public boolean readsGradients(int stage, int step) {
                return rank == 0 && stage == 1;
            }

            @Override
            public void onGradientCalculation(
                    int stage, int step, Map<String, Parameter> trained, Map<String, Tensor> gradients) {
                if (rank == 0) {
                    gradients.forEach((name, gradient) -> found.put(name, gradient.toDoubles()));
                }
            }
        });
        return found;
    }

    @Test
    void aRankWhoseParametersHaveBecomeOthersIsNamed() throws Exception {
        RankedRun run = new RankedRun();
        run.steps = 3;
        List<@Nullable Throwable> thrown = run.onRanks(4, rank -> new TrainingListener() {
            @Override
            public void onGradientCalculation(
                    int stage, int step, Map<String, Parameter> trained, Map<String, Tensor> gradients) {
                if (rank == 2 && step == 3) {
                    Tensor value = trained.get("layers.0.mixer.D").value();
                    value.engine().backend().elementwise().accumulate(value.array(), value.array(), 1e-9);
                }
            }
        });
        assertThat(thrown)
                .allSatisfy(end -> assertThat(end)
                        .isInstanceOf(RankFailedException.class)
                        .hasMessage(
                                "the parameters of rank 2 (this process) differ from those of rank 0 (this process) after"
                                        + " 3 updates"));
    }

    @Test
    void aLossThatIsNotFiniteOnOneRankIsPassedOverByAll() throws Exception {
        RankedRun run = new RankedRun();
        run.steps = 2;
        run.poisoned = 1;
        List<List<StepMetrics>> metrics = new ArrayList<>(List.of(List.of(), List.of()));
        assertThat(run.onRanks(2, rank -> new TrainingListener() {
                    @Override
                    public void iterationDone(StepMetrics step) {
                        List<StepMetrics> all = new ArrayList<>(metrics.get(rank));
                        all.add(step);
                        metrics.set(rank, all);
                    }
                }))
                .containsOnlyNulls();
        for (List<StepMetrics> ofRank : metrics) {
            assertThat(ofRank.get(0).isFaulty()).isTrue();
            assertThat(ofRank.get(1).isFaulty()).isFalse();
        }
    }
}
