package org.mohawk4j.train;

import java.io.IOException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SplittableRandom;
import org.mohawk4j.InvalidInputException;
import org.mohawk4j.StorageException;
import org.mohawk4j.data.Dataset;
import org.mohawk4j.data.TokenSequence;
import org.mohawk4j.data.TokenWindows;
import org.mohawk4j.io.InputFile;
import org.mohawk4j.models.CausalLm;
import org.mohawk4j.models.CausalLmConfig;
import org.mohawk4j.models.MixerPlan;
import org.mohawk4j.models.ModelFolder;
import org.mohawk4j.tokenizer.Tokenizer;
import org.mohawk4j.train.cache.CacheContents;
import org.mohawk4j.train.cache.CachePlan;
import org.mohawk4j.train.cache.OpenCache;
import org.mohawk4j.train.checkpoint.Checkpoint;
import org.mohawk4j.train.config.ActiveStage;
import org.mohawk4j.train.config.DistillConfig;
import org.mohawk4j.train.config.StageObjective;
import org.mohawk4j.train.distributed.DataParallel;
import org.mohawk4j.train.distributed.KeepAlive;
import org.mohawk4j.train.distributed.ProcessGroup;
import org.mohawk4j.train.loop.Parallelism;
import org.mohawk4j.train.loop.StopSignal;
import org.mohawk4j.train.loop.StoppedException;
import org.mohawk4j.train.loop.TrainingException;
import org.mohawk4j.train.loop.TrainingListener;
import org.mohawk4j.train.optimizer.ParameterGroup;
import org.mohawk4j.train.optimizer.Sharding;
import org.mohawk4j.train.report.LossHistory;
import org.mohawk4j.train.report.MatrixProbe;
import org.mohawk4j.train.report.RunResult;
import org.mohawk4j.train.run.MixerValues;
import org.mohawk4j.train.run.RunCheckpointer;
import org.mohawk4j.train.run.RunFolder;
import org.mohawk4j.train.run.RunInputs;
import org.mohawk4j.train.run.RunRecorder;
import org.mohawk4j.train.run.StageData;
import org.mohawk4j.train.run.StageRunner;
import org.mohawk4j.train.run.StageTask;
import org.mohawk4j.train.run.StudentSaver;
import org.mohawk4j.train.stage.StagePlan;
import org.mohawk4j.train.statistics.StatisticsRecorder;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The whole method: the stages in order, from a loaded teacher and tokenized text to a run folder with the student, the
 * metrics and the report. For teachers, texts and tokenizers that no configuration names; for those that one does, {@link
 * Distillation} has everything around it. The engine, teacher and texts are the caller's to close.
 */
public final class DistillationRun {
    private static final Logger LOG = LoggerFactory.getLogger(DistillationRun.class);

    private final DistillConfig config;
    private final CausalLm teacher;
    private final Tokenizer tokenizer;
    private final Dataset training;
    private final TokenWindows validation;
    private final RunFolder folder;
    private boolean teacherIsDiscarded;
    private Optional<ProcessGroup> group = Optional.empty();
    private boolean writesSamples = true;

    /**
     * @param text to train on, of tokens that the teacher has
     * @param heldOut to evaluate on
     * @param folder where the run is kept
     * @throws InvalidInputException if the held-out text is too short or does not fit the teacher
     */
    public DistillationRun(
            DistillConfig config,
            CausalLm teacher,
            Tokenizer tokenizer,
            Dataset text,
            TokenSequence heldOut,
            RunFolder folder) {
        requirePositions(config, teacher.config().maxPositions());
        int vocabulary = Math.toIntExact(teacher.config().vocabulary());
        requireTopK(config, vocabulary);
        this.config = config;
        this.teacher = teacher;
        this.tokenizer = tokenizer;
        this.training = text;
        this.validation = new TokenWindows(
                heldOut.requireVocabulary(vocabulary), config.training().context());
        this.folder = folder;
    }

    /**
     * Declares that the teacher is not used after the run. During a run its linear maps are stored in the type of the
     * backend's products. Unless the teacher is discarded, the run keeps a copy of them on the host, and restores them bit
     * for bit at the end. A backend that does not round products needs no copy.
     */
    public void discardTeacher() {
        teacherIsDiscarded = true;
    }

    /** Makes this run one rank of several. Their configurations, teachers and texts are equal. The group is the caller's to close. */
    public void group(ProcessGroup ranks) {
        group = Optional.of(ranks);
    }

    /** Leaves out the sample texts of teacher and student. */
    public void withoutSamples() {
        writesSamples = false;
    }

    /**
     * Checks that all windows fit the teacher.
     *
     * @throws InvalidInputException if not
     */
    public static void requirePositions(DistillConfig config, long positions) {
        requirePositions("context", config.training().context(), positions);
        config.activeStages().forEach(stage -> requirePositions(stage.key() + ".context", stage.context(), positions));
    }

