package org.mohawk4j.train.cache;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.mohawk4j.InvalidInputException;
import org.mohawk4j.op.loss.DistillationFunction;
import org.mohawk4j.tensor.Scope;
import org.mohawk4j.train.stage.HiddenStateAlignment.Target;
import org.mohawk4j.train.stage.Objective;
import org.mohawk4j.train.stage.StagePlan;
import org.mohawk4j.train.stage.TeacherDistribution;
import org.mohawk4j.train.stage.TeacherStates;

class TeacherCacheTest extends CacheTest {
    private TeacherCache cache(boolean all) {
        return TeacherCache.open(folder.resolve("states"), teacher, all, CONTEXT, WINDOWS);
    }

    private List<Objective> stages(TeacherStates states) {
        StagePlan plan = plan(states);
        return List.of(
                plan.matrixOrientation(),
                plan.hiddenStateAlignment(Target.MIXER),
                plan.hiddenStateAlignment(Target.BLOCK),
                plan.knowledgeDistillation(DistillationFunction.Weights.PLAIN),
                plan.knowledgeDistillation(
                        TeacherDistribution.whole(teacher, states), DistillationFunction.Weights.PLAIN, 2, false));
    }

    @Test
    void everyStageHasTheSameLossesAndGradientsComputedWrittenAndReplayed() {
        List<Objective> computed = stages(TeacherStates.UNCACHED);
        for (int stage = 0; stage < computed.size(); stage++) {
            Path file = folder.resolve("stage" + stage);
            Map<String, double[]> expected = evaluate(computed.get(stage), 1, 2);
            try (TeacherCache cache = TeacherCache.open(file, teacher, true, CONTEXT, WINDOWS)) {
                assertSame(evaluate(stages(cache).get(stage), 1, 2), expected);
                assertThat(cache.windows()).isEqualTo(2);
            }
            try (TeacherCache cache = TeacherCache.open(file, teacher, true, CONTEXT, WINDOWS)) {
                for (int other = 0; other < computed.size(); other++) {
                    assertSame(evaluate(stages(cache).get(other), 1, 2), evaluate(computed.get(other), 1, 2));
                }
                assertThat(cache.windows()).isEqualTo(2);
            }
        }
    }

    @Test
    void windowsAreFoundInAnyOrderAndBatch() {
        try (TeacherCache cache = cache(true)) {
            Objective stage = stages(cache).get(2);
            evaluate(stage, 1, 2, 3);
            evaluate(stage, 4, 1, 4);
            assertThat(cache.windows()).isEqualTo(4);

            try (Scope scope = engine.scope()) {
                int[] ids = new SplittableRandom(4).ints(CONTEXT, 0, 128).toArray();
                assertThat(cache.batch(scope.adopt(engine.indices(ids, 1, CONTEXT)), true)
                                .isReplayed())
                        .isTrue();
            }
            double[] replayed = evaluate(stage, 4, 2).get("losses");
            double[] computed =
                    evaluate(stages(TeacherStates.UNCACHED).get(2), 4, 2).get("losses");
            for (int i = 0; i < computed.length; i++) {
                assertThat(replayed[i]).isCloseTo(computed[i], within(1e-5));
            }
        }
    }

    @Test
    void aReplayedStageDoesNotRunTheTeachersBlocks() {
        try (TeacherCache cache = cache(true)) {
            List<Objective> stages = stages(cache);
            List<Map<String, double[]>> expected = new ArrayList<>();
            stages.forEach(stage -> expected.add(evaluate(stage, 1, 2)));
            clear(".mlp.");
            for (int stage = 0; stage < 4; stage++) {
                assertSame(evaluate(stages.get(stage), 1, 2), expected.get(stage));
            }
        }
    }

    @Test
    void theSizeIsKnownBefore() throws IOException {
        for (boolean all : new boolean[] {true, false}) {
            Path file = folder.resolve("all" + all);
            try (TeacherCache cache = TeacherCache.open(file, teacher, all, CONTEXT, WINDOWS)) {
                evaluate(stages(cache).get(3), 1, 2, 3);
            }
            assertThat(Files.size(file)).isEqualTo(TeacherCache.predictBytes(teacher, all, CONTEXT, 3));
        }
    }

