package org.mohawk4j.train;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import org.mohawk4j.InvalidInputException;
import org.mohawk4j.functional.DistillationFunction;
import org.mohawk4j.generation.Generator;
import org.mohawk4j.generation.Sampling;
import org.mohawk4j.models.CausalLm;
import org.mohawk4j.models.MixerPlan;
import org.mohawk4j.models.ModelFolder;
import org.mohawk4j.tokenizer.Tokenizer;
import org.mohawk4j.train.data.BatchSampler;
import org.mohawk4j.train.data.TokenSequence;
import org.mohawk4j.train.data.TokenWindows;
import org.mohawk4j.train.evaluation.Perplexity;
import org.mohawk4j.train.optimizer.AdamW;
import org.mohawk4j.train.report.HtmlReport;
import org.mohawk4j.train.report.ModelScore;
import org.mohawk4j.train.report.RunReport;
import org.mohawk4j.train.report.Sample;
import org.mohawk4j.train.report.StageSummary;
import org.mohawk4j.train.run.DistillConfig;
import org.mohawk4j.train.run.DistillConfigYaml;
import org.mohawk4j.train.run.HiddenStateConfig;
import org.mohawk4j.train.run.OptimizerConfig;
import org.mohawk4j.train.run.RunFolder;
import org.mohawk4j.train.run.TokenBudget;
import org.mohawk4j.train.stage.HiddenStateAlignment;
import org.mohawk4j.train.stage.Objective;
import org.mohawk4j.train.stage.StagePlan;
import org.mohawk4j.train.statistics.StatisticsRecorder;

/**
 * The whole method: the stages in order, from a loaded teacher and tokenised text to a run folder with the student, the
 * metrics and the report. The engine, teacher and texts are the caller's to close.
 */
public final class Distillation {
    private static final int STAGES = 3;
    private static final int SAMPLE_TOKENS = 60;
    private static final int PROMPT_TOKENS = 16;

    private final DistillConfig config;
    private final CausalLm teacher;
    private final Tokenizer tokenizer;
    private final TokenWindows training;
    private final TokenWindows validation;
    private final RunFolder folder;

    /**
     * @param text to train on
     * @param heldOut to evaluate on
     * @param folder where the run is kept
     * @throws InvalidInputException if a text is too short or does not fit the teacher
     */
    public Distillation(
            DistillConfig config,
            CausalLm teacher,
            Tokenizer tokenizer,
            TokenSequence text,
            TokenSequence heldOut,
            RunFolder folder) {
        if (config.context() > teacher.config().maxPositions()) {
            throw new InvalidInputException("context: expected at most "
                    + teacher.config().maxPositions() + ", the teacher's positions, found " + config.context());
        }
        int vocabulary = Math.toIntExact(teacher.config().vocabulary());
        this.config = config;
        this.teacher = teacher;
        this.tokenizer = tokenizer;
        this.training = new TokenWindows(text.requireVocabulary(vocabulary), config.context());
        this.validation = new TokenWindows(heldOut.requireVocabulary(vocabulary), config.context());
        this.folder = folder;
    }

    /** What came of a run. */
    public record Result(
            List<StageSummary> stages, Perplexity.Score teacher, Perplexity.Score student, List<Sample> samples) {}

