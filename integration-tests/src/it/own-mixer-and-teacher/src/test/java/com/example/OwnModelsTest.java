package com.example;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.example.mixer.OwnMixer;
import com.example.teacher.AlibiAttention;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.mohawk4j.backend.BackendOptions;
import org.mohawk4j.backend.Backends;
import org.mohawk4j.mixer.MatrixMixer;
import org.mohawk4j.mixer.MixerConfig;
import org.mohawk4j.mixer.MixerState;
import org.mohawk4j.models.CausalLm;
import org.mohawk4j.models.CausalLmConfig;
import org.mohawk4j.models.InferenceCache;
import org.mohawk4j.models.ModelFolder;
import org.mohawk4j.nn.Initializer;
import org.mohawk4j.nn.Parameter;
import org.mohawk4j.tensor.Engine;
import org.mohawk4j.tensor.Tensor;
import org.mohawk4j.tensor.types.DType;

/** What the own mixer and the own attention compute, and how long they are. */
class OwnModelsTest {
    private static final int TIME = 21;

    @TempDir
    private Path folder;

    static List<MixerConfig> mixers() {
        return List.of(new OwnMixer.Config(32, 48, 4, 5), new AlibiAttention.Config(32, 4, 12));
    }

    @ParameterizedTest
    @MethodSource("mixers")
    void positionsInAnyPiecesGiveWhatAllAtOnceGive(MixerConfig config) {
        try (Engine engine = exact();
                MatrixMixer mixer = config.create(engine, new SplittableRandom(1))) {
            Tensor u = input(engine);
            double[] whole = mixer.forward(u).toDoubles();

            for (int first : new int[] {1, 2, TIME - 1}) {
                try (MixerState state = mixer.newState(2)) {
                    Tensor pieces = mixer.forward(u.narrow(1, 0, first), state);
                    for (int t = first; t < TIME; t++) {
                        pieces = Tensor.concat(1, List.of(pieces, mixer.forward(u.narrow(1, t, 1), state)));
                    }
                    assertThat(pieces.toDoubles()).containsExactly(whole, within(1e-10));
                    assertThat(state.position()).isEqualTo(TIME);
                }
            }
        }
    }

    @ParameterizedTest
    @MethodSource("mixers")
    void theFutureHasNoWeight(MixerConfig config) {
        try (Engine engine = exact();
                MatrixMixer mixer = config.create(engine, new SplittableRandom(1))) {
            Tensor matrix = mixer.matrix(input(engine)).materialize();

            assertThat(matrix.shape().toArray()).containsExactly(2, 4, TIME, TIME);
            assertThat(matrix.sub(matrix.tril(0, 0)).toDoubles()).containsOnly(0.0);
            assertThat(matrix.tril(-1, 0).square().sum().item()).isPositive();
        }
    }

    /** Where scores are 0, what is left of the matrix is the bias. */
    @Test
    void theAttentionFadesWithDistanceAsItsSlopesSay() {
        try (Engine engine = exact();
                AlibiAttention attention = new AlibiAttention.Config(32, 4, 12).create(engine, new SplittableRandom(1))) {
            Parameter query = attention.parameters().get("query.weight");
            query.set(Initializer.constant(0).create(query.shape()));
            double[] slopes = attention.parameters().get("slopes").value().toDoubles();
            Tensor lastRows = attention.matrix(input(engine)).materialize().narrow(2, TIME - 1, 1);

            assertThat(slopes).containsExactly(0.25, 0.0625, 0.015625, 0.00390625);
            for (int head = 0; head < 4; head++) {
                double[] row = lastRows.narrow(0, 0, 1).narrow(1, head, 1).toDoubles();
                for (int s = 1; s < TIME; s++) {
                    assertThat(row[s] / row[s - 1]).isCloseTo(Math.exp(slopes[head]), within(1e-10));
                }
            }
        }
    }

    @Test
    void aTeacherIsTheSameWhenItIsSavedAndReloaded() throws IOException {
        Path saved = TinyTeacher.write(folder);
        try (Engine engine = Engine.open(Backends.AUTO, BackendOptions.defaults());
                CausalLm teacher = ModelFolder.load(engine, saved)) {
            assertThat(teacher.config()).isEqualTo(TinyTeacher.CONFIG);
            Path again = folder.resolve("again");
            ModelFolder.save(teacher, again);

            assertThat(again.resolve("model.safetensors")).hasSameBinaryContentAs(saved.resolve("model.safetensors"));
            assertThat(again.resolve("config.json")).hasSameBinaryContentAs(saved.resolve("config.json"));
        }
    }

    static List<CausalLmConfig> models() {
        CausalLmConfig teacher = TinyTeacher.CONFIG;
        MixerConfig own = mixers().get(0);
        return List.of(
                teacher,
                teacher.withMixers(List.of(own, own, own)),
                teacher.withMixers(List.of(own, teacher.mixers().get(1), own)));
    }

    /** Token by token, and from a prompt on that is read at once. */
    @ParameterizedTest
    @MethodSource("models")
    void generationHasTheLogitsOfTheWholeSequence(CausalLmConfig config) {
        try (Engine engine = exact();
                CausalLm model = new CausalLm(engine, config, new SplittableRandom(7))) {
            int[] ids = new SplittableRandom(3)
                    .ints(TIME, 0, TinyTeacher.VOCABULARY)
                    .toArray();
            Tensor logits = model.logits(engine.indices(ids, 1, TIME));

            for (int prompt : new int[] {1, 9}) {
                try (InferenceCache cache = model.newState(1)) {
                    Tensor next = model.next(engine.indices(Arrays.copyOf(ids, prompt), 1, prompt), cache);
                    for (int t = prompt; t < TIME; t++) {
                        assertThat(next.toDoubles())
                                .containsExactly(logits.narrow(1, t - 1, 1).toDoubles(), within(1e-10));
                        next = model.next(engine.indices(new int[] {ids[t]}, 1, 1), cache);
                    }
                }
            }
        }
    }

    @Test
    void bothAreShort() throws IOException {
        Path sources = Path.of("src/main/java/com/example");

        assertThat(lines(sources.resolve("mixer/OwnMixer.java"))).isLessThanOrEqualTo(90);
        assertThat(lines(sources.resolve("teacher"))).isLessThanOrEqualTo(200);
    }

    private static long lines(Path files) throws IOException {
        try (Stream<Path> all = Files.walk(files)) {
            long lines = 0;
            for (Path file : all.filter(Files::isRegularFile).toList()) {
                lines += Files.readAllLines(file).size();
            }
            return lines;
        }
    }

    private static Engine exact() {
        return Engine.open(Backends.AUTO, BackendOptions.defaults().withParameterType(DType.FLOAT64));
    }

    /** [2,T,D] */
    private static Tensor input(Engine engine) {
        double[] values = new SplittableRandom(2).doubles(2 * TIME * 32, -1, 1).toArray();
        return engine.tensor(values, 2, TIME, 32);
    }
}
