package org.mohawk4j.train.distributed;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.mohawk4j.train.distributed.RankedRun.assertSame;

import java.util.Collection;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.mohawk4j.backend.BackendOptions;
import org.mohawk4j.backend.MemoryOps;
import org.mohawk4j.mixer.DiscreteMamba2;
import org.mohawk4j.models.Block;
import org.mohawk4j.models.CausalLm;
import org.mohawk4j.models.MixerPlan;
import org.mohawk4j.nn.Layer;
import org.mohawk4j.nn.Parameter;
import org.mohawk4j.tensor.Engine;
import org.mohawk4j.tensor.types.DType;
import org.mohawk4j.train.loop.Parallelism;
import org.mohawk4j.train.metrics.StepMetrics;
import org.mohawk4j.train.stage.HiddenStateAlignment;
import org.mohawk4j.train.stage.LayerwiseObjective;
import org.mohawk4j.train.stage.StagePlan;

/** All three stages, the layers of the first two divided among the ranks. */
@Timeout(120)
class LayerParallelTest {
    private static RankedRun.Outcome alone;

    @BeforeAll
    static void runAlone() throws Exception {
        alone = layers().on(0);
    }

    private static RankedRun layers() {
        RankedRun run = new RankedRun();
        run.byLayers = true;
        run.layers = 4;
        run.stages = 2;
        return run;
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 4})
    void anyNumberOfRanksAgreesWithOneWithoutRanks(int ranks) throws Exception {
        List<RankedRun.Outcome> found = layers().ofAll(ranks);
        assertSame(found.get(0), alone, 1e-9);
        for (RankedRun.Outcome other : found) {
            assertSame(other, found.get(0), 0);
        }
    }

    @Test
    void theyAgreeWithMicroBatchesFrozenParametersAndLayersThatKeepTheirAttention() throws Exception {
        RankedRun run = layers();
        run.layers = 7;
        run.kept = List.of(0, 3, 6);
        run.frozen = List.of("*.mlp.fc1.*", "embedding.weight", "layers.2.mixer.D");
        run.steps = 3;
        RankedRun.Outcome expected = run.on(0);
        run.accumulate = 2;
        assertSame(run.on(2), expected, 1e-9);
        assertSame(run.on(4), expected, 1e-9);
    }

    /** Layers need no equal shares of a batch. */
    @Test
    void theyAgreeWithMixersAloneAndMicroBatchesOfOneWindow() throws Exception {
        RankedRun run = layers();
        run.steps = 2;
        run.target = HiddenStateAlignment.Target.MIXER;
        RankedRun.Outcome expected = run.on(0);
        run.accumulate = RankedRun.BATCH;
        assertSame(run.on(3), expected, 1e-9);
    }

    @Test
    void aStageWithShardedParametersFollows() throws Exception {
        RankedRun run = layers();
        run.layers = 3;
        run.stages = 3;
        run.steps = 2;
        run.sharded = true;
        RankedRun.Outcome expected = run.on(0);
        assertSame(run.on(2), expected, 1e-9);
    }

    @Test
    void theyAgreeInFloat32() throws Exception {
        RankedRun run = layers();
        run.type = DType.FLOAT32;
        run.steps = 4;
        RankedRun.Outcome expected = run.on(0);
        assertSame(run.on(2), expected, 1e-4);
        assertSame(run.on(4), expected, 1e-4);
    }

    @Test
    void aLossThatIsNotFiniteInOneRanksLayersIsPassedOverByAll() throws Exception {
        RankedRun run = layers();
        run.layers = 3;
        run.steps = 2;
        run.type = DType.FLOAT32;
        run.poisoned = 1;
        for (RankedRun.Outcome rank : run.ofAll(2)) {
            assertThat(rank.steps()).extracting(StepMetrics::isFaulty).containsExactly(true, false, false, false);
        }
    }

    /** Of three layers, the first rank has two. */
    @Test
    void otherRanksLayersTakeNoMemoryUntilAStageEnds() throws Exception {
        assertThat(LocalProcessGroup.run(2, group -> {
                    try (Engine engine = Engine.open(
                                    "nd4j", BackendOptions.defaults().withThreads(1));
                            DataParallel ranks = new DataParallel(engine, group);
                            CausalLm teacher = new RankedRun().teacher(engine)) {
                        MixerPlan mixers = MixerPlan.replacing(
                                teacher.config(), own -> new DiscreteMamba2.Config(32, 4, 4, 16, 4, 16), List.of());
                        CausalLm student = mixers.student(teacher, new SplittableRandom(group.rank()));
                        Collection<Parameter> all = student.parameters().values();
                        ranks.share(all);
                        Parameter shared = all.iterator().next();
                        List<Long> bytes = student.blocks().stream()
                                .map(block -> Layer.sizeOf(block.parameters()) * Float.BYTES)
                                .toList();
                        MemoryOps memory = engine.backend().memory();
                        long whole = memory.liveBytes();
                        Parallelism own = ranks.byLayers(
                                        (LayerwiseObjective)
                                                new StagePlan(teacher, student, mixers, List.of()).matrixOrientation(),
                                        1)
                                .ranks();

                        own.shard(all);

                        boolean first = group.rank() == 0;
                        assertThat(whole - memory.liveBytes())
                                .isEqualTo(first ? bytes.get(2) : bytes.get(0) + bytes.get(1));
                        Parameter other = first(student.blocks().get(first ? 2 : 0));
                        assertThatThrownBy(other::value)
                                .isInstanceOf(IllegalStateException.class)
                                .hasMessageContaining("trains is read on rank " + group.rank());
                        assertThat(shared.isElsewhere()).isFalse();
                        own.unshard(all);
                        assertThat(memory.liveBytes()).isEqualTo(whole);
                        assertThat(other.value().toDoubles()).doesNotContain(Double.NaN);
                    }
                }))
                .containsOnlyNulls();
    }

    private static Parameter first(Block block) {
        return block.parameters().values().iterator().next();
    }

    @Test
    void anEqualNumberOfRanksGivesEqualBits() throws Exception {
        RankedRun run = layers();
        run.steps = 3;
        run.type = DType.FLOAT32;
        run.accumulate = 2;
        assertSame(run.on(2), run.on(2), 0);
    }
}
