package org.mohawk4j.train.study;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.mohawk4j.models.CausalLm;
import org.mohawk4j.models.ModelFolder;
import org.mohawk4j.train.config.DistillConfig;
import org.mohawk4j.train.config.StageConfig;
import org.mohawk4j.train.config.StageObjective;
import org.mohawk4j.train.loop.TrainingListener;
import org.mohawk4j.train.optimizer.ParameterGroup;
import org.mohawk4j.train.sample.EmbeddedTeacher;

/** The tuning goes by the configuration of its run. */
class RestoredLayerTest {
    private static final int CONTEXT = 8;
    private static final int BATCH = 2;

    @TempDir
    private Path folder;

    private DistillConfig config;
    private Bench bench;
    private Path student;

    @BeforeEach
    void makeStudent() throws IOException {
        Path text = Files.writeString(folder.resolve("text.txt"), "The mill by the river had been still. ".repeat(60));
        config = EmbeddedTeacher.config().toBuilder()
                .text(text.toString())
                .context(CONTEXT)
                .batch(BATCH)
                .keepAttention(1)
                .threads(1)
                .stages(stage(8))
                .evaluation(held -> held.withHeldOut(0.2).withWindows(2))
                .build();
        bench = Bench.open(config, EmbeddedTeacher.unpack(), new TrainingListener() {});
        student = folder.resolve("student");
        CausalLm teacher = bench.teacher();
        try (CausalLm trained =
                config.student().plan(teacher.config(), List.of()).student(teacher, new SplittableRandom(0))) {
            ModelFolder.save(trained, student);
        }
    }

    @AfterEach
    void close() {
        bench.close();
    }

    private static StageConfig stage(int steps) {
        return StageConfig.of(StageObjective.KNOWLEDGE_DISTILLATION).withTokens((long) steps * BATCH * CONTEXT);
    }

    private double tuned(DistillConfig own) {
        return RestoredLayer.measure(bench, student, own).get(RestoredLayer.KL);
    }

    @Test
    void groupsOfTheOptimizerCount() {
        DistillConfig still = config.toBuilder()
                .optimizer(own -> own.withGroups(new ParameterGroup("*", 0)))
                .build();

        Map<String, Double> kl = RestoredLayer.measure(bench, student, still);

        assertThat(kl.get(RestoredLayer.KL)).isEqualTo(kl.get(RestoredLayer.UNTUNED_KL));
        assertThat(tuned(config)).isLessThan(kl.get(RestoredLayer.UNTUNED_KL));
    }

    @Test
    void aBatchIsTakenInMicroBatches() {
        double whole = tuned(config);

        // sums of floats in another order
        assertThat(tuned(config.toBuilder().accumulate(BATCH).build()))
                .isNotEqualTo(whole)
                .isCloseTo(whole, within(1e-3 * whole));
    }

    @Test
    void spikesAreJudgedByTheRunsThreshold() {
        // the first 32 losses are none; at this learning rate half of the others are above the median
        DistillConfig slow =
                config.toBuilder().stages(stage(40).withLearningRate(1e-6)).build();
        DistillConfig strict = slow.toBuilder()
                .faults(faults -> faults.withSpikeThreshold(1e-9))
                .build();

        assertThat(tuned(strict)).isNotEqualTo(tuned(slow));
    }
}
