package org.mohawk4j.models.mixer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.net.MalformedURLException;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SplittableRandom;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.mohawk4j.InvalidInputException;
import org.mohawk4j.backend.BackendOptions;
import org.mohawk4j.io.ConfigNode;
import org.mohawk4j.mixer.DiscreteMamba2;
import org.mohawk4j.mixer.MixerConfig;
import org.mohawk4j.mixer.SoftmaxAttention;
import org.mohawk4j.models.CausalLm;
import org.mohawk4j.models.CausalLmConfig;
import org.mohawk4j.models.MixerInit;
import org.mohawk4j.models.MixerPlan;
import org.mohawk4j.models.ModelFolder;
import org.mohawk4j.models.TeacherLayer;
import org.mohawk4j.nn.RopeScaling;
import org.mohawk4j.nn.RotaryConfig;
import org.mohawk4j.op.Activation;
import org.mohawk4j.op.AttentionScores;
import org.mohawk4j.tensor.Engine;

class MixerFormatsTest {
    private static final Path GOLDEN = Path.of(System.getProperty("mohawk.golden", "../src/test/golden"));

    @TempDir
    private Path folder;

    private static Path teacher(String name) {
        return (name.equals("phi") ? GOLDEN : GOLDEN.resolveSibling("golden-families/" + name)).resolve("teacher");
    }

    private static MixerPlan plan(CausalLmConfig teacher, String mixer, Map<String, ?> options, List<Integer> kept) {
        MixerFormat format = MixerFormats.named(mixer);
        MixerOptions checked = MixerOptions.of(format, options);
        return MixerPlan.reinitializing(teacher, layer -> format.configure(layer, checked), kept);
    }

    static Stream<Arguments> students() {
        return Stream.of("phi", "llama", "llama-tied")
                .flatMap(teacher -> Stream.of(
                        Arguments.of(teacher, "discrete-mamba2", Map.of("groups", 2), List.of(1)),
                        Arguments.of(teacher, "attention", Map.of(), List.of(1)),
                        Arguments.of(teacher, "attention", Map.of("kv-heads", 1), List.of(1)),
                        Arguments.of(teacher, "attention", Map.of("heads", 2, "kv-heads", 1), List.of()),
                        Arguments.of(teacher, "linear-attention", Map.of("heads", 8), List.of(1)),
                        Arguments.of(teacher, "toeplitz", Map.of(), List.of(1))));
    }

    @ParameterizedTest
    @MethodSource("students")
    void aStudentOfEachTeacherIsSavedAndLoaded(
            String teacher, String mixer, Map<String, ?> options, List<Integer> kept) {
        try (Engine engine = Engine.open("nd4j", BackendOptions.defaults());
                CausalLm model = ModelFolder.load(engine, teacher(teacher))) {
            MixerPlan plan = plan(model.config(), mixer, options, kept);
            try (CausalLm student = plan.student(model, MixerInit.ATTENTION, new SplittableRandom(0))) {
                ModelFolder.save(student, folder);
                try (CausalLm loaded = ModelFolder.load(engine, folder)) {
                    assertThat(loaded.config()).isEqualTo(student.config());
                    assertThat(loaded.parameters().keySet())
                            .isEqualTo(student.parameters().keySet());
                    loaded.parameters()
                            .forEach((name, parameter) -> assertThat(
                                            parameter.value().toDoubles())
                                    .isEqualTo(student.parameters()
                                            .get(name)
                                            .value()
                                            .toDoubles()));
                }
            }
        }
    }

    @Test
    void anAttentionWithTheTeachersConfigurationIsStillANewOne() {
        try (Engine engine = Engine.open("nd4j", BackendOptions.defaults());
                CausalLm model = ModelFolder.load(engine, teacher("phi"))) {
            MixerPlan plan = plan(model.config(), "attention", Map.of(), List.of(1));
            try (CausalLm student = plan.student(model, new SplittableRandom(0))) {
                assertThat(plan.mixers()).isEqualTo(model.config().mixers());
                assertThat(List.of(plan.keeps(0, model.config()), plan.keeps(1, model.config())))
                        .containsExactly(false, true);
                assertThat(query(student, 0)).isNotEqualTo(query(model, 0));
                assertThat(query(student, 1)).isEqualTo(query(model, 1));
            }
        }
    }

    private static double[] query(CausalLm model, int layer) {
        return model.parameters()
                .get("layers." + layer + ".mixer.q_proj.weight")
                .value()
                .toDoubles();
    }

