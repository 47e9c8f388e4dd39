package org.mohawk4j.train;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.SplittableRandom;
import java.util.function.Function;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.mohawk4j.backend.BackendOptions;
import org.mohawk4j.data.Dataset;
import org.mohawk4j.data.TokenSequence;
import org.mohawk4j.mixer.DiscreteMamba2;
import org.mohawk4j.mixer.MixerConfig;
import org.mohawk4j.models.CausalLm;
import org.mohawk4j.models.CausalLmConfig;
import org.mohawk4j.models.MixerPlan;
import org.mohawk4j.models.ModelFolder;
import org.mohawk4j.tensor.Engine;
import org.mohawk4j.tokenizer.Tokenizer;
import org.mohawk4j.train.checkpoint.Checkpoint;
import org.mohawk4j.train.config.DistillConfig;
import org.mohawk4j.train.distributed.ProcessGroup;
import org.mohawk4j.train.loop.StopSignal;
import org.mohawk4j.train.loop.TrainingListener;
import org.mohawk4j.train.metrics.MetricsReader;
import org.mohawk4j.train.metrics.StepMetrics;
import org.mohawk4j.train.report.RunResult;
import org.mohawk4j.train.run.RunFolder;

/** A run of four steps in each stage from a golden teacher, on random tokens. */
final class TinyRun {
    static final int STEPS = 4;

    /** Of one step in each of the three stages. */
    static final int TOKENS_OF_STAGES = 3 * 4 * 16;

    private static final Path GOLDEN = Path.of(System.getProperty("mohawk.golden", "../src/test/golden"));
    private static final int VOCABULARY = 128;

    private final Path folder;
    private final DistillConfig config;
    private volatile Path tokenizerFile = Path.of("none");
    private Function<MixerConfig, MixerConfig> mixer = own -> new DiscreteMamba2.Config(32, 4, 4, 16, 4, 16);
    private boolean isConfigured;
    private Tokenizer tokenizer = new Numbers();
    private boolean writesSamples;
    private Function<Engine, CausalLm> teacher = TinyRun::goldenTeacher;
    private Dataset text = Dataset.of(tokens(1, 900));

    /** From Phi. */
    TinyRun(Path folder, Map<String, ?> changes) {
        this(folder, changes, List.of());
    }

    TinyRun(Path folder, Map<String, ?> changes, MixerConfig mixer, List<Integer> keptLayers) {
        this(folder, changes, keptLayers);
        this.mixer = own -> mixer;
    }

    private TinyRun(Path folder, Map<String, ?> changes, List<Integer> keptLayers) {
        this.folder = folder;
        this.config = DistillConfig.defaults()
                .with(Map.of("report", false))
                .with(Map.of(
                        "tokens", STEPS * TOKENS_OF_STAGES,
                        "split", List.of(1.0 / 3, 1.0 / 3, 1.0 / 3),
                        "context", 16,
                        "batch", 4,
                        "accumulate", 2,
                        "threads", 1,
                        "evaluation.windows", 1,
                        "checkpoint.every", 3))
                .with(Map.of("keep-attention", keptLayers))
                .with(changes);
    }

    /** What the run copies beside its student. */
    Path tokenizerFile() {
        return tokenizerFile;
    }

    /** With the mixers that the configuration names. */
    TinyRun withConfiguredMixers() {
        isConfigured = true;
        return this;
    }

    /** With another mixer in each layer. */
    TinyRun withMixer(Function<MixerConfig, MixerConfig> replacement) {
        mixer = replacement;
        return this;
    }

    /** Also writes sample texts of teacher and student, which takes as long as some steps. */
    TinyRun withSamples() {
        writesSamples = true;
        return this;
    }

    TinyRun withTokenizer(Tokenizer other) {
        tokenizer = other;
        return this;
    }

    /** With a teacher of the golden one's width and vocabulary. */
    TinyRun withTeacher(Function<Engine, CausalLm> other) {
        teacher = other;
        return this;
    }

    TinyRun withText(Dataset other) {
        text = other;
        return this;
    }

    static CausalLm goldenTeacher(Engine engine) {
        return ModelFolder.load(engine, GOLDEN.resolve("teacher"));
    }

    static CausalLmConfig golden() {
        return ModelFolder.config(GOLDEN.resolve("teacher"));
    }

    /** From a Llama with a tied head, into a hybrid whose layer 1 keeps its attention. */
    static TinyRun hybridOfLlama(Path folder) {
        Path teacher = GOLDEN.resolveSibling("golden-families").resolve("llama-tied/teacher");
        return new TinyRun(folder, Map.of("keep-attention", List.of(1)))
                .withTeacher(engine -> ModelFolder.load(engine, teacher));
    }

