package org.mohawk4j.models;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.TreeMap;
import java.util.function.Function;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.mohawk4j.backend.BackendOptions;
import org.mohawk4j.mixer.Calibration;
import org.mohawk4j.mixer.CausalLinearAttention;
import org.mohawk4j.mixer.DiscreteMamba2;
import org.mohawk4j.mixer.MixerConfig;
import org.mohawk4j.mixer.ScoreFit;
import org.mohawk4j.mixer.SoftmaxAttention;
import org.mohawk4j.tensor.Engine;
import org.mohawk4j.tensor.Scope;
import org.mohawk4j.tensor.Tensor;
import org.mohawk4j.tensor.types.DType;

/** Students of each family's golden teacher, calibrated on random tokens. */
class StudentCalibrationTest {
    private static final Path GOLDEN = Path.of(System.getProperty("mohawk.golden", "../src/test/golden"));

    private Engine engine;

    @BeforeEach
    void open() {
        engine = Engine.open("nd4j", BackendOptions.defaults().withParameterType(DType.FLOAT64));
    }

    @AfterEach
    void close() {
        engine.close();
    }

    static Stream<Path> teachers() throws IOException {
        try (Stream<Path> families = Files.list(GOLDEN.resolveSibling("golden-families"))) {
            List<Path> found = families.map(family -> family.resolve("teacher"))
                    .filter(Files::isDirectory)
                    .sorted()
                    .toList();
            return Stream.concat(Stream.of(GOLDEN.resolve("teacher")), found.stream());
        }
    }

    private static List<Function<MixerConfig, MixerConfig>> mixers() {
        return List.of(
                own -> DiscreteMamba2.Config.like(own).withStateSize(16).withChunk(16),
                own -> DiscreteMamba2.Config.like(own)
                        .withGroups(((SoftmaxAttention.Config) own).keyValueHeads())
                        .withStateSize(16)
                        .withChunk(16),
                own -> DiscreteMamba2.Config.like(own)
                        .withGroups(1)
                        .withStateSize(16)
                        .withChunk(16),
                own -> CausalLinearAttention.Config.like(own).withStateSize(16).withChunk(16));
    }

    private Tensor ids(CausalLm teacher) {
        int vocabulary = Math.toIntExact(teacher.config().vocabulary());
        return engine.indices(new SplittableRandom(1).ints(64, 0, vocabulary).toArray(), 2, 32);
    }

    @ParameterizedTest
    @MethodSource("teachers")
    void matricesOfEveryFamilyAreNearerAfterwards(Path folder) {
        try (CausalLm teacher = ModelFolder.load(engine, folder)) {
            List<Integer> kept = List.of(teacher.config().layers() - 1);
            for (Function<MixerConfig, MixerConfig> mixer : mixers()) {
                MixerPlan plan = MixerPlan.replacing(teacher.config(), mixer, kept);
                try (CausalLm student = plan.student(teacher, MixerInit.CALIBRATED, new SplittableRandom(1));
                        Scope scope = engine.scope()) {
                    Map<Integer, Double> before = errors(teacher, student, plan);
                    Map<Integer, List<ScoreFit>> fits =
                            StudentCalibration.apply(teacher, student, plan, ids(teacher), Calibration.Fitted.MATRIX);
                    Map<Integer, Double> after = errors(teacher, student, plan);

                    assertThat(fits.keySet()).isEqualTo(before.keySet()).isNotEmpty();
                    before.forEach((layer, error) -> assertThat(after.get(layer))
                            .as("layer " + layer + " of " + plan.mixers().get(layer))
                            .isLessThan(error)
                            .isLessThan(1));
                }
            }
        }
    }

    @Test
    void theSameTokensCalibrateTheSameAndAnOtherHeadCountNothing() {
        try (CausalLm teacher = ModelFolder.load(engine, GOLDEN.resolve("teacher"))) {
            MixerPlan plan = MixerPlan.replacing(
                    teacher.config(), own -> DiscreteMamba2.Config.like(own).withStateSize(16), List.of());
            Map<String, double[]> first = calibrated(teacher, plan);
            calibrated(teacher, plan)
                    .forEach((name, numbers) -> assertThat(numbers).as(name).isEqualTo(first.get(name)));

            MixerPlan others = MixerPlan.replacing(
                    teacher.config(), own -> new DiscreteMamba2.Config(own.width(), 2, 2, 16, 4, 16), List.of());
            try (CausalLm student = others.student(teacher, MixerInit.CALIBRATED, new SplittableRandom(1));
                    Scope scope = engine.scope()) {
                assertThat(StudentCalibration.apply(teacher, student, others, ids(teacher), Calibration.Fitted.APPLIED))
                        .isEmpty();
            }
        }
    }

    private Map<String, double[]> calibrated(CausalLm teacher, MixerPlan plan) {
        try (CausalLm student = plan.student(teacher, MixerInit.CALIBRATED, new SplittableRandom(1));
                Scope scope = engine.scope()) {
            StudentCalibration.apply(teacher, student, plan, ids(teacher), Calibration.Fitted.MATRIX);
            Map<String, double[]> numbers = new TreeMap<>();
            student.parameters()
                    .forEach((name, parameter) ->
                            numbers.put(name, parameter.value().toDoubles()));
            return numbers;
        }
    }

    /** Of the new mixers' matrices, relative to the teacher's, on the teacher's hidden states. */
    private Map<Integer, Double> errors(CausalLm teacher, CausalLm student, MixerPlan plan) {
        Map<Integer, Double> errors = new TreeMap<>();
        Tensor h = teacher.embed(ids(teacher));
        for (int layer = 0; layer < teacher.config().layers(); layer++) {
            Tensor u = teacher.blocks().get(layer).mixerInput(h);
            if (!plan.keeps(layer, teacher.config())) {
                Tensor target = teacher.blocks().get(layer).mixer().matrix(u).materialize();
                Tensor own = student.blocks().get(layer).mixer().matrix(u).materialize();
                errors.put(
                        layer,
                        Math.sqrt(own.sub(target).square().sum().item()
                                / target.square().sum().item()));
            }
            h = teacher.blocks().get(layer).forward(h);
        }
        return errors;
    }
}
