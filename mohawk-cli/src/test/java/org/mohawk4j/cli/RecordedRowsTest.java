package org.mohawk4j.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Collections;
import java.util.List;
import java.util.SplittableRandom;
import org.assertj.core.data.Percentage;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.mohawk4j.mixer.DiscreteMamba2;
import org.mohawk4j.mixer.MixerConfig;
import org.mohawk4j.mixer.SoftmaxAttention;
import org.mohawk4j.models.CausalLm;
import org.mohawk4j.models.CausalLmConfig;
import org.mohawk4j.models.MixerPlan;
import org.mohawk4j.op.Activation;
import org.mohawk4j.train.config.DistillConfig;
import org.mohawk4j.train.config.MachineConfig.Precision;
import org.mohawk4j.train.config.StageConfig;
import org.mohawk4j.train.plan.DryTraining;
import org.mohawk4j.train.plan.PlannedGpu;
import org.mohawk4j.train.plan.StageProfile;

/** Predictions beside what docs/performance.md records of Phi-1.5's shapes on an H200: D 2048, L 24, H 32, V 51200. */
class RecordedRowsTest {
    private static final double GIB = 1L << 30;

    private static StageProfile profile(int stage, int batch, int context) {
        MixerConfig attention = new SoftmaxAttention.Config(2048, 32, 32, 32, 10_000);
        CausalLmConfig teacher = new CausalLmConfig(
                51_200, 2048, 8192, Activation.GELU_TANH, 1e-5, context, Collections.nCopies(24, attention));
        StageConfig[] stages = StageConfig.defaults().toArray(StageConfig[]::new);
        for (int i = 0; i < stages.length; i++) {
            stages[i] = stages[i].withShare(i + 1 == stage ? 1 : 0);
        }
        DistillConfig config = DistillConfig.builder()
                .stages(stages)
                .batch(batch)
                .context(context)
                .dtype(Precision.BFLOAT16)
                .build();
        try (DryTraining dry = new DryTraining(
                config,
                engine -> new CausalLm(engine, teacher, new SplittableRandom(0)),
                MixerPlan.replacing(teacher, DiscreteMamba2.Config::like, List.of()),
                PlannedGpu.named("h200").model())) {
            assertThat(dry.studentParameters()).isEqualTo(1_521_097_472);
            return dry.profiles(1).get(0);
        }
    }

    /** @param gib that the driver's pool held; 0 where none is recorded */
    @ParameterizedTest
    @CsvSource({
        "1, 1, 2048, 54495, 0",
        "1, 2, 2048, 91226, 0",
        "1, 4, 2048, 114278, 15.3",
        "1, 1, 16384, 71062, 16.7",
        "2, 8, 2048, 104147, 17.2",
        "2, 16, 2048, 105930, 0",
        "3, 4, 2048, 45356, 41.2",
        "3, 8, 2048, 48351, 57.7"
    })
    void memoryIsWithinATenthAndSpeedWithinAFifth(
            int stage, int batch, int context, double tokensPerSecond, double gib) {
        StageProfile profile = profile(stage, batch, context);
        double seconds = PlannedGpu.named("h200").rates().seconds(profile.step());
        assertThat(profile.tokens() / seconds).isCloseTo(tokensPerSecond, Percentage.withPercentage(20));
        if (gib > 0) {
            assertThat(profile.peakBytes() / GIB).isCloseTo(gib, Percentage.withPercentage(10));
        }
    }
}