    /**
     * Runs all stages.
     *
     * @param plan the student's mixers
     * @param tokenizerFile copied beside the student
     * @param environment facts for the report, by name
     */
    public Result run(MixerPlan plan, Path tokenizerFile, Map<String, String> environment, TrainingListener listener) {
        ModelFolder.requireSavable(teacher.config().withMixers(plan.mixers()));
        TokenBudget budget = config.budget();
        SplittableRandom random = new SplittableRandom(config.seed());
        try (CausalLm student = plan.student(teacher, config.student().start(), random);
                StatisticsRecorder statistics = new StatisticsRecorder(
                        folder.statistics(), student, validation.batch(0, 1).inputs(), listener);
                RunRecorder recorder = new RunRecorder(config, folder, statistics)) {
            StagePlan stages = new StagePlan(teacher, student, plan, config.freeze());
            Objective[] objectives = new Objective[STAGES + 1];
            for (int stage = 1; stage <= STAGES; stage++) {
                if (budget.stepsOf(stage) > 0) {
                    objectives[stage] = objective(stage, stages);
                }
            }
            MatrixProbe probe =
                    new MatrixProbe(teacher, student, validation.batch(0, 1).inputs());
            probe.captureStudent("student at the start");
            BatchSampler batches = new BatchSampler(training, config.batch(), random.nextLong());
            Trainer trainer = new Trainer(teacher.engine(), batches, recorder);
            for (int stage = 1; stage <= STAGES; stage++) {
                int steps = budget.stepsOf(stage);
                if (steps > 0) {
                    trainer.run(
                            stage,
                            objectives[stage],
                            optimizer(config.optimizer()),
                            config.schedule().forStage(config.lr().get(stage - 1), steps),
                            steps);
                    probe.captureStudent("student after stage " + stage);
                }
            }
            saveStudent(student, tokenizerFile);
            return report(student, recorder, probe, environment);
        } catch (IOException e) {
            throw new UncheckedIOException("cannot write into the run folder " + folder.path() + ": " + e, e);
        }
    }

    private Objective objective(int stage, StagePlan stages) {
        return switch (stage) {
            case 1 -> stages.matrixOrientation();
            case 2 ->
                stages.hiddenStateAlignment(
                        config.hiddenStates().target() == HiddenStateConfig.Target.MIXER
                                ? HiddenStateAlignment.Target.MIXER
                                : HiddenStateAlignment.Target.BLOCK);
            default ->
                stages.knowledgeDistillation(new DistillationFunction.Weights(
                        config.distillation().temperature(),
                        config.distillation().hardLabelShare()));
        };
    }

    private static AdamW.Config optimizer(OptimizerConfig own) {
        return new AdamW.Config(
                own.betas().get(0), own.betas().get(1), own.epsilon(), own.weightDecay(), own.clipNorm());
    }

    private void saveStudent(CausalLm student, Path tokenizerFile) throws IOException {
        folder.writeStudent(target -> {
            ModelFolder.save(student, target);
            Files.copy(tokenizerFile, target.resolve("tokenizer.json"));
        });
    }

    private Result report(CausalLm student, RunRecorder recorder, MatrixProbe probe, Map<String, String> environment)
            throws IOException {
        int limit = config.evaluation().windows();
        Perplexity.Score teacherScore = Perplexity.of(teacher, validation, limit);
        Perplexity.Score studentScore = Perplexity.of(student, validation, limit);
        List<Sample> samples = List.of(sample("teacher", teacher), sample("student", student));
        if (config.report()) {
            RunReport page = new RunReport(
                    "MOHAWK distillation",
                    recorder.losses(),
                    List.of(score("teacher", teacherScore), score("student", studentScore)),
                    probe.layers(),
                    samples,
                    DistillConfigYaml.format(config),
                    environment);
            folder.writeReport(target -> HtmlReport.write(target, page));
        }
        return new Result(recorder.losses().summaries(), teacherScore, studentScore, samples);
    }

    private static ModelScore score(String name, Perplexity.Score score) {
        return new ModelScore(name, score.nllPerToken(), score.tokens(), score.tokensPerSecond());
    }

    /** Continues the start of the validation text. */
    private Sample sample(String name, CausalLm model) {
        int[] window = validation.batch(0, 1).inputs();
        int[] prompt = Arrays.copyOf(window, Math.min(PROMPT_TOKENS, window.length));
        int room = Math.toIntExact(Math.min(SAMPLE_TOKENS, model.config().maxPositions() - prompt.length));
        List<Integer> ids = new ArrayList<>();
        new Generator(model, Sampling.GREEDY, config.seed()).generate(prompt, room, tokenizer.endOfText(), ids::add);
        return new Sample(
                name,
                tokenizer.decode(prompt),
                tokenizer.decode(ids.stream().mapToInt(Integer::intValue).toArray()));
    }
}
