package org.mohawk4j.train;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.mohawk4j.StorageException;
import org.mohawk4j.models.CausalLm;
import org.mohawk4j.models.CausalLmConfig;
import org.mohawk4j.models.MixerPlan;
import org.mohawk4j.models.ModelFolder;
import org.mohawk4j.tensor.Engine;
import org.mohawk4j.tokenizer.TokenizerJson;
import org.mohawk4j.train.checkpoint.Checkpoint;
import org.mohawk4j.train.config.DistillConfig;
import org.mohawk4j.train.loop.StopSignal;
import org.mohawk4j.train.loop.StoppedException;
import org.mohawk4j.train.loop.TrainingException;
import org.mohawk4j.train.loop.TrainingListener;
import org.mohawk4j.train.report.RunResult;
import org.mohawk4j.train.run.OutputFolder;
import org.mohawk4j.train.run.PendingInputs;
import org.mohawk4j.train.run.RunFolder;
import org.mohawk4j.train.run.RunInputs;
import org.mohawk4j.train.run.RunData;
import org.mohawk4j.train.sample.EmbeddedTeacher;

/**
 * A run from a configuration: teacher and texts to a run folder with checkpoints, the student, metrics and report.
 *
 * <pre>{@code
 * DistillConfig config = DistillConfig.builder()
 *         .teacher(Path.of("phi"))
 *         .text("train.txt")
 *         .out(Path.of("runs/first"))
 *         .build();
 * try (ConsoleProgressListener progress = ConsoleProgressListener.toStandardError()) {
 *     RunResult result = Distillation.of(config).listener(progress).run();
 *     System.out.println(result.studentFolder() + " " + result.student().nllPerToken());
 * }
 * }</pre>
 *
 * <p>{@link #resume} goes on with a run that was ended, however it was, as if it had not been. A teacher, texts or a
 * tokenizer that no configuration names take a {@link DistillationRun}.
 */
public final class Distillation {
    private static final String OF_CONFIGURATION =
            "Every value of this run; to repeat it: Distillation.of(DistillConfigYaml.read(THIS_FILE))";

    private final @Nullable DistillConfig given;
    private final Path folder;
    private final List<TrainingListener> listeners = new ArrayList<>();
    private final Map<String, String> environment = new LinkedHashMap<>();
    private @Nullable Mixers mixers;
    private StopSignal stop = new StopSignal();
    private String comment = OF_CONFIGURATION;
    private Map<String, ?> changes = Map.of();
    private boolean accepts;
    private boolean stagesAreFixed;
    private @Nullable Path shipped;

    private Distillation(@Nullable DistillConfig given, Path folder) {
        this.given = given;
        this.folder = folder;
    }

    /** The student's mixers for a teacher. */
    @FunctionalInterface
    public interface Mixers {
        /** @param config of the run */
        MixerPlan plan(DistillConfig config, CausalLmConfig teacher);
    }

    /** A new run. Its folder is the configuration's {@code out}, or a new one in {@code runs}. */
    public static Distillation of(DistillConfig config) {
        return new Distillation(config, config.files().out().orElseGet(() -> OutputFolder.of("distill")));
    }

    /** A run that is there and is to go on: from its newest whole checkpoint, or from the start if there is none yet. */
    public static Distillation resume(Path run) {
        return new Distillation(null, run);
    }

    /** Tells a listener what the run does, after those that were added before. */
    public Distillation listener(TrainingListener another) {
        listeners.add(another);
        return this;
    }

    /** Lets another thread end the run when it has saved. */
    public Distillation stop(StopSignal signal) {
        stop = signal;
        return this;
    }

    /** Mixers of one's own in the place of those that the configuration names. A run that goes on needs them again. */
    public Distillation mixers(Mixers own) {
        mixers = own;
        return this;
    }

    /**
     * Goes on with some values in the place of the run's, by key of {@code config.yaml}. What changes results is refused
     * unless changes are accepted.
     */
    public Distillation changes(Map<String, ?> values) {
        changes = Map.copyOf(values);
        return this;
    }

    /** Goes on with a configuration, a teacher, texts or mixers that the run was not begun with. */
    public Distillation acceptChanges() {
        accepts = true;
        return this;
    }

    /**
     * Refuses mixers whose matrices cannot be compared with the teacher's, in the place of leaving out the matrix
     * orientation of the default stages. Stages other than the default ones are always taken as they are.
     */
    public Distillation keepStages() {
        stagesAreFixed = true;
        return this;
    }

