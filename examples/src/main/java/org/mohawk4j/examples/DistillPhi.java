package org.mohawk4j.examples;

import java.nio.file.Files;
import java.nio.file.Path;
import org.mohawk4j.train.Distillation;
import org.mohawk4j.train.config.DistillConfig;
import org.mohawk4j.train.console.ConsoleProgressListener;
import org.mohawk4j.train.report.RunResult;
import org.mohawk4j.train.sample.EmbeddedTeacher;

/**
 * Distills a Phi into a student with discrete Mamba-2 mixers, by the three stages of MOHAWK, and resumes a run
 * that was interrupted.
 *
 * <p>Arguments: the run folder; then, if it is not to be the tiny teacher that is shipped, the teacher's folder and texts.
 */
public final class DistillPhi {
    private DistillPhi() {}

    public static void main(String[] args) {
        Path run = Path.of(args.length > 0 ? args[0] : "runs/phi");
        DistillConfig.Builder config;
        if (args.length > 2) {
            config = DistillConfig.builder()
                    .teacher(Path.of(args[1]))
                    .text(args[2])
                    .tokens(2_000_000)
                    .checkpoint(when -> when.withMinutes(10));
        } else {
            // the shipped teacher writes its own text
            config = EmbeddedTeacher.config().toBuilder();
        }
        RunResult result = distill(config.out(run).build(), run);
        System.out.printf(
                "%s: nll per token %.4f, the teacher's %.4f%n",
                result.studentFolder(),
                result.student().nllPerToken(),
                result.teacher().nllPerToken());
    }

    /** Starts a run, or goes on with it if it has begun. */
    static RunResult distill(DistillConfig config, Path run) {
        Distillation distillation =
                Files.exists(run.resolve("config.yaml")) ? Distillation.resume(run) : Distillation.of(config);
        try (ConsoleProgressListener progress = ConsoleProgressListener.toStandardError()) {
            return distillation.listener(progress).run();
        }
    }
}