    /** From a golden teacher of another family, likewise, in its heads' own width. */
    static TinyRun hybridOf(String family, Path folder) {
        Path teacher = GOLDEN.resolveSibling("golden-families").resolve(family + "/teacher");
        return hybridOfLlama(folder)
                .withTeacher(engine -> ModelFolder.load(engine, teacher))
                .withMixer(own -> new DiscreteMamba2.Config(32, own.innerWidth(), 4, 2, 16, 4, 16));
    }

    Path folder() {
        return folder;
    }

    DistillConfig config() {
        return config;
    }

    RunResult start(TrainingListener listener, StopSignal stop) throws IOException {
        try (RunFolder run = RunFolder.at(folder)) {
            return run(config, run, Optional.empty(), listener, stop);
        }
    }

    RunResult start() throws IOException {
        return start(new TrainingListener() {}, new StopSignal());
    }

    RunResult resume(TrainingListener listener, StopSignal stop) throws IOException {
        ResumedRun resumed = ResumedRun.open(folder, Map.of(), false);
        try (RunFolder run = resumed.folder()) {
            return run(resumed.config(), run, resumed.from(), listener, stop);
        }
    }

    RunResult resume() throws IOException {
        return resume(new TrainingListener() {}, new StopSignal());
    }

    /** One rank's part, from the start or from the newest checkpoint. */
    RunResult run(ProcessGroup group, boolean resumed, TrainingListener listener, StopSignal stop) throws IOException {
        if (group.rank() > 0) {
            FollowedRun found = FollowedRun.of(group);
            try (RunFolder run = found.folder()) {
                return run(config, run, found.from(), listener, stop, Optional.of(group));
            }
        }
        if (resumed) {
            ResumedRun found = ResumedRun.open(folder, Map.of(), false);
            try (RunFolder run = found.folder()) {
                FollowedRun.announce(group, run, found.from());
                return run(found.config(), run, found.from(), listener, stop, Optional.of(group));
            }
        }
        try (RunFolder run = RunFolder.at(folder)) {
            FollowedRun.announce(group, run, Optional.empty());
            return run(config, run, Optional.empty(), listener, stop, Optional.of(group));
        }
    }

    RunResult run(
            DistillConfig given, RunFolder run, Optional<Checkpoint> from, TrainingListener listener, StopSignal stop)
            throws IOException {
        return run(given, run, from, listener, stop, Optional.empty());
    }

    private RunResult run(
            DistillConfig given,
            RunFolder run,
            Optional<Checkpoint> from,
            TrainingListener listener,
            StopSignal stop,
            Optional<ProcessGroup> group)
            throws IOException {
        // a file for each rank
        Path beside = Files.writeString(Files.createTempFile("tokenizer", ".json"), " ".repeat(2000));
        tokenizerFile = beside;
        try (Engine engine = Engine.open(
                        "nd4j",
                        BackendOptions.defaults().withThreads(given.machine().threads()));
                CausalLm model = teacher.apply(engine)) {
            MixerPlan plan = isConfigured
                    ? given.student().plan(model.config(), given.training().keepAttention())
                    : MixerPlan.replacing(
                            model.config(), mixer, given.training().keepAttention());
            DistillationRun distillation = new DistillationRun(given, model, tokenizer, text, tokens(2, 40), run);
            group.ifPresent(distillation::group);
            if (!writesSamples) {
                distillation.withoutSamples();
            }
            return distillation.run(plan, beside, Map.of(), listener, from, stop);
        } finally {
            Files.deleteIfExists(beside);
        }
    }

    static TokenSequence tokens(long seed, int count) {
        return TokenSequence.of(
                "random", new SplittableRandom(seed).ints(count, 0, VOCABULARY).toArray());
    }

    /** The metrics without what is measured in time and memory. */
    List<StepMetrics> losses() {
        return MetricsReader.read(folder.resolve("metrics.jsonl")).stream()
                .map(step -> new StepMetrics(
                        step.position(),
                        step.tokens(),
                        0,
                        step.loss(),
                        step.layerLosses(),
                        step.learningRate(),
                        step.gradientNorm(),
                        Map.of()))
                .toList();
    }

    byte[] student() throws IOException {
        return Files.readAllBytes(folder.resolve("student/model.safetensors"));
    }

    /** Ids as their decimals, a space between two. */
    static class Numbers implements Tokenizer {
        @Override
        public int[] encode(String text) {
            return text.chars().map(c -> c % VOCABULARY).toArray();
        }

        @Override
        public String decode(int... ids) {
            return IntStream.of(ids).mapToObj(String::valueOf).collect(Collectors.joining(" "));
        }

        @Override
        public int vocabularySize() {
            return VOCABULARY;
        }

        @Override
        public OptionalInt endOfText() {
            return OptionalInt.empty();
        }
    }
}
