package org.mohawk4j.train;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.mohawk4j.InvalidInputException;
import org.mohawk4j.StorageException;
import org.mohawk4j.data.TokenWindows;
import org.mohawk4j.models.CausalLm;
import org.mohawk4j.models.CausalLmConfig;
import org.mohawk4j.models.MixerPlan;
import org.mohawk4j.models.ModelFolder;
import org.mohawk4j.tensor.Engine;
import org.mohawk4j.tokenizer.TokenizerJson;
import org.mohawk4j.train.checkpoint.Checkpoint;
import org.mohawk4j.train.config.AutoAttention;
import org.mohawk4j.train.config.DistillConfig;
import org.mohawk4j.train.config.DistillConfigYaml;
import org.mohawk4j.train.distributed.KeepAlive;
import org.mohawk4j.train.distributed.ProcessGroup;
import org.mohawk4j.train.loop.StopSignal;
import org.mohawk4j.train.loop.StoppedException;
import org.mohawk4j.train.loop.TrainingException;
import org.mohawk4j.train.loop.TrainingListener;
import org.mohawk4j.train.report.RunResult;
import org.mohawk4j.train.run.OutputFolder;
import org.mohawk4j.train.run.PendingInputs;
import org.mohawk4j.train.run.RunData;
import org.mohawk4j.train.run.RunFolder;
import org.mohawk4j.train.run.RunInputs;
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
 * <p>{@link #resume} resumes an interrupted run; the result is that of an uninterrupted one. A
 * teacher, texts or a tokenizer in memory need a {@link DistillationRun}.
 */
public final class Distillation {
    private static final String KEPT = "attention kept";

    private static final String OF_CONFIGURATION =
            "Every value of this run; to repeat it: Distillation.of(DistillConfigYaml.read(THIS_FILE)"
                    + ".with(Map.of(\"out\", NEW_FOLDER)))";

    private final @Nullable DistillConfig given;
    private Path folder;
    private final List<TrainingListener> listeners = new ArrayList<>();
    private final Map<String, String> environment = new LinkedHashMap<>();
    private @Nullable Mixers mixers;
    private Optional<RankStart> group = Optional.empty();
    private StopSignal stop = new StopSignal();
    private String comment = OF_CONFIGURATION;
    private Map<String, ?> changes = Map.of();
    private boolean accepts;
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

    /** Resumes an existing run from its newest valid checkpoint, or from the start if it has none. */
    public static Distillation resume(Path run) {
        return new Distillation(null, run);
    }

    /** Adds a listener, called after those added before. */
    public Distillation listener(TrainingListener another) {
        listeners.add(another);
        return this;
    }

    /** Sets the signal by which another thread stops the run after it has saved. */
    public Distillation stop(StopSignal signal) {
        stop = signal;
        return this;
    }

    /**
     * Makes this run one rank of several, with its own device. Rank 0 makes and writes the run folder, which all of them
     * read. The group is the caller's to close.
     */
    public Distillation group(ProcessGroup ranks) {
        group = Optional.of(new RankStart(ranks));
        return this;
    }

    /** Uses custom mixers instead of those that the configuration names. A resumed run needs them again. */
    public Distillation mixers(Mixers own) {
        mixers = own;
        return this;
    }

    /**
     * Changes values of the run's configuration, by key of {@code config.yaml}. A resumed run refuses changes that
     * affect results unless {@link #acceptChanges} is set.
     */
    public Distillation changes(Map<String, ?> values) {
        changes = Map.copyOf(values);
        return this;
    }

    /** Accepts a configuration, a teacher, texts or mixers that differ from those that the run was started with. */
    public Distillation acceptChanges() {
        accepts = true;
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
     * Runs the remaining stages, evaluates the student and writes the report.
     *
     * @throws InvalidInputException if an input is invalid; a new run then leaves no files, and a resumed run is
     *     unchanged
     * @throws ChangedRunException if a resumed run differs from what it was started with
     * @throws StorageException if the student cannot be written
     * @throws StoppedException if it was stopped on request
     * @throws TrainingException if training cannot continue, a checkpoint cannot be written, or another rank has failed
     */
    public RunResult run() {
        return RankStart.told(
                group.map(RankStart::group),
                () -> isFirst() ? runFirst() : follow(group.get().group()));
    }

    private FirstRank first() {
        return new FirstRank(group.map(RankStart::group));
    }

    private boolean isFirst() {
        return first().isThis();
    }

    /** The only rank, or the one that writes the folder. */
    private RunResult runFirst() {
        if (given == null) {
            ResumedRun found =
                    ResumedRun.open(folder, changes, accepts, config -> RunInputs.of(teacherFolder(config), config));
            try (RunFolder open = found.folder()) {
                group.ifPresent(rank -> FollowedRun.announce(rank.group(), open, found.from()));
                return run(found.config(), open, found.from());
            }
        }
        DistillConfig config = given.with(changes);
        try (RunFolder open = RunFolder.at(folder)) {
            if (mixers == null) {
                open.comment(comment);
            }
            group.ifPresent(rank -> FollowedRun.announce(rank.group(), open, Optional.empty()));
            return run(config, open, Optional.empty());
        }
    }

    private RunResult follow(ProcessGroup ranks) {
        FollowedRun found = FollowedRun.of(ranks);
        folder = found.folder().path();
        try (RunFolder open = found.folder()) {
            if (given == null) {
                return run(DistillConfigYaml.readRun(open.config()).with(changes), open, found.from());
            }
            return run(given.with(changes), open, Optional.empty());
        }
    }

    private RunResult run(DistillConfig asked, RunFolder open, Optional<Checkpoint> from) {
        group.ifPresent(rank -> rank.requireSame(asked));
        Path teacherFolder = teacherFolder(asked);
        ModelFolder.requireFolder("teacher", teacherFolder);
        CausalLmConfig dimensions = ModelFolder.config(teacherFolder);
        DistillationRun.requirePositions(asked, dimensions.maxPositions());
        Optional<AutoAttention> auto = asked.training().autoAttention();
        int ranked =
                auto.map(own -> LayerRanking.count(own, dimensions.layers())).orElse(0);
        if (ranked > 0 && mixers != null) {
            throw new InvalidInputException(
                    "keep-attention: expected layers beside mixers that a program gives, got " + auto.get());
        }
        Optional<RankedStudy> study = auto.flatMap(AutoAttention::study).map(RankedStudy::of);
        Optional<LayerRanking> studied = study.map(own -> LayerRanking.of(own, dimensions.layers()));
        List<Integer> first = LayerRanking.kept(asked, dimensions.layers(), studied);
        MixerPlan plan = mixers == null ? asked.student().plan(dimensions, first) : mixers.plan(asked, dimensions);
        DistillationRun.requireComparable(asked, plan, dimensions);
        TokenizerJson tokenizer = TokenizerJson.load(teacherFolder, asked.data().bos());
        tokenizer.requireRows(dimensions.vocabulary());
        if (open.inputs().isEmpty()) {
            open.reads(new PendingInputs(teacherFolder, asked));
        }
        TrainingListener listener = new TrainingListeners(isFirst() ? listeners : List.of());
        try (KeepAlive loading = KeepAlive.of(group.map(RankStart::group));
                Engine engine = group.map(rank -> rank.open(asked.machine())).orElseGet(asked.machine()::open);
                CausalLm teacher = ModelFolder.load(engine, teacherFolder)) {
            listener.onFact(
                    "teacher", asked.files().teacher().map(Path::toString).orElse("the tiny one that is shipped"));
            listener.onFact("run", open.path().toString());
            from.ifPresent(checkpoint -> listener.onFact("resumed", "after " + checkpoint.position()));
            // behind the loading, during which the teacher's files are read
            study.ifPresent(
                    own -> own.requireTeacher(open.inputs().orElseThrow().get()));
            RunData texts = RunData.of(asked, teacher, tokenizer, listener);
            listener.onFact("text", texts.description());
            DistillConfig config = auto.isEmpty()
                    ? asked
                    : withBest(
                            asked, ranked, () -> studied.orElseGet(() -> rank(asked, teacher, texts)), listener, open);
            DistillationRun run =
                    new DistillationRun(config, teacher, tokenizer, texts.training(), texts.heldOut(), open);
            run.discardTeacher();
            group.ifPresent(rank -> run.group(rank.group()));
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
            MixerPlan chosen = auto.isEmpty()
                    ? plan
                    : config.student().plan(dimensions, config.training().keepAttention());
            group.ifPresent(rank -> open.inputs().ifPresent(rank::requireSame));
            loading.close();
            return run.run(chosen, tokenizerFile, environment(engine), listener, from, stop);
        }
    }

    private static LayerRanking rank(DistillConfig config, CausalLm teacher, RunData texts) {
        return LayerRanking.of(
                config,
                teacher,
                texts.training(),
                new TokenWindows(
                        texts.heldOut()
                                .requireVocabulary(
                                        Math.toIntExact(teacher.config().vocabulary())),
                        config.training().context()));
    }

    /** From here on the run is one whose layers were given, in its folder as well. */
    private DistillConfig withBest(
            DistillConfig config,
            int count,
            Supplier<LayerRanking> ranking,
            TrainingListener listener,
            RunFolder open) {
        List<Integer> best = first().layers(() -> {
            LayerRanking found = ranking.get();
            String fact = found.best(count) + "; nats that each layer's attention recovers: " + found;
            environment.put(KEPT, fact);
            open.comment(comment + " " + KEPT + ": " + fact);
            listener.onFact("attention", fact);
            return found.best(count);
        });
        return config.toBuilder().keepAttention(best.toArray(Integer[]::new)).build();
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
