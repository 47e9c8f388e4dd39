package org.mohawk4j.train;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.Optional;
import java.util.SplittableRandom;
import java.util.TreeMap;
import org.mohawk4j.InvalidInputException;
import org.mohawk4j.StorageException;
import org.mohawk4j.data.DataLoader;
import org.mohawk4j.data.Dataset;
import org.mohawk4j.data.TokenBatch;
import org.mohawk4j.data.TokenSequence;
import org.mohawk4j.data.TokenWindows;
import org.mohawk4j.io.InputFile;
import org.mohawk4j.mixer.ScoreFit;
import org.mohawk4j.models.CausalLm;
import org.mohawk4j.models.MixerInit;
import org.mohawk4j.models.MixerPlan;
import org.mohawk4j.models.ModelFolder;
import org.mohawk4j.models.StudentCalibration;
import org.mohawk4j.op.loss.DistillationFunction;
import org.mohawk4j.tensor.Scope;
import org.mohawk4j.tensor.Tensor;
import org.mohawk4j.tokenizer.Tokenizer;
import org.mohawk4j.train.cache.CacheContents;
import org.mohawk4j.train.cache.CachePlan;
import org.mohawk4j.train.cache.OpenCache;
import org.mohawk4j.train.checkpoint.Checkpoint;
import org.mohawk4j.train.config.DistillConfig;
import org.mohawk4j.train.config.HiddenStateConfig;
import org.mohawk4j.train.config.TokenBudget;
import org.mohawk4j.train.loop.StopSignal;
import org.mohawk4j.train.loop.StoppedException;
import org.mohawk4j.train.loop.TrainingException;
import org.mohawk4j.train.loop.TrainingListener;
import org.mohawk4j.train.report.MatrixProbe;
import org.mohawk4j.train.report.RunResult;
import org.mohawk4j.train.run.MixerValues;
import org.mohawk4j.train.run.RunCheckpointer;
import org.mohawk4j.train.run.RunFolder;
import org.mohawk4j.train.run.RunInputs;
import org.mohawk4j.train.run.RunRecorder;
import org.mohawk4j.train.run.StageRunner;
import org.mohawk4j.train.run.StudentSaver;
import org.mohawk4j.train.stage.HiddenStateAlignment;
import org.mohawk4j.train.stage.Objective;
import org.mohawk4j.train.stage.StagePlan;
import org.mohawk4j.train.stage.TeacherDistribution;
import org.mohawk4j.train.statistics.StatisticsRecorder;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The whole method: the stages in order, from a loaded teacher and tokenised text to a run folder with the student, the
 * metrics and the report. The engine, teacher and texts are the caller's to close.
 */
public final class Distillation {
    private static final Logger LOG = LoggerFactory.getLogger(Distillation.class);

    private final DistillConfig config;
    private final CausalLm teacher;
    private final Tokenizer tokenizer;
    private final Dataset training;
    private final TokenWindows validation;
    private final RunFolder folder;
    private boolean teacherIsGivenUp;

    /**
     * @param text to train on, of tokens that the teacher has
     * @param heldOut to evaluate on
     * @param folder where the run is kept
     * @throws InvalidInputException if the held-out text is too short or does not fit the teacher
     */
    public Distillation(
            DistillConfig config,
            CausalLm teacher,
            Tokenizer tokenizer,
            Dataset text,
            TokenSequence heldOut,
            RunFolder folder) {
        if (config.context() > teacher.config().maxPositions()) {
            throw new InvalidInputException("context: expected at most "
                    + teacher.config().maxPositions() + ", the teacher's positions, found " + config.context());
        }
        int vocabulary = Math.toIntExact(teacher.config().vocabulary());
        requireTopK(config, vocabulary);
        this.config = config;
        this.teacher = teacher;
        this.tokenizer = tokenizer;
        this.training = text;
        this.validation = new TokenWindows(heldOut.requireVocabulary(vocabulary), config.context());
        this.folder = folder;
    }

    /**
     * Says that the teacher is not used after the run, which otherwise keeps a copy of its linear maps on the host: while
     * it runs they are in the type of the backend's products, and a teacher that is not given up gets them back when it
     * ends, bit for bit. A backend that does not round products changes nothing, and keeps nothing, either way.
     */
    public void giveUpTeacher() {
        teacherIsGivenUp = true;
    }

    /** At most the vocabulary, and at most what one array holds of a micro-batch. */
    private static void requireTopK(DistillConfig config, int vocabulary) {
        long rows = (long) config.batch() / config.accumulate() * config.context();
        long most = Math.min(vocabulary, Integer.MAX_VALUE / Float.BYTES / rows);
        if (config.distillation().topK() > most) {
            throw new InvalidInputException("distillation.top-k: expected at most " + most + " of the teacher's "
                    + vocabulary + " tokens with " + rows + " tokens in a micro-batch, found "
                    + config.distillation().topK());
        }
    }

    /** What the run keeps of its teacher, if it is to keep anything. */
    public Optional<CachePlan> cachePlan() {
        CacheContents contents = CacheContents.of(config);
        long met = 0;
        for (int stage = contents.firstStage(); stage <= TokenBudget.STAGES; stage++) {
            met += (long) config.budget().stepsOf(stage) * config.batch();
        }
        long windows = Math.min(met, training.windows(config.context()).orElse(met));
        return config.data()
                .teacherCache()
                .map(file -> CachePlan.of(file, teacher, contents, config.context(), windows));
    }

    private OpenCache openCache() {
        return cachePlan().map(cache -> cache.open(teacher)).orElse(OpenCache.NONE);
    }