    /**
     * Checks that stages which compare mixing matrices can do so.
     *
     * @throws InvalidInputException if a mixer's matrices cannot be compared with the teacher's head by head
     */
    public static void requireComparable(DistillConfig config, MixerPlan plan, CausalLmConfig teacher) {
        for (ActiveStage stage : config.activeStages()) {
            if (stage.objective() == StageObjective.MATRIX_ORIENTATION) {
                plan.incomparable(teacher).ifPresent(why -> {
                    throw new InvalidInputException(stage.key() + ".objective: expected none that compares mixing"
                            + " matrices head by head, got matrix-orientation; " + why);
                });
            }
        }
    }

    private static void requirePositions(String key, int context, long positions) {
        if (context > positions) {
            throw new InvalidInputException(
                    key + ": expected at most " + positions + ", the teacher's positions, got " + context);
        }
    }

    /** At most the vocabulary, and at most what one array holds of a micro-batch. */
    private static void requireTopK(DistillConfig config, int vocabulary) {
        int topK = config.learning().distillation().topK();
        for (ActiveStage stage : config.activeStages()) {
            long rows = (long) stage.batch() / config.training().accumulate() * stage.context();
            long most = Math.min(vocabulary, Integer.MAX_VALUE / Float.BYTES / rows);
            if (topK > most) {
                throw new InvalidInputException("distillation.top-k: expected at most " + most + " of the teacher's "
                        + vocabulary + " tokens with " + rows + " tokens in a micro-batch, found " + topK);
            }
        }
    }

    /** What the run keeps of its teacher, if it is to keep anything. */
    public Optional<CachePlan> cachePlan() {
        int ranks = size();
        CacheContents contents = CacheContents.of(config, ranks);
        int context = config.training().context();
        long met = config.activeStages().stream()
                // what a stage with tokens auto saves may be spent by one that the cache serves
                .filter(stage -> config.isAuto(stage) || contents.serves(stage, config, ranks))
                .mapToLong(stage -> (long) stage.steps() * stage.batch())
                .sum();
        long windows = Math.min(met / ranks, training.windows(context).orElse(met));
        return config.data()
                .teacherCache()
                .filter(file -> windows > 0)
                .map(this::ofRank)
                .map(file -> CachePlan.of(file, teacher, contents, context, windows));
    }

    /** Each rank keeps what the teacher computes of the windows that it meets. */
    private Path ofRank(Path cache) {
        return group.filter(ranks -> ranks.size() > 1)
                .map(ranks ->
                        cache.resolveSibling(cache.getFileName() + ".rank-" + ranks.rank() + "-of-" + ranks.size()))
                .orElse(cache);
    }

    private OpenCache openCache() {
        return cachePlan().map(cache -> cache.open(teacher)).orElse(OpenCache.NONE);
    }

