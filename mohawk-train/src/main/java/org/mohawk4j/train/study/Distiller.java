package org.mohawk4j.train.study;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import org.mohawk4j.io.Folders;
import org.mohawk4j.io.InputFile;
import org.mohawk4j.models.MixerPlan;
import org.mohawk4j.tokenizer.TokenizerJson;
import org.mohawk4j.train.DistillationRun;
import org.mohawk4j.train.ResumedRun;
import org.mohawk4j.train.checkpoint.Checkpoint;
import org.mohawk4j.train.config.DistillConfig;
import org.mohawk4j.train.config.StageConfig;
import org.mohawk4j.train.config.StageObjective;
import org.mohawk4j.train.loop.StopSignal;
import org.mohawk4j.train.loop.TrainingListener;
import org.mohawk4j.train.report.RunResult;
import org.mohawk4j.train.report.StageSummary;
import org.mohawk4j.train.run.RunFolder;

/** Distills students for a study. A run that was ended goes on from its newest checkpoint, or starts over. */
final class Distiller {
    /** The student's mean negative log-likelihood of held-out tokens, in nats. */
    static final String NLL = "nll";

    /** The teacher's. */
    static final String TEACHER_NLL = "teacher_nll";

    private Distiller() {}

    /** The name of the loss that a stage ended with. */
    static String lastLoss(StageObjective objective) {
        return objective.name().toLowerCase(Locale.ROOT) + "_last_loss";
    }

    /** A run and what came of it. */
    static Result measure(Lab lab, String id, Map<String, ?> row, DistillConfig config) {
        return lab.measure(id, row, config, (bench, work) -> run(bench, work, config));
    }

    /**
     * Runs all stages.
     *
     * @param work the run folder
     */
    static Map<String, Double> run(Bench bench, Path work, DistillConfig config) {
        DistillConfig own = config.toBuilder().out(work).report(false).build();
        MixerPlan plan =
                own.student().plan(bench.teacher().config(), own.training().keepAttention());
        RunResult result = Files.isRegularFile(work.resolve("config.yaml"))
                ? goOn(bench, work, plan)
                : start(bench, work, own, plan);
        Map<String, Double> values = new LinkedHashMap<>();
        values.put(NLL, result.student().nllPerToken());
        values.put(TEACHER_NLL, result.teacher().nllPerToken());
        List<StageConfig> stages = own.training().stages();
        for (StageSummary stage : result.stages()) {
            values.put(lastLoss(stages.get(stage.stage() - 1).objective()), stage.lastLoss());
        }
        return values;
    }

    private static RunResult start(Bench bench, Path work, DistillConfig config, MixerPlan plan) {
        try {
            Folders.delete(work);
        } catch (IOException e) {
            throw InputFile.unwritable(work, e);
        }
        try (RunFolder folder = RunFolder.at(work)) {
            return run(bench, config, plan, folder, Optional.empty());
        }
    }

    private static RunResult goOn(Bench bench, Path work, MixerPlan plan) {
        ResumedRun found = ResumedRun.open(work, Map.of(), false);
        try (RunFolder folder = found.folder()) {
            return run(bench, found.config(), plan, folder, found.from());
        }
    }

    private static RunResult run(
            Bench bench, DistillConfig config, MixerPlan plan, RunFolder folder, Optional<Checkpoint> from) {
        DistillationRun run = new DistillationRun(
                config,
                bench.teacher(),
                bench.tokenizer(),
                bench.texts().training(),
                bench.texts().heldOut(),
                folder);
        run.withoutSamples();
        return run.run(
                plan,
                bench.teacherFolder().resolve(TokenizerJson.FILE_NAME),
                Map.of(),
                new TrainingListener() {},
                from,
                new StopSignal());
    }

    /**
     * A run's stages without those that its mixers do not allow. The shares of those that stay are relative to each other,
     * so that the run takes all its tokens.
     */
    static DistillConfig withFittingStages(DistillConfig config, Lab lab) {
        MixerPlan plan =
                config.student().plan(lab.dimensions(), config.training().keepAttention());
        if (plan.incomparable(lab.dimensions()).isEmpty()) {
            return config;
        }
        List<StageConfig> stages = new ArrayList<>(config.training().stages());
        stages.removeIf(stage -> stage.objective() == StageObjective.MATRIX_ORIENTATION);
        return config.toBuilder().stages(stages.toArray(StageConfig[]::new)).build();
    }
}
