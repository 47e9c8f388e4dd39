package org.mohawk4j.train.stage;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.function.Function;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.mohawk4j.mixer.DiscreteMamba2;
import org.mohawk4j.mixer.MixerConfig;
import org.mohawk4j.models.CausalLm;
import org.mohawk4j.models.MixerPlan;
import org.mohawk4j.models.testing.Gpu;
import org.mohawk4j.nn.Parameter;
import org.mohawk4j.op.loss.DistillationFunction;
import org.mohawk4j.tensor.Engine;
import org.mohawk4j.tensor.Scope;
import org.mohawk4j.tensor.Tensor;
import org.mohawk4j.tensor.types.HostTensor;
import org.mohawk4j.train.optimizer.AdamW;

/** Training on a GPU in mixed precision, at sizes that the fused kernels serve: the same bits, no growing memory. */
@Tag("gpu")
class CudaTrainingTest {
    private static final int BATCH = 4;

    @BeforeAll
    static void requireGpu() {
        Gpu.require();
    }

    /** Called after each step with its number from 1. */
    private interface AfterStep {
        void check(int step, Engine engine);
    }

    /** Losses of all steps, and the student's numbers after the last. */
    private record Run(List<Double> losses, List<HostTensor> parameters) {}

    /** A teacher, what the student has in place of its attention, and where it keeps that. */
    private record Student(
            Function<Engine, CausalLm> teacher, Function<MixerConfig, MixerConfig> mixer, List<Integer> kept) {
        static final Student MAMBA = new Student(Student::mamba, List.of());

        Student(Function<MixerConfig, MixerConfig> mixer, List<Integer> kept) {
            this(Gpu::teacher, mixer, kept);
        }

        static MixerConfig mamba(MixerConfig own) {
            return new DiscreteMamba2.Config(own.width(), Gpu.HEADS, Gpu.HEADS, 64, 4, 64);
        }
    }

    private static Run train(int stage, int steps, AfterStep afterStep) {
        return train(Student.MAMBA, stage, steps, afterStep);
    }

    private static Run train(Student kind, int stage, int steps, AfterStep afterStep) {
        SplittableRandom random = new SplittableRandom(1);
        try (Engine engine = Gpu.open();
                CausalLm teacher = kind.teacher().apply(engine)) {
            MixerPlan plan = MixerPlan.replacing(teacher.config(), kind.mixer(), kind.kept());
            List<Double> losses = new ArrayList<>();
            try (CausalLm student = plan.student(teacher, random);
                    AdamW optimizer = new AdamW(engine, new AdamW.Config(0.9, 0.95, 1e-8, 0.1, 1))) {
                StagePlan stages = new StagePlan(teacher, student, plan, List.of());
                Objective objective = switch (stage) {
                    case 1 -> stages.matrixOrientation();
                    case 2 -> stages.hiddenStateAlignment(HiddenStateAlignment.Target.MIXER);
                    default -> stages.knowledgeDistillation(DistillationFunction.Weights.PLAIN);
                };
                for (int step = 1; step <= steps; step++) {
                    losses.add(step(engine, objective, optimizer, random));
                    afterStep.check(step, engine);
                }
                return new Run(
                        losses,
                        student.parameters().values().stream()
                                .map(Parameter::value)
                                .map(Tensor::toHost)
                                .toList());
            }
        }
    }

    private static double step(Engine engine, Objective objective, AdamW optimizer, SplittableRandom random) {
        try (Scope scope = engine.scope()) {
            int[] ids =
                    random.ints((long) BATCH * Gpu.CONTEXT, 0, Gpu.VOCABULARY).toArray();
            int[] next =
                    random.ints((long) BATCH * Gpu.CONTEXT, 0, Gpu.VOCABULARY).toArray();
            Tensor inputs = scope.adopt(engine.indices(ids, BATCH, Gpu.CONTEXT));
            Objective.Result result = objective.evaluate(inputs, engine.indices(next, (long) BATCH * Gpu.CONTEXT));
            double loss = result.losses().stream().mapToDouble(Tensor::item).sum();
            optimizer.step(objective.trained(), result.gradients(), 1e-3);
            return loss;
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 3})
    void fiftyStepsGiveTheSameBitsTwice(int stage) {
        trainsToTheSameBits(Student.MAMBA, stage);
    }

    private static void trainsToTheSameBits(Student kind, int stage) {
        Run first = train(kind, stage, 50, (step, engine) -> {});
        Run second = train(kind, stage, 50, (step, engine) -> {});

        assertThat(first.losses()).allMatch(Double::isFinite);
        assertThat(first.losses().get(49)).isLessThan(first.losses().get(0));
        assertThat(second).isEqualTo(first);
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 3})
    void aStudentThatKeepsALayerOfAttentionTrainsToTheSameBits(int stage) {
        trainsToTheSameBits(new Student(Student::mamba, List.of(1)), stage);
    }

    /** Grouped queries, RMS norms, gated MLPs, a tied head; the second layer keeps its attention. */
    @ParameterizedTest
    @ValueSource(ints = {1, 2, 3})
    void aStudentOfLlamasFormTrainsToTheSameBits(int stage) {
        trainsToTheSameBits(new Student(Gpu::llama, Student::mamba, List.of(1)), stage);
    }

    @ParameterizedTest
    @CsvSource({"1, false", "2, false", "3, false", "1, true", "2, true", "3, true"})
    void aMixerOfAUsersTrainsToTheSameBits(int stage, boolean decaying) {
        trainsToTheSameBits(
                new Student(own -> new UserMixer.Config(own.width(), Gpu.HEADS, 32, decaying), List.of()), stage);
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 3})
    void aThousandStepsTakeNoMoreMemoryThanTen(int stage) {
        long[] after10 = new long[2];
        train(stage, 1000, (step, engine) -> {
            long[] now = {
                engine.backend().memory().liveBytes(), engine.backend().memory().reservedBytes()
            };
            if (step == 10) {
                System.arraycopy(now, 0, after10, 0, now.length);
            } else if (step > 10) {
                assertThat(now)
                        .as("live and reserved bytes after step %d", step)
                        .isEqualTo(after10);
            }
        });
    }

    @Test
    void aClosedBackendLeavesNothingOnTheDevice() {
        long fresh;
        try (Engine engine = Gpu.open()) {
            fresh = engine.backend().memory().reservedBytes();
        }
        train(3, 5, (step, engine) -> {});
        try (Engine engine = Gpu.open()) {
            assertThat(engine.backend().memory().reservedBytes()).isEqualTo(fresh);
        }
    }
}
