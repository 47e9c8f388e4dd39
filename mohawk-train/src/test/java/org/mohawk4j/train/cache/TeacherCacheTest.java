package org.mohawk4j.train.cache;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.mohawk4j.InvalidInputException;
import org.mohawk4j.backend.BackendOptions;
import org.mohawk4j.functional.DistillationFunction;
import org.mohawk4j.mixer.DiscreteMamba2;
import org.mohawk4j.models.CausalLm;
import org.mohawk4j.models.MixerPlan;
import org.mohawk4j.models.ModelFolder;
import org.mohawk4j.tensor.DType;
import org.mohawk4j.tensor.Engine;
import org.mohawk4j.tensor.HostTensor;
import org.mohawk4j.tensor.Scope;
import org.mohawk4j.train.stage.HiddenStateAlignment.Target;
import org.mohawk4j.train.stage.Objective;
import org.mohawk4j.train.stage.StagePlan;
import org.mohawk4j.train.stage.TeacherStates;

class TeacherCacheTest {
    private static final Path GOLDEN = Path.of(System.getProperty("mohawk.golden", "../src/test/golden"));
    private static final int CONTEXT = 24;
    private static final int WINDOWS = 6;

    @TempDir
    private Path folder;

    private Engine engine;
    private CausalLm teacher;
    private CausalLm student;
    private MixerPlan mixers;

    @BeforeEach
    void open() {
        engine = Engine.open("nd4j", BackendOptions.defaults());
        teacher = ModelFolder.load(engine, GOLDEN.resolve("teacher"));
        mixers = MixerPlan.replacing(
                teacher.config(), own -> new DiscreteMamba2.Config(32, 4, 4, 16, 4, 16), List.of(1));
        student = mixers.student(teacher, new SplittableRandom(1));
    }

    @AfterEach
    void close() {
        engine.close();
    }

    private TeacherCache cache(boolean all) {
        return TeacherCache.open(folder.resolve("states"), teacher, all, CONTEXT, WINDOWS);
    }

    /** Losses and gradients of a stage on a batch of windows, each of which is told by its number. */
    private Map<String, double[]> evaluate(Objective objective, int... windows) {
        int[] ids = new int[windows.length * CONTEXT];
        for (int b = 0; b < windows.length; b++) {
            int[] window =
                    new SplittableRandom(windows[b]).ints(CONTEXT, 0, 128).toArray();
            System.arraycopy(window, 0, ids, b * CONTEXT, CONTEXT);
        }
        try (Scope scope = engine.scope()) {
            Objective.Result result = objective.evaluate(
                    scope.adopt(engine.indices(ids, windows.length, CONTEXT)), engine.indices(ids, ids.length));
            Map<String, double[]> numbers = new LinkedHashMap<>();
            numbers.put(
                    "losses",
                    result.losses().stream().mapToDouble(loss -> loss.item()).toArray());
            result.gradients().forEach((name, gradient) -> numbers.put(name, gradient.toDoubles()));
            return numbers;
        }
    }

    private List<Objective> stages(TeacherStates states) {
        StagePlan plan = new StagePlan(teacher, student, mixers, List.of(), states);
        return List.of(
                plan.matrixOrientation(),
                plan.hiddenStateAlignment(Target.MIXER),
                plan.hiddenStateAlignment(Target.BLOCK),
                plan.knowledgeDistillation(DistillationFunction.Weights.PLAIN));
    }

    private static void assertSame(Map<String, double[]> actual, Map<String, double[]> expected) {
        assertThat(actual.keySet()).isEqualTo(expected.keySet());
        actual.forEach((name, values) -> assertThat(values).as(name).isEqualTo(expected.get(name)));
    }

    @Test
    void everyStageHasTheSameLossesAndGradientsComputedWrittenAndReplayed() {
        List<Objective> computed = stages(TeacherStates.COMPUTED);
        for (int stage = 0; stage < 4; stage++) {
            Path file = folder.resolve("stage" + stage);
            Map<String, double[]> expected = evaluate(computed.get(stage), 1, 2);
            try (TeacherCache cache = TeacherCache.open(file, teacher, true, CONTEXT, WINDOWS)) {
                assertSame(evaluate(stages(cache).get(stage), 1, 2), expected);
                assertThat(cache.windows()).isEqualTo(2);
            }
            try (TeacherCache cache = TeacherCache.open(file, teacher, true, CONTEXT, WINDOWS)) {
                for (int other = 0; other < 4; other++) {
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
                    evaluate(stages(TeacherStates.COMPUTED).get(2), 4, 2).get("losses");
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
            // Zeros in every MLP of the teacher change whatever is computed with them.
            teacher.parameters().forEach((name, parameter) -> {
                if (name.contains(".mlp.")) {
                    int bytes = Math.toIntExact(parameter.shape().size()) * Float.BYTES;
                    parameter.set(new HostTensor(DType.FLOAT32, parameter.shape(), ByteBuffer.allocate(bytes)));
                }
            });
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
                    evaluate(stages(TeacherStates.COMPUTED).get(3), 3));
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
                .hasMessageContaining("found those of another teacher or run");
        byte[] bytes = Files.readAllBytes(file);
        bytes[bytes.length - 5] ^= 1;
        Files.write(file, bytes);
        try (TeacherCache cache = cache(true)) {
            assertThatThrownBy(() -> evaluate(stages(cache).get(3), 1))
                    .isInstanceOf(InvalidInputException.class)
                    .hasMessageContaining("state 3 of window 0 is damaged");
        }
        Files.writeString(file, "something else");
        assertThatThrownBy(() -> cache(true))
                .isInstanceOf(InvalidInputException.class)
                .hasMessageContaining("expected a teacher's states, found something else");
    }
}