    /**
     * Runs all stages, or the remaining ones. A resumed run is bit-identical to one that was never interrupted.
     *
     * @param plan the student's mixers
     * @param tokenizerFile copied beside the student
     * @param environment facts for the report, by name
     * @param from the checkpoint to resume from; empty to start, or to restart in a folder without one
     * @param stop asks the run to save and stop
     * @throws StorageException if there is no room for the student, or the disk refuses
     * @throws StoppedException if it was asked to
     * @throws TrainingException if training cannot continue, or a checkpoint cannot be written
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
        if (isFirst()) {
            ResumedRun.requireSame(folder, from, mixers, () -> RunInputs.of(teacher, training, validation.tokens()));
        }
        requireEqualShares();
        stop.trainingStarts();
        try (Parallelism ranks = ranks()) {
            // NCCL's communicators wait for each other when they close, so a failure is told before
            return RankStart.told(group, () -> run(plan, tokenizerFile, environment, listener, from, stop, ranks));
        }
    }

    private RunResult run(
            MixerPlan plan,
            Path tokenizerFile,
            Map<String, String> environment,
            TrainingListener listener,
            Optional<Checkpoint> from,
            StopSignal stop,
            Parallelism ranks) {
        SplittableRandom random = new SplittableRandom(config.training().seed());
        try (CausalLm student = plan.student(teacher, config.student().init(), random);
                OpenCache kept = openCache();
                StageData data = new StageData(training, config.activeStages(), random);
                StatisticsRecorder statistics = new StatisticsRecorder(
                        folder.statistics(), student, validation.batch(0, 1).inputs());
                RunRecorder recorder = isFirst()
                        ? new RunRecorder(
                                config,
                                folder,
                                readsWhole() ? new TrainingListeners(List.of(statistics, listener)) : listener)
                        : RunRecorder.silent(config, folder)) {
            StudentSaver saver = new StudentSaver(folder, student, tokenizerFile);
            if (isFirst()) {
                saver.requireSavable();
                warnOfUnsharded(ranks.sharding(), student);
            }
            ParameterGroup.requireFound(
                    "optimizer.groups", config.learning().optimizer().givenGroups(), student.parameters());
            StagePlan trained =
                    new StagePlan(teacher, student, plan, config.training().freeze());
            // refuses what cannot be trained, before anything is computed
            List<StageTask> tasks = new StageTasks(config, trained, ranks, validation.tokens()).all(kept);
            long sample = random.nextLong();
            if (from.isEmpty() && isFirst()) {
                StudentStart.calibrate(config, teacher, student, plan, training, sample);
            }
            ranks.share(student.parameters().values());
            // the student has what it starts from: the teacher is only read from here on
            try (CastTeacher narrowed = CastTeacher.of(teacher, teacherIsDiscarded)) {
                MatrixProbe probe =
                        new MatrixProbe(teacher, student, validation.batch(0, 1).inputs());
                if (from.isEmpty()) {
                    probe.captureStudent(MatrixProbe.START);
                }
                boolean isTrained = first().decides(() -> from.isEmpty() && folder.isTrained());
                try (RunCheckpointer steps =
                        new RunCheckpointer(config, folder, recorder, student, probe, stop, ranks)) {
                    if (isTrained) {
                        LOG.info("{} has been trained; it is evaluated again", folder.student());
                        steps.resumeTrained();
                        probe.captureStudent(
                                MatrixProbe.afterStage(config.lastStage().number()));
                    } else {
                        if (from.isEmpty() && folder.hasBegun()) {
                            steps.startOver();
                        }
                        // before a checkpoint in the background is waited for
                        RankStart.told(group, () -> {
                            new StageRunner(config, student, tasks, data, probe).run(recorder, steps, from);
                            return steps;
                        });
                    }
                }
                stop.trainingEnds();
                try (KeepAlive evaluating = KeepAlive.of(group)) {
                    Optional<Tokenizer> writing = Optional.of(tokenizer).filter(own -> writesSamples);
                    RunEvaluation evaluation = new RunEvaluation(config, folder, writing, validation, listener);
                    RunResult result = RunEvaluation.none(folder);
                    if (isFirst()) {
                        if (!folder.hasBegun()) {
                            throw new TrainingException(
                                    "no step had a finite loss and finite gradients; there is no student to save");
                        }
                        if (!isTrained) {
                            saver.save();
                        }
                        // what is saved is evaluated as whoever loads it for inference does
                        student.castWeights();
                        result = evaluation.of(
                                teacher, student, recorder.losses(), probe, facts(recorder.losses(), environment));
                    }
                    // a rank that left before would look like one that has failed
                    ranks.exchange(new byte[0]);
                    return result;
                }
            }
        } catch (IOException e) {
            throw InputFile.unwritable(folder.path(), e);
        }
    }

    private static void warnOfUnsharded(Sharding sharding, CausalLm student) {
        List<Long> counts = student.parameters().values().stream()
                .map(parameter -> parameter.shape().size())
                .toList();
        if (sharding.sharded() && !sharding.shardsMost(counts)) {
            LOG.warn(
                    "{} ranks: most parameters cannot be divided equally, so that each rank has their optimizer state;"
                            + " with a power of two it is sharded",
                    sharding.ranks());
        }
    }

    private Parallelism ranks() {
        return group.filter(ranks -> ranks.size() > 1)
                .<Parallelism>map(ranks -> {
                    DataParallel parallel = new DataParallel(
                            teacher.engine(),
                            ranks,
                            Sharding.across(ranks.rank(), ranks.size()),
                            config.recovery().faults().compareRanks());
                    return config.machine().shardParameters() ? parallel.withShardedParameters() : parallel;
                })
                .orElseGet(Parallelism::none);
    }

    private FirstRank first() {
        return new FirstRank(group);
    }

    private boolean isFirst() {
        return first().isThis();
    }

    /** Whether statistics find whole parameters and gradients on one rank. */
    private boolean readsWhole() {
        return !config.machine().shardParameters() && !config.dividesLayers(size());
    }

    private int size() {
        return group.map(ProcessGroup::size).orElse(1);
    }

    private void requireEqualShares() {
        int ranks = size();
        int shares = ranks * config.training().accumulate();
        for (ActiveStage stage : config.activeStages()) {
            if (ranks > 1 && !config.dividesLayers(stage, ranks) && stage.batch() % shares != 0) {
                throw new InvalidInputException(stage.key() + ".batch: expected a multiple of " + shares + ", "
                        + config.training().accumulate() + " micro-batches of " + ranks + " ranks, found "
                        + stage.batch());
            }
        }
    }

    /** With what became of stages that ended early. */
    private Map<String, String> facts(LossHistory losses, Map<String, String> environment) {
        Map<String, String> facts = new LinkedHashMap<>(environment);
        group.ifPresent(ranks -> facts.put("ranks", String.valueOf(ranks.size())));
        losses.savedSteps()
                .forEach((stage, saved) -> facts.put(
                        "stage " + stage,
                        "tokens auto: ended " + saved + " steps before its share was spent, since the held-out loss"
                                + " fell by less than "
                                + config.learning().autoTokens().improvement() + " of itself"));
        return facts;
    }
}