    @Test
    void anAttentionWithOtherHeadsTurnsTheSameShareOfEach() {
        CausalLmConfig config = ModelFolder.config(teacher("phi"));
        SoftmaxAttention.Config own = (SoftmaxAttention.Config) config.mixers().get(0);

        SoftmaxAttention.Config wide =
                (SoftmaxAttention.Config) plan(config, "attention", Map.of("heads", 2), List.of())
                        .mixers()
                        .get(0);

        assertThat(wide.headDim()).isEqualTo(2 * own.headDim());
        assertThat(wide.rotary().dim()).isEqualTo(2 * own.rotary().dim());
        assertThat(wide.keyValueHeads()).isEqualTo(2);
    }

    /** An attention of 4 heads of 8 entries, 6 of which rotate. */
    private static SoftmaxAttention.Config renewed(
            AttentionScores scores, RopeScaling scaling, Map<String, ?> options) {
        SoftmaxAttention.Config own = new SoftmaxAttention.Config(
                32,
                4,
                4,
                8,
                new SoftmaxAttention.Projections(
                        SoftmaxAttention.Biases.NONE,
                        Optional.of(new SoftmaxAttention.QueryKeyNorm(1e-6, true, false))),
                new RotaryConfig(6, 5000, scaling),
                scores);
        CausalLmConfig teacher = new CausalLmConfig(11, 32, 64, Activation.SILU, 1e-5, 128, List.of(own));
        return (SoftmaxAttention.Config)
                plan(teacher, "attention", options, List.of()).mixers().get(0);
    }

    @Test
    void anAttentionWithOtherHeadsKeepsWhatTheTeachersDoesBesides() {
        SoftmaxAttention.Config wide =
                renewed(new AttentionScores(1 / Math.sqrt(8), 50, 16), new RopeScaling.Linear(2), Map.of("heads", 2));

        assertThat(wide.headDim()).isEqualTo(16);
        assertThat(wide.scores()).isEqualTo(new AttentionScores(0.25, 50, 16));
        assertThat(wide.rotary()).isEqualTo(new RotaryConfig(12, 5000, new RopeScaling.Linear(2)));
        assertThat(wide.projections().biases()).isEqualTo(SoftmaxAttention.Biases.NONE);
        assertThat(wide.projections().queryKeyNorm()).contains(new SoftmaxAttention.QueryKeyNorm(1e-6, true, false));
    }

    @Test
    void aScaleThatDoesNotFollowTheHeadsIsKept() {
        AttentionScores scores = new AttentionScores(0.125, 0, 16);

        assertThat(renewed(scores, new RopeScaling.None(), Map.of("heads", 2)).scores())
                .isEqualTo(scores);
        assertThat(renewed(scores, new RopeScaling.None(), Map.of("kv-heads", 2))
                        .scores())
                .isEqualTo(scores);
    }

    @Test
    void headsThatTheTeachersRotationDoesNotFitAreRefused() {
        AttentionScores plain = AttentionScores.ofHeads(8);
        RopeScaling longRope = new RopeScaling.LongRope(List.of(1.0, 1.0, 1.0), List.of(2.0, 2.0, 2.0), 64, 1);

        assertThatThrownBy(() -> renewed(plain, new RopeScaling.None(), Map.of("heads", 8)))
                .isInstanceOf(InvalidInputException.class)
                .hasMessage(
                        "mixer attention: option heads: expected heads of which the teacher's share, 6 of 8 entries,"
                                + " is an even number, got 8");
        assertThatThrownBy(() -> renewed(plain, longRope, Map.of("heads", 2)))
                .isInstanceOf(InvalidInputException.class)
                .hasMessage(
                        "mixer attention: option heads: expected 4, since the teacher's LongRoPE factors fit its own"
                                + " heads only, got 2");
    }

    @Test
    void matricesAreComparableWithEqualHeadsAlone() {
        CausalLmConfig config = ModelFolder.config(teacher("phi"));

        assertThat(plan(config, "toeplitz", Map.of(), List.of()).incomparable(config))
                .isEmpty();
        assertThat(plan(config, "toeplitz", Map.of("heads", 8), List.of(0)).incomparable(config))
                .contains("layer 1: the student's mixer has 8 heads, the teacher's 4");
    }

