package org.mohawk4j.train.plan;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.SplittableRandom;
import java.util.function.Function;
import org.assertj.core.data.Percentage;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.mohawk4j.data.InMemoryLoader;
import org.mohawk4j.data.TokenSequence;
import org.mohawk4j.data.TokenWindows;
import org.mohawk4j.mixer.DiscreteMamba2;
import org.mohawk4j.mixer.MixerConfig;
import org.mohawk4j.models.CausalLm;
import org.mohawk4j.models.MixerInit;
import org.mohawk4j.models.MixerPlan;
import org.mohawk4j.models.testing.Gpu;
import org.mohawk4j.nn.Parameter;
import org.mohawk4j.op.loss.DistillationFunction;
import org.mohawk4j.tensor.Engine;
import org.mohawk4j.train.config.DistillConfig;
import org.mohawk4j.train.config.FaultConfig;
import org.mohawk4j.train.config.MachineConfig.Precision;
import org.mohawk4j.train.config.StageConfig;
import org.mohawk4j.train.loop.Trainer;
import org.mohawk4j.train.loop.TrainingListener;
import org.mohawk4j.train.optimizer.AdamW;
import org.mohawk4j.train.stage.HiddenStateAlignment;
import org.mohawk4j.train.stage.Objective;
import org.mohawk4j.train.stage.StagePlan;

/** The predicted memory of a stage is what the stage takes on a GPU. */
@Tag("gpu")
class CudaPlanTest {
    private static final int BATCH = 4;

    /** Choosing algorithms takes memory that the prediction knows, but not what the driver's libraries choose. */
    private static final Percentage TOLERANCE = Percentage.withPercentage(1);

    @BeforeAll
    static void requireGpu() {
        Gpu.require();
    }

    private static MixerConfig mamba(MixerConfig own) {
        return new DiscreteMamba2.Config(own.width(), Gpu.HEADS, Gpu.HEADS, 64, 4, 64);
    }

    private static Function<Engine, CausalLm> teacher(String family) {
        return family.equals("phi") ? Gpu::teacher : Gpu::llama;
    }

    private static long predicted(String family, int stage, int accumulate, boolean recompute) {
        StageConfig[] stages = StageConfig.defaults().toArray(StageConfig[]::new);
        for (int i = 0; i < stages.length; i++) {
            stages[i] = stages[i].withShare(i + 1 == stage ? 1 : 0);
        }
        DistillConfig config = DistillConfig.builder()
                .stages(stages)
                .batch(BATCH)
                .context(Gpu.CONTEXT)
                .accumulate(accumulate)
                .dtype(Precision.BFLOAT16)
                .distillation(own -> own.withRecompute(recompute))
                .build();
        try (Engine engine = Gpu.open();
                CausalLm model = teacher(family).apply(engine);
                DryTraining dry = new DryTraining(
                        config,
                        teacher(family),
                        MixerPlan.replacing(model.config(), CudaPlanTest::mamba, List.of()),
                        PlannedGpu.named("h200").model())) {
            return dry.profiles(1).get(0).peakBytes();
        }
    }

    private static long measured(String family, int stage, int accumulate, boolean recompute) {
        try (Engine engine = Gpu.open();
                CausalLm teacher = teacher(family).apply(engine)) {
            teacher.parameters().values().forEach(Parameter::value);
            MixerPlan plan = MixerPlan.replacing(teacher.config(), CudaPlanTest::mamba, List.of());
            try (CausalLm student = plan.student(teacher, MixerInit.RANDOM, new SplittableRandom(0))) {
                student.parameters().values().forEach(Parameter::value);
                teacher.castWeights();
                StagePlan stages = new StagePlan(teacher, student, plan, List.of());
                Objective objective = switch (stage) {
                    case 1 -> stages.matrixOrientation();
                    case 2 -> stages.hiddenStateAlignment(HiddenStateAlignment.Target.MIXER);
                    default -> stages.knowledgeDistillation(DistillationFunction.Weights.PLAIN, recompute);
                };
                int[] ids =
                        new SplittableRandom(0).ints(100_000, 0, Gpu.VOCABULARY).toArray();
                InMemoryLoader batches =
                        new InMemoryLoader(new TokenWindows(TokenSequence.of("random", ids), Gpu.CONTEXT), BATCH, 0);
                new Trainer(engine, batches, new TrainingListener() {}, accumulate, FaultConfig.defaults())
                        .run(stage, objective, AdamW.Config.defaults(), step -> 1e-4, 3);
            }
            return engine.backend().memory().peakBytes();
        }
    }

    @ParameterizedTest
    @CsvSource({
        "phi, 1, 1, false",
        "phi, 2, 1, false",
        "phi, 3, 1, false",
        "phi, 3, 1, true",
        "phi, 3, 4, false",
        "llama, 1, 1, false",
        "llama, 2, 2, false",
        "llama, 3, 1, false",
        "llama, 3, 2, true"
    })
    void memoryIsThatOfTheDevice(String family, int stage, int accumulate, boolean recompute) {
        assertThat((double) predicted(family, stage, accumulate, recompute))
                .isCloseTo((double) measured(family, stage, accumulate, recompute), TOLERANCE);
    }
}