    /** A fact for the report, beside those about backend, Java and system. */
    public Distillation fact(String name, String value) {
        environment.put(name, value);
        return this;
    }

    /** The line above the values in {@code config.yaml}. */
    public Distillation comment(String line) {
        comment = line;
        return this;
    }

    /** The run folder. */
    public Path folder() {
        return folder;
    }

    /**
     * Runs all stages, or what is left of them, evaluates and reports.
     *
     * @throws org.mohawk4j.InvalidInputException if something that was given is unusable: then a new run leaves nothing
     *     behind, and one that was to go on is as it was
     * @throws ChangedRunException if a run that is to go on is not what it was begun with
     * @throws StorageException if there is no room for the student, or the disk refuses
     * @throws StoppedException if it was asked to
     * @throws TrainingException if training cannot go on, or a checkpoint cannot be written
     */
    public RunResult run() {
        if (given == null) {
            ResumedRun found =
                    ResumedRun.open(folder, changes, accepts, config -> RunInputs.of(teacherFolder(config), config));
            try (RunFolder open = found.folder()) {
                stagesAreFixed = true;
                return run(found.config(), open, found.from());
            }
        }
        DistillConfig config = given.with(changes);
        try (RunFolder open = RunFolder.at(folder)) {
            if (mixers == null) {
                open.comment(comment);
            }
            return run(config, open, Optional.empty());
        }
    }

    private RunResult run(DistillConfig asked, RunFolder open, Optional<Checkpoint> from) {
        Path teacherFolder = teacherFolder(asked);
        CausalLmConfig dimensions = ModelFolder.config(teacherFolder);
        DistillationRun.requirePositions(asked, dimensions.maxPositions());
        MixerPlan plan = mixers == null
                ? asked.student().plan(dimensions, asked.training().keepAttention())
                : mixers.plan(asked, dimensions);
        ResolvedStages fitted = ResolvedStages.of(asked, plan, dimensions, stagesAreFixed);
        DistillConfig config = fitted.config();
        TokenizerJson tokenizer =
                TokenizerJson.load(teacherFolder, config.data().bos());
        tokenizer.requireRows(dimensions.vocabulary());
        if (!open.hasBegun()) {
            open.reads(new PendingInputs(teacherFolder, config));
        }
        TrainingListener listener = new TrainingListeners(listeners);
        try (Engine engine = config.machine().open();
                CausalLm teacher = ModelFolder.load(engine, teacherFolder)) {
            listener.onFact(
                    "teacher", config.files().teacher().map(Path::toString).orElse("the tiny one that is shipped"));
            listener.onFact("run", open.path().toString());
            fitted.note().ifPresent(note -> listener.onFact("stage 1", note));
            from.ifPresent(checkpoint -> listener.onFact("resumed", "after " + checkpoint.position()));
            RunData texts = RunData.of(config, teacher, tokenizer, listener);
            listener.onFact("text", texts.description());
            DistillationRun run =
                    new DistillationRun(config, teacher, tokenizer, texts.training(), texts.heldOut(), open);
            run.discardTeacher();
            run.cachePlan()
                    .ifPresent(kept -> listener.onFact(
                            "cache",
                            String.format(
                                    Locale.ROOT,
                                    "at most %,d bytes of %,d windows in %s",
                                    kept.bytes(),
                                    kept.windows(),
                                    kept.file())));
            Path tokenizerFile = teacherFolder.resolve(TokenizerJson.FILE_NAME);
            return run.run(plan, tokenizerFile, environment(engine), listener, from, stop);
        }
    }

    private Path teacherFolder(DistillConfig config) {
        return config.files().teacher().orElseGet(() -> {
            Path unpacked = shipped;
            if (unpacked == null) {
                unpacked = EmbeddedTeacher.unpack();
                shipped = unpacked;
            }
            return unpacked;
        });
    }

    private Map<String, String> environment(Engine engine) {
        Map<String, String> facts = new LinkedHashMap<>(environment);
        facts.put("backend", engine.backend().description());
        facts.put("java", Runtime.version().toString());
        facts.put("system", System.getProperty("os.name") + " " + System.getProperty("os.arch"));
        facts.put("processors", String.valueOf(Runtime.getRuntime().availableProcessors()));
        return facts;
    }
}