    @Test
    void noMoreWindowsAreKeptThanWasSaid() {
        try (TeacherCache cache = cache(false)) {
            Objective stage = stages(cache).get(3);
            evaluate(stage, 1, 2, 3, 4);
            evaluate(stage, 5, 6, 7);
            assertThat(cache.windows()).isEqualTo(4);
        }
    }

    @Test
    void windowsThatAreThereTakeNoRoom() {
        try (TeacherCache cache = cache(false)) {
            evaluate(stages(cache).get(3), 1, 2, 3, 4);
            evaluate(stages(cache).get(3), 3, 4, 5, 6);
            assertThat(cache.windows()).isEqualTo(6);
        }
        try (TeacherCache cache = cache(false)) {
            evaluate(stages(cache).get(3), 7, 7, 8, 9);
            assertThat(cache.windows()).as("windows of another run").isEqualTo(9);
        }
    }

    /** Otherwise a run that goes on would read of some windows what the run that was ended had computed anew. */
    @Test
    void aWindowHasTheSameStatesFromItsFirstBatchOn() {
        try (TeacherCache cache = cache(true)) {
            evaluate(stages(cache).get(2), 1, 2);
            clear(".mlp.");
            Map<String, double[]> first = evaluate(stages(cache).get(2), 3, 1, 3);
            assertThat(cache.windows()).isEqualTo(3);
            assertSame(evaluate(stages(cache).get(2), 3, 1, 3), first);
        }
    }

    @Test
    void theLastStateAloneServesStageThree() {
        try (TeacherCache cache = cache(false)) {
            evaluate(stages(cache).get(0), 1, 2);
            assertThat(cache.windows()).isZero();
            Map<String, double[]> written = evaluate(stages(cache).get(3), 1, 2);
            assertThat(cache.windows()).isEqualTo(2);
            assertSame(evaluate(stages(cache).get(3), 1, 2), written);
        }
    }

    @Test
    void whatAKillLeavesIsWrittenOver() throws IOException {
        Path file = folder.resolve("states");
        try (TeacherCache cache = cache(true)) {
            evaluate(stages(cache).get(3), 1, 2);
        }
        byte[] whole = Files.readAllBytes(file);
        int entry = (int) (TeacherCache.predictBytes(teacher, true, CONTEXT, 2)
                - TeacherCache.predictBytes(teacher, true, CONTEXT, 1));
        byte[] unfinished = Arrays.copyOf(whole, whole.length + entry + entry / 2);
        Files.write(file, unfinished);
        try (TeacherCache cache = cache(true)) {
            assertThat(cache.windows()).isEqualTo(2);
            evaluate(stages(cache).get(3), 3);
            assertThat(cache.windows()).isEqualTo(3);
        }
        try (TeacherCache cache = cache(true)) {
            assertSame(
                    evaluate(stages(cache).get(3), 3),
                    evaluate(stages(TeacherStates.UNCACHED).get(3), 3));
        }
    }

    @Test
    void damageIsFoundAndOthersStatesAreRefused() throws IOException {
        Path file = folder.resolve("states");
        try (TeacherCache cache = cache(true)) {
            evaluate(stages(cache).get(3), 1);
            assertThatThrownBy(() -> cache(true)).hasMessageContaining("found another using it");
        }
        assertThatThrownBy(() -> cache(false))
                .isInstanceOf(InvalidInputException.class)
                .hasMessageContaining("found those of another teacher, precision or run");
        byte[] bytes = Files.readAllBytes(file);
        bytes[bytes.length - 5] ^= 1;
        Files.write(file, bytes);
        try (TeacherCache cache = cache(true)) {
            assertThatThrownBy(() -> evaluate(stages(cache).get(3), 1))
                    .isInstanceOf(InvalidInputException.class)
                    .hasMessageContaining("part 3 of window 0 is damaged");
        }
        Files.writeString(file, "something else");
        assertThatThrownBy(() -> cache(true))
                .isInstanceOf(InvalidInputException.class)
                .hasMessageContaining("expected a teacher's states, found something else");
    }
}
