package org.mohawk4j.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.random.RandomGenerator;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.mohawk4j.InvalidInputException;
import org.mohawk4j.backend.BackendOptions;
import org.mohawk4j.data.TokenWindows;
import org.mohawk4j.eval.fidelity.Fidelity;
import org.mohawk4j.generation.Generator;
import org.mohawk4j.generation.Sampling;
import org.mohawk4j.matrix.MixingMatrix;
import org.mohawk4j.mixer.CausalLinearAttention;
import org.mohawk4j.mixer.MatrixMixer;
import org.mohawk4j.mixer.MixerConfig;
import org.mohawk4j.mixer.ProjectedMixer;
import org.mohawk4j.mixer.Toeplitz;
import org.mohawk4j.models.CausalLm;
import org.mohawk4j.models.CausalLmConfig;
import org.mohawk4j.models.MixerPlan;
import org.mohawk4j.models.ModelFolder;
import org.mohawk4j.op.Heads;
import org.mohawk4j.op.loss.DistillationFunction;
import org.mohawk4j.tensor.Engine;
import org.mohawk4j.tensor.Scope;
import org.mohawk4j.tensor.Tensor;
import org.mohawk4j.train.loop.StopSignal;
import org.mohawk4j.train.loop.TrainingListener;
import org.mohawk4j.train.metrics.StepMetrics;
import org.mohawk4j.train.report.MatrixProbe;
import org.mohawk4j.train.report.Sample;
import org.mohawk4j.train.stage.HiddenStateAlignment;
import org.mohawk4j.train.stage.StagePlan;

/** The library's own mixers beside discrete Mamba-2, from the teacher to a saved student. */
class OtherMixersTest {
    @TempDir
    Path folder;

    static Stream<Arguments> students() {
        MixerConfig toeplitz = new Toeplitz.Config(32, 4, 96, 8);
        MixerConfig linear = new CausalLinearAttention.Config(32, 4, 8, 8);
        return Stream.of(
                Arguments.of(toeplitz, List.of()),
                Arguments.of(new Toeplitz.Config(32, 24, 4, 96, 8), List.of(1)),
                Arguments.of(linear, List.of()),
                Arguments.of(new CausalLinearAttention.Config(32, 48, 4, 8, 8), List.of(0, 2)));
    }

    @ParameterizedTest
    @MethodSource("students")
    void aReloadedStudentContinuesATextAsTheTrainedOneDid(MixerConfig mixer, List<Integer> kept) throws IOException {
        TinyRun run = new TinyRun(folder.resolve("run"), Map.of(), mixer, kept).withSamples();

        List<Sample> samples = run.start().samples();

        Sample trained = samples.get(samples.size() - 1);
        try (Engine engine = Engine.open("nd4j", BackendOptions.defaults());
                CausalLm reloaded = ModelFolder.load(engine, run.folder().resolve("student"))) {
            for (int i = 0; i < reloaded.config().layers(); i++) {
                if (!kept.contains(i)) {
                    assertThat(reloaded.config().mixers().get(i)).isEqualTo(mixer);
                }
            }
            assertThat(continuation(reloaded, trained.prompt())).isEqualTo(trained.continuation());
        }
    }

    /** Ended after step 5, of stage 2 or, without a stage 1, of stage 3. */
    @ParameterizedTest
    @ValueSource(strings = {"discrete-mamba2", "attention", "linear-attention", "toeplitz"})
    void aResumedRunWithAnyMixerEndsWithTheSameStudent(String mixer) throws IOException {
        Map<String, ?> chosen = Map.of("student.mixer", mixer, "checkpoint.every", 1);
        TinyRun whole = new TinyRun(folder.resolve("whole"), chosen).withConfiguredMixers();
        TinyRun ended = new TinyRun(folder.resolve("ended"), chosen).withConfiguredMixers();
        whole.start();

        TrainingListener end = new PatientListener() {
            private int taken;

            @Override
            public void iterationDone(StepMetrics metrics) {
                super.iterationDone(metrics);
                if (++taken == 5) {
                    throw new IllegalStateException("ended");
                }
            }
        };
        assertThatThrownBy(() -> ended.start(end, new StopSignal())).hasMessage("ended");
        ended.resume();

        assertThat(ended.losses()).hasSize(12).isEqualTo(whole.losses());
        assertThat(ended.student()).isEqualTo(whole.student());
        assertThat(inputs(ended)).contains("\"heads\" : \"4\"");
        assertThat(inputs(ended).contains("\"renewed\" : \"true\"")).isEqualTo(mixer.equals("attention"));
    }

