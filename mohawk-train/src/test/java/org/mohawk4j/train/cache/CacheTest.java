package org.mohawk4j.train.cache;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.io.TempDir;
import org.mohawk4j.backend.BackendOptions;
import org.mohawk4j.mixer.DiscreteMamba2;
import org.mohawk4j.models.CausalLm;
import org.mohawk4j.models.MixerPlan;
import org.mohawk4j.models.ModelFolder;
import org.mohawk4j.tensor.Engine;
import org.mohawk4j.tensor.Scope;
import org.mohawk4j.tensor.types.DType;
import org.mohawk4j.tensor.types.HostTensor;
import org.mohawk4j.train.stage.Objective;
import org.mohawk4j.train.stage.StagePlan;
import org.mohawk4j.train.stage.TeacherStates;

/** A test with the golden teacher, a student, and windows of random tokens. */
abstract class CacheTest {
    private static final Path GOLDEN = Path.of(System.getProperty("mohawk.golden", "../src/test/golden"));
    static final int CONTEXT = 24;
    static final int WINDOWS = 6;

    @TempDir
    Path folder;

    Engine engine;
    CausalLm teacher;
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

    final StagePlan plan(TeacherStates states) {
        return new StagePlan(teacher, student, mixers, List.of(), states);
    }

    /** Losses and gradients of a stage on a batch of windows, each of which is told by its number. */
    final Map<String, double[]> evaluate(Objective objective, int... windows) {
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

    /** Zeros in some of the teacher's parameters change whatever is computed with them. */
    final void clear(String part) {
        teacher.parameters().forEach((name, parameter) -> {
            if (name.contains(part)) {
                int bytes = Math.toIntExact(parameter.shape().size()) * Float.BYTES;
                parameter.set(new HostTensor(DType.FLOAT32, parameter.shape(), ByteBuffer.allocate(bytes)));
            }
        });
    }

    static void assertSame(Map<String, double[]> actual, Map<String, double[]> expected) {
        assertThat(actual.keySet()).isEqualTo(expected.keySet());
        actual.forEach((name, values) -> assertThat(values).as(name).isEqualTo(expected.get(name)));
    }
}