    @Test
    void optionsAreRefusedInOneLine() {
        refused(
                "discrete-mamba2",
                Map.of("state-size", 0),
                "option state-size: expected a whole number of at least 1, got 0");
        refused("discrete-mamba2", Map.of("state-size", "8"), "got '8'");
        refused("discrete-mamba2", Map.of("state-size", 1L << 40), "got 1099511627776");
        refused(
                "discrete-mamba2",
                Map.of("heads", 5),
                "option heads: expected a divisor of 32, the width of the teacher's");
        refused(
                "discrete-mamba2",
                Map.of("heads", 8, "groups", 3),
                "option groups: expected a divisor of 8, the heads, got 3");
        refused("attention", Map.of("kv-heads", 3), "option kv-heads: expected a divisor of 4, the heads, got 3");
        refused(
                "toeplitz",
                Map.of("heads", 3),
                "option heads: expected a divisor of 32, the width of the teacher's heads");
        refused(
                "toeplitz",
                Map.of("size", 3),
                "expected one of the options max-time, heads, chunk-length, got the unknown");
        assertThatThrownBy(() -> MixerFormats.named("rnn"))
                .isInstanceOf(InvalidInputException.class)
                .hasMessage("mixer: expected one of attention, discrete-mamba2, linear-attention, toeplitz, got 'rnn'");
    }

    private static void refused(String mixer, Map<String, ?> options, String part) {
        CausalLmConfig config = ModelFolder.config(teacher("phi"));
        assertThatThrownBy(() -> plan(config, mixer, options, List.of()))
                .isInstanceOf(InvalidInputException.class)
                .hasMessageStartingWith("mixer " + mixer + ": ")
                .hasMessageContaining(part)
                .hasMessageNotContaining("\n");
    }

    @Test
    void anAttentionReplacesAnAttentionAlone() {
        CausalLmConfig config =
                ModelFolder.config(teacher("phi")).withMixers(List.of(new DiscreteMamba2.Config(32, 4, 4, 16, 4, 16)));

        assertThatThrownBy(() -> plan(config, "attention", Map.of(), List.of()))
                .isInstanceOf(InvalidInputException.class)
                .hasMessageContaining("expected an attention to replace in layer 0");
    }

    @Test
    void everyKindOfOptionReadsAndParsesItsValues() {
        MixerOption.Values words =
                MixerOption.choice("norm", List.of("none", "rms"), "").values();
        MixerOption.Values flag = MixerOption.flag("gate", true, "").values();
        MixerOption.Values number = MixerOption.number("rate", 0.5, 0, 1, "").values();

        assertThat(words.parse("rms")).contains("rms");
        assertThat(words.read("layer")).isEmpty();
        assertThat(flag.parse("false")).contains(false);
        assertThat(flag.parse("no")).isEmpty();
        assertThat(number.read(1)).contains(1.0);
        assertThat(number.read(Double.NaN)).isEmpty();
        assertThat(number.parse("x")).isEmpty();
        assertThatThrownBy(() -> MixerOption.whole("n", 0, 1, "")).hasMessageContaining("a whole number of at least 1");
    }

    /** A second format of a name that is taken. */
    public static final class Impostor implements MixerFormat {
        private final MixerFormat own = new ToeplitzFormat();

        @Override
        public String name() {
            return own.name();
        }

        @Override
        public String description() {
            return own.description();
        }

        @Override
        public List<MixerOption> options() {
            return own.options();
        }

        @Override
        public MixerConfig configure(TeacherLayer replaced, MixerOptions options) {
            return own.configure(replaced, options);
        }

        @Override
        public String coreType() {
            return "impostor";
        }

        @Override
        public MixerConfig read(ConfigNode coreInput, long width) {
            return own.read(coreInput, width);
        }

        @Override
        public Optional<ObjectNode> write(MixerConfig mixer) {
            return own.write(mixer);
        }
    }

    @Test
    void aFormatThatCannotBeLoadedOrTakesAnothersNameIsRefused() throws IOException {
        assertThatThrownBy(() -> formatsWith("org.example.Missing"))
                .isInstanceOf(InvalidInputException.class)
                .hasMessageContaining("cannot be loaded")
                .hasMessageContaining("org.example.Missing");
        assertThatThrownBy(() -> formatsWith(Impostor.class.getName()))
                .isInstanceOf(InvalidInputException.class)
                .hasMessageContaining("expected a name for each, got toeplitz of both")
                .hasMessageContaining(Impostor.class.getName());
    }

    private List<MixerFormat> formatsWith(String provider) throws IOException {
        Path services = Files.createDirectories(folder.resolve("META-INF/services"));
        Files.writeString(services.resolve(MixerFormat.class.getName()), provider);
        Thread thread = Thread.currentThread();
        ClassLoader usual = thread.getContextClassLoader();
        try (URLClassLoader own = new URLClassLoader(new URL[] {url(folder)}, usual)) {
            thread.setContextClassLoader(own);
            return MixerFormats.all();
        } finally {
            thread.setContextClassLoader(usual);
        }
    }

    private static URL url(Path path) throws MalformedURLException {
        return path.toUri().toURL();
    }
}
