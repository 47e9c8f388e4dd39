package org.mohawk4j.train.statistics;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.SplittableRandom;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.mohawk4j.InvalidInputException;
import org.mohawk4j.backend.BackendOptions;
import org.mohawk4j.data.InMemoryLoader;
import org.mohawk4j.data.TokenSequence;
import org.mohawk4j.data.TokenWindows;
import org.mohawk4j.mixer.DiscreteMamba2;
import org.mohawk4j.mixer.SoftmaxAttention;
import org.mohawk4j.models.CausalLm;
import org.mohawk4j.models.MixerPlan;
import org.mohawk4j.models.ModelFolder;
import org.mohawk4j.tensor.Engine;
import org.mohawk4j.train.loop.Trainer;
import org.mohawk4j.train.loop.TrainingListener;
import org.mohawk4j.train.optimizer.AdamW;
import org.mohawk4j.train.schedule.CosineSchedule;
import org.mohawk4j.train.stage.Objective;
import org.mohawk4j.train.stage.StagePlan;

class StatisticsRecorderTest {
    private static final Path GOLDEN = Path.of(System.getProperty("mohawk.golden", "../src/test/golden"));
    private static final int[] TEXT = IntStream.range(0, 200).map(i -> i % 7).toArray();

    @TempDir
    private Path folder;

    private Engine engine;
    private CausalLm teacher;

    @BeforeEach
    void open() {
        engine = Engine.open("nd4j", BackendOptions.defaults());
        teacher = ModelFolder.load(engine, GOLDEN.resolve("teacher"));
    }

    @AfterEach
    void close() {
        engine.close();
    }

    @Test
    void aRunLeavesWhatItsStepsWereLike() throws IOException {
        List<String> lines = record(120);

        RunDescription run = StatisticsFile.parse("line 1", lines.get(0), RunDescription.class);
        assertThat(run.parts())
                .extracting(RunDescription.Part::name)
                .contains("embedding", "layers.0", "final_layernorm", "lm_head");
        assertThat(run.parts().get(1).kind()).isEqualTo("DiscreteMamba2");
        assertThat(run.backend()).contains("ND4J");
        List<StepStatistics> steps = lines.subList(1, lines.size()).stream()
                .map(line -> StatisticsFile.parse("a line", line, StepStatistics.class))
                .toList();
        assertThat(steps).hasSize(15).first().extracting(StepStatistics::step).isEqualTo(1);
        assertThat(steps.get(1).step()).isEqualTo(9);
        StepStatistics first = steps.get(0);
        String weight = "layers.0.mixer.in_proj.weight";
        assertThat(first.updates().get(weight).meanMagnitude()).isGreaterThan(0);
        assertThat(first.gradients().get(weight).meanMagnitude()).isGreaterThan(0);
        assertThat(first.activations()).containsKeys("layers.0", "layers.1");
        assertThat(first.arrayBytes()).isPositive();
        assertThat(first.updates().get(weight).meanMagnitude())
                .isLessThan(first.parameters().get(weight).meanMagnitude());
    }

    @Test
    void whatIsRecordedChangesNothing() {
        double[] recorded;
        try (StatisticsRecorder recorder = new StatisticsRecorder(folder.resolve("a.jsonl"), teacher, TEXT)) {
            recorded = train(10, recorder);
        }

        assertThat(train(10, new TrainingListener() {})).containsExactly(recorded);
    }

    @Test
    void aDistributionIsThatOfItsValues() {
        Distribution distribution = Distribution.of(-1, 0, 1, 3, Double.NaN);

        assertThat(distribution.mean()).isEqualTo(0.75);
        assertThat(distribution.deviation()).isCloseTo(Math.sqrt(35.0 / 16), within(1e-12));
        assertThat(distribution.meanMagnitude()).isEqualTo(1.25);
        assertThat(distribution.counts().stream().mapToInt(Integer::intValue).sum())
                .isEqualTo(4);
        assertThat(distribution.counts().get(19)).isEqualTo(1);
        assertThat(Distribution.of(2, 2).counts().get(0)).isEqualTo(2);
    }

    @Test
    void aLargeTensorIsSampledAlongItsWholeLength() {
        double[] values = IntStream.range(0, 20_000).asDoubleStream().toArray();

        double[] sample = TensorSample.of(engine.tensor(values, 100, 200));

        assertThat(sample).hasSize(2_048).startsWith(0, 1).endsWith(19_998, 19_999);
    }

    @Test
    void anotherLineIsRefused() {
        assertThatThrownBy(() -> StatisticsFile.parse("file line 2", "{\"stage\":", StepStatistics.class))
                .isInstanceOf(InvalidInputException.class)
                .hasMessageStartingWith("file line 2: expected StepStatistics in JSON");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {"\"stage\":1.7", "\"stage\":\"1\"", "\"step\":4294967297", "\"jvm_bytes\":1.5", "\"stage\":true"
            })
    void aWholeNumberIsNothingElse(String field) {
        assertThatThrownBy(() -> StatisticsFile.parse("file line 2", "{" + field + "}", StepStatistics.class))
                .isInstanceOf(InvalidInputException.class)
                .hasMessageStartingWith("file line 2: expected StepStatistics in JSON");
    }

    @Test
    void whatIsNotFiniteReadsBackAsWritten() {
        Distribution odd = new Distribution(
                Double.NaN, Double.POSITIVE_INFINITY, 1, Double.NEGATIVE_INFINITY, Double.NaN, List.of(1, 2));

        String line = StatisticsFile.format(odd);

        assertThat(StatisticsFile.parse("line", line, Distribution.class)).isEqualTo(odd);
    }

    private List<String> record(int steps) throws IOException {
        Path file = folder.resolve("statistics.jsonl");
        MixerPlan plan = plan();
        try (CausalLm student = plan.student(teacher, new SplittableRandom(1));
                StatisticsRecorder recorder = new StatisticsRecorder(file, student, TEXT)) {
            run(student, plan, steps, recorder);
        }
        return Files.readAllLines(file);
    }

    private double[] train(int steps, TrainingListener listener) {
        MixerPlan plan = plan();
        try (CausalLm student = plan.student(teacher, new SplittableRandom(1))) {
            run(student, plan, steps, listener);
            return student.parameters()
                    .get("layers.0.mixer.in_proj.weight")
                    .value()
                    .toDoubles();
        }
    }

    private void run(CausalLm student, MixerPlan plan, int steps, TrainingListener listener) {
        Objective objective = new StagePlan(teacher, student, plan, List.of()).matrixOrientation();
        InMemoryLoader batches = new InMemoryLoader(new TokenWindows(TokenSequence.of("text", TEXT), 8), 2, 0);
        new Trainer(engine, batches, listener)
                .run(
                        1,
                        objective,
                        new AdamW.Config(0.9, 0.95, 1e-8, 0.1, 1),
                        new CosineSchedule(1e-3, 2, steps, 0),
                        steps);
    }

    private MixerPlan plan() {
        int heads = ((SoftmaxAttention.Config) teacher.config().mixers().get(0)).heads();
        return MixerPlan.replacing(
                teacher.config(), own -> new DiscreteMamba2.Config(own.width(), heads, heads, 4, 2, 4), List.of());
    }
}