    /**
     * Runs all stages, from the start.
     *
     * @param plan the student's mixers
     * @param tokenizerFile copied beside the student
     * @param environment facts for the report, by name
     */
    public RunResult run(
            MixerPlan plan, Path tokenizerFile, Map<String, String> environment, TrainingListener listener) {
        return run(plan, tokenizerFile, environment, listener, Optional.empty(), new StopSignal());
    }

    /**
     * Runs all stages, or what is left of them. A run that goes on takes the same steps with the same results as if it
     * had never been interrupted.
     *
     * @param plan the student's mixers
     * @param tokenizerFile copied beside the student
     * @param environment facts for the report, by name
     * @param from where to go on; empty to start, or to start over in a folder that has begun
     * @param stop asks the run to save and stop
     * @throws StorageException if there is no room for the student, or the disk refuses
     * @throws StoppedException if it was asked to
     * @throws TrainingException if training cannot go on, or a checkpoint cannot be written
     */
    public RunResult run(
            MixerPlan plan,
            Path tokenizerFile,
            Map<String, String> environment,
            TrainingListener listener,
            Optional<Checkpoint> from,
            StopSignal stop) {
        ModelFolder.requireSavable(teacher.config().withMixers(plan.mixers()));
        MixerValues mixers = MixerValues.of(plan, teacher.config());
        ResumedRun.requireSame(folder, from, mixers, () -> RunInputs.of(teacher, training, validation.tokens()));
        SplittableRandom random = new SplittableRandom(config.seed());
        stop.trainingStarts();
        try (CausalLm student = plan.student(teacher, config.student().start(), random);
                OpenCache kept = openCache();
                DataLoader batches = training.batches(config.context(), config.batch(), random.nextLong());
                StatisticsRecorder statistics = new StatisticsRecorder(
                        folder.statistics(), student, validation.batch(0, 1).inputs(), listener);
                RunRecorder recorder = new RunRecorder(config, folder, statistics)) {
            StudentSaver saver = new StudentSaver(folder, student, tokenizerFile);
            saver.requireSavable();
            if (from.isEmpty() && config.student().start() == MixerInit.CALIBRATED && !folder.isTrained()) {
                calibrate(student, plan, random.nextLong());
            }
            // the student has what it starts from: the teacher is only read from here on
            try (CastTeacher narrowed = CastTeacher.of(teacher, teacherIsGivenUp)) {
                NavigableMap<Integer, Objective> objectives =
                        objectives(new StagePlan(teacher, student, plan, config.freeze(), kept.states()), kept);
                MatrixProbe probe =
                        new MatrixProbe(teacher, student, validation.batch(0, 1).inputs());
                probe.captureStudent("student at the start");
                boolean trained = from.isEmpty() && folder.isTrained();
                try (RunCheckpointer steps =
                        new RunCheckpointer(config, folder, recorder, student, probe, stop, mixers)) {
                    if (trained) {
                        LOG.info("{} has been trained; it is evaluated again", folder.student());
                        steps.resumeTrained();
                        probe.captureStudent(MatrixProbe.afterStage(objectives.lastKey()));
                    } else {
                        if (from.isEmpty() && folder.hasBegun()) {
                            steps.startOver();
                        }
                        new StageRunner(config, teacher.engine(), objectives, batches, probe)
                                .run(recorder, steps, from);
                    }
                }
                stop.trainingEnds();
                if (!trained) {
                    saver.save();
                }
                // what is saved is evaluated as whoever loads it for inference does
                student.castWeights();
                return new RunEvaluation(config, folder, tokenizer, validation, listener)
                        .of(teacher, student, recorder.losses(), probe, environment);
            }
        } catch (IOException e) {
            throw InputFile.unwritable(folder.path(), e);
        }
    }

    private void calibrate(CausalLm student, MixerPlan plan, long seed) {
        try (DataLoader sample = training.batches(config.context(), 2, seed);
                Scope scope = teacher.engine().scope()) {
            Map<Integer, List<ScoreFit>> fits =
                    StudentCalibration.apply(teacher, student, plan, ids(sample.next()));
            fits.forEach((layer, heads) -> LOG.info("layer {}: {}", layer, heads));
        }
    }

    private Tensor ids(TokenBatch batch) {
        return teacher.engine().indices(batch.inputs(), batch.batch(), batch.context());
    }

    private NavigableMap<Integer, Objective> objectives(StagePlan stages, OpenCache kept) {
        TokenBudget budget = config.budget();
        NavigableMap<Integer, Objective> objectives = new TreeMap<>();
        for (int stage = 1; stage <= TokenBudget.STAGES; stage++) {
            if (budget.stepsOf(stage) > 0) {
                objectives.put(stage, objective(stage, stages, kept));
            }
        }
        return objectives;
    }

    private Objective objective(int stage, StagePlan stages, OpenCache kept) {
        return switch (stage) {
            case 1 -> stages.matrixOrientation();
            case 2 ->
                stages.hiddenStateAlignment(
                        config.hiddenStates().target() == HiddenStateConfig.Target.MIXER
                                ? HiddenStateAlignment.Target.MIXER
                                : HiddenStateAlignment.Target.BLOCK);
            default ->
                stages.knowledgeDistillation(
                        distribution(kept),
                        new DistillationFunction.Weights(
                                config.distillation().temperature(),
                                config.distillation().hardLabelShare()),
                        config.distillation().recompute());
        };
    }

    private TeacherDistribution distribution(OpenCache kept) {
        int topK = config.distillation().topK();
        return topK > 0
                ? TeacherDistribution.likeliest(teacher, kept.states(), kept.tokens(), topK)
                : TeacherDistribution.whole(teacher, kept.states());
    }
}
