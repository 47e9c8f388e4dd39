package org.mohawk4j.examples;

import java.nio.file.Path;
import org.mohawk4j.train.Distillation;
import org.mohawk4j.train.config.DistillConfig;
import org.mohawk4j.train.config.StageConfig;
import org.mohawk4j.train.config.StageObjective;
import org.mohawk4j.train.console.ConsoleProgressListener;
import org.mohawk4j.train.report.RunResult;
import org.mohawk4j.train.sample.EmbeddedTeacher;

/**
 * Distills the shipped teacher into a hybrid: layer 1 keeps its attention, the others become discrete Mamba-2. Its
 * stages are others than the paper's: hidden states are aligned twice, the second time with a smaller learning rate,
 * and at the end the new mixers alone are distilled.
 *
 * <p>Argument: the run folder.
 */
public final class DistillHybrid {
    private DistillHybrid() {}

    public static void main(String[] args) {
        Path run = Path.of(args.length > 0 ? args[0] : "runs/hybrid");
        RunResult result = distill(EmbeddedTeacher.config().toBuilder().out(run));
        System.out.printf(
                "%s: nll per token %.4f%n",
                result.studentFolder(), result.student().nllPerToken());
    }

    static RunResult distill(DistillConfig.Builder builder) {
        StageConfig align = StageConfig.of(StageObjective.HIDDEN_STATE_ALIGNMENT);
        DistillConfig config = builder.keepAttention(1)
                .stages(
                        StageConfig.of(StageObjective.MATRIX_ORIENTATION),
                        align.withShare(0.1),
                        align.withShare(0.1).withLearningRate(5e-4),
                        StageConfig.of(StageObjective.KNOWLEDGE_DISTILLATION).withTrainable("*.mixer.*"))
                .build();
        try (ConsoleProgressListener progress = ConsoleProgressListener.toStandardError()) {
            return Distillation.of(config).listener(progress).run();
        }
    }
}