    private static String inputs(TinyRun run) throws IOException {
        return Files.readString(run.folder().resolve("inputs.json"));
    }

    @Test
    void stage1IsRefusedForOtherHeadsAndTheOthersTrain() throws IOException {
        MixerConfig wide = new CausalLinearAttention.Config(32, 8, 8, 8);
        assertThatThrownBy(() -> new TinyRun(folder.resolve("refused"), Map.of(), wide, List.of()).start())
                .isInstanceOf(InvalidInputException.class)
                .hasMessageEndingWith("objective: expected mixing matrices that matrix orientation can compare head by"
                        + " head, found: layer 0: the student's mixer has 8 heads, the teacher's 4");
        assertThat(folder.resolve("refused")).doesNotExist();

        assertThat(withoutStage1(wide).start().stages()).extracting("name").hasSize(2);
    }

    private TinyRun withoutStage1(MixerConfig mixer) {
        Map<String, ?> stages = Map.of("split", List.of(0.0, 0.5, 0.5), "report", true);
        return new TinyRun(folder.resolve("run"), stages, mixer, List.of(1));
    }

    /** Each position's output depends on those before it in a way that no matrix has. */
    private record Unmixed(long width, int heads) implements MixerConfig {
        @Override
        public boolean hasMatrix() {
            return false;
        }

        @Override
        public MatrixMixer create(Engine engine, RandomGenerator random) {
            return new ProjectedMixer(engine, width, heads, random) {
                @Override
                public MixingMatrix matrix(Tensor u) {
                    throw new UnsupportedOperationException("there is none");
                }

                @Override
                public Tensor forward(Tensor u) {
                    return output(u, Heads.merge(values(u)).cumsum(1).silu());
                }
            };
        }
    }

    @Test
    void aMixerWithoutAMatrixIsTrainedByStages2And3() {
        CausalLmConfig teacher = TinyRun.golden();
        MixerPlan plan = MixerPlan.replacing(teacher, own -> new Unmixed(32, 4), List.of(1));
        assertThat(plan.incomparable(teacher)).contains("layer 0: the student's mixer has no mixing matrix");
        try (Engine engine = Engine.open("nd4j", BackendOptions.defaults());
                CausalLm model = new CausalLm(engine, teacher, new SplittableRandom(1));
                CausalLm student = plan.student(model, new SplittableRandom(0))) {
            StagePlan stages = new StagePlan(model, student, plan, List.of());
            TokenWindows text = new TokenWindows(TinyRun.tokens(1, 80), 16);
            try (Scope scope = engine.scope()) {
                Tensor ids = engine.indices(text.batch(0, 2).inputs(), 2, 16);
                Tensor labels = engine.indices(text.batch(0, 2).targets(), 32);
                assertThat(stages.hiddenStateAlignment(HiddenStateAlignment.Target.MIXER)
                                .evaluate(ids, labels)
                                .gradients())
                        .containsKey("layers.0.mixer.v_proj.weight");
                assertThat(stages.knowledgeDistillation(new DistillationFunction.Weights(1, 0))
                                .evaluate(ids, labels)
                                .gradients())
                        .containsKey("layers.2.mixer.out_proj.weight");
            }
            MatrixProbe probe = new MatrixProbe(model, student, text.batch(0, 1).inputs());
            probe.captureStudent("student");
            assertThat(probe.layers()).extracting(layer -> layer.rows().size()).containsExactly(1, 2, 1);
            assertThat(Fidelity.of(model, student, text, 1).layers().get(0).matrix())
                    .isEmpty();
            assertThatThrownBy(stages::matrixOrientation).hasMessageContaining("has no mixing matrix");
        }
    }

    private static String continuation(CausalLm model, String prompt) {
        int[] ids = Arrays.stream(prompt.split(" ")).mapToInt(Integer::parseInt).toArray();
        int room = Math.toIntExact(Math.min(60, model.config().maxPositions() - ids.length));
        List<Integer> continued = new ArrayList<>();
        new Generator(model, Sampling.GREEDY, 0).generate(ids, room, java.util.Set.of(), continued::add);
        assertThat(continued).isNotEmpty();
        return continued.stream().map(id -> " " + id).collect(Collectors.joining());
    }
}
