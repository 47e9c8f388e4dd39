package org.mohawk4j.train.config;

import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.UnaryOperator;
import org.mohawk4j.InvalidInputException;
import org.mohawk4j.data.source.Mixture;
import org.mohawk4j.train.config.MachineConfig.LayerwiseParallelism;
import org.mohawk4j.train.config.MachineConfig.Precision;
import org.mohawk4j.train.yaml.Ranges;

/**
 * The configuration of a distillation, in sections. {@link #defaults} and its like in the sections are the only place
 * where a default value stands; a {@link Builder} replaces some of them.
 *
 * <p>Read from and written to YAML by {@link DistillConfigYaml}, with the names of components in kebab case as keys. The
 * values of {@code files}, {@code training}, {@code machine}, {@code learning} and {@code recovery} stand there without
 * the section's name.
 *
 * <p>Every constructor refuses a value out of range with an {@link InvalidInputException} of one line naming the key, the
 * expected and the actual.
 */
public record DistillConfig(
        FilesConfig files,
        TrainingConfig training,
        MachineConfig machine,
        StudentConfig student,
        LearningConfig learning,
        EvaluationConfig evaluation,
        DataConfig data,
        RecoveryConfig recovery) {
    /** Checks what depends on the stages of a run. */
    public DistillConfig {
        for (int i = 0; i < training.stages().size(); i++) {
            StageConfig stage = training.stages().get(i);
            ScheduleConfig schedule = ActiveStage.schedule(i, stage, learning.schedule());
            Ranges.require(
                    !stage.auto() || schedule.kind() == ScheduleConfig.Kind.WARMUP_STABLE_DECAY,
                    ActiveStage.key(i) + ".schedule.kind",
                    "warmup-stable-decay with tokens auto",
                    "cosine");
        }
        Ranges.require(
                machine.parallelism() != LayerwiseParallelism.LAYER
                        || training.stages().stream()
                                .anyMatch(stage ->
                                        stage.takesSteps() && stage.objective().isLayerwise()),
                "parallelism",
                "data, since only stages that align layers can divide them among ranks and none of them takes steps",
                "layer");
    }

    /** The defaults, before anything that a user says. */
    public static DistillConfig defaults() {
        return new DistillConfig(
                FilesConfig.defaults(),
                TrainingConfig.defaults(),
                MachineConfig.defaults(),
                StudentConfig.defaults(),
                LearningConfig.defaults(),
                EvaluationConfig.defaults(),
                DataConfig.defaults(),
                RecoveryConfig.defaults());
    }

    /** A builder that begins with the defaults. */
    public static Builder builder() {
        return defaults().toBuilder();
    }

    /** A builder that begins with this configuration. */
    public Builder toBuilder() {
        return new Builder(this);
    }

    /**
     * This configuration with some values replaced, as a command line does.
     *
     * @param values by key of the YAML; {@code student.state-size} reaches into a section; a list replaces a list as a
     *     whole
     * @throws InvalidInputException for an unknown key, a wrong type or a value out of range
     */
    public DistillConfig with(Map<String, ?> values) {
        return DistillConfigYaml.with(this, values);
    }

    /**
     * The stages that take steps, in order, of which there is one at least.
     *
     * @throws InvalidInputException if the run's tokens do not reach for one step of each
     */
    public List<ActiveStage> activeStages() {
        return ActiveStage.of(training, learning.schedule());
    }

    /** Whether a stage ends when its held-out loss hardly improves. */
    public boolean isAuto(ActiveStage stage) {
        return training.stages().get(stage.number() - 1).auto();
    }

    /** The last stage that takes steps. */
    public ActiveStage lastStage() {
        List<ActiveStage> active = activeStages();
        return active.get(active.size() - 1);
    }

    /** Whether ranks divide the layers of a stage instead of its windows. */
    public boolean dividesLayers(ActiveStage stage, int ranks) {
        return machine.dividesLayers(stage, ranks, training.accumulate());
    }

    /** Whether ranks divide the layers of any stage. */
    public boolean dividesLayers(int ranks) {
        return activeStages().stream().anyMatch(stage -> dividesLayers(stage, ranks));
    }

    /**
     * Builds a {@link DistillConfig}: values that are not given stay as they are. What the values mean is said in the sections;
     * {@link #build} checks them.
     */
    public static final class Builder {
        private Optional<Path> teacher;
        private Optional<Mixture> text;
        private Optional<Mixture> valid;
        private Optional<Path> out;
        private boolean report;
        private long tokens;
        private int context;
        private int batch;
        private int accumulate;
        private TrainingConfig.KeptAttention kept;
        private List<String> freeze;
        private long seed;
        private List<StageConfig> stages;
        private int threads;
        private String backend;
        private int device;
        private Precision dtype;
        private int gpus;
        private boolean shardParameters;
        private LayerwiseParallelism parallelism;
        private StudentConfig student;
        private OptimizerConfig optimizer;
        private ScheduleConfig schedule;
        private HiddenStateConfig hiddenStates;
        private DistillationConfig distillation;
        private AutoTokensConfig autoTokens;
        private EvaluationConfig evaluation;
        private DataConfig data;
        private CheckpointConfig checkpoint;
        private FaultConfig faults;

        Builder(DistillConfig from) {
            teacher = from.files().teacher();
            text = from.files().text();
            valid = from.files().valid();
            out = from.files().out();
            report = from.files().report();
            tokens = from.training().tokens();
            context = from.training().context();
            batch = from.training().batch();
            accumulate = from.training().accumulate();
            kept = from.training().kept();
            freeze = from.training().freeze();
            seed = from.training().seed();
            stages = from.training().stages();
            threads = from.machine().threads();
            backend = from.machine().backend();
            device = from.machine().device();
            dtype = from.machine().dtype();
            gpus = from.machine().gpus();
            shardParameters = from.machine().shardParameters();
            parallelism = from.machine().parallelism();
            student = from.student();
            optimizer = from.learning().optimizer();
            schedule = from.learning().schedule();
            hiddenStates = from.learning().hiddenStates();
            distillation = from.learning().distillation();
            autoTokens = from.learning().autoTokens();
            evaluation = from.evaluation();
            data = from.data();
            checkpoint = from.recovery().checkpoint();
            faults = from.recovery().faults();
        }

        /** The folder of the teacher, instead of the tiny one that is shipped. */
        public Builder teacher(Path folder) {
            teacher = Optional.of(folder);
            return this;
        }

        /** Files, folders and patterns to train on, each perhaps with a weight behind {@code =}. */
        public Builder text(String... locations) {
            text = Optional.of(new Mixture(List.of(locations)));
            return this;
        }

        /** Files, folders and patterns to evaluate on, instead of the end of the text. */
        public Builder valid(String... locations) {
            valid = Optional.of(new Mixture(List.of(locations)));
            return this;
        }

        /** The run folder, new or empty. */
        public Builder out(Path folder) {
            out = Optional.of(folder);
            return this;
        }

        /** Whether to write the HTML report. */
        public Builder report(boolean wanted) {
            report = wanted;
            return this;
        }

        /** The budget of all stages that have none of their own. */
        public Builder tokens(long budget) {
            tokens = budget;
            return this;
        }

        /** T, tokens that a window predicts. */
        public Builder context(int length) {
            context = length;
            return this;
        }

        /** B, windows in a step. */
        public Builder batch(int windows) {
            batch = windows;
            return this;
        }

        /** Micro-batches that a batch is taken in. */
        public Builder accumulate(int parts) {
            accumulate = parts;
            return this;
        }

        /** Layers, from 0, in which the student keeps the teacher's attention. */
        public Builder keepAttention(Integer... layers) {
            kept = new TrainingConfig.KeptAttention(List.of(layers), Optional.empty());
            return this;
        }

        /** Layers in which the student keeps the teacher's attention, by a ranking. */
        public Builder keepAttention(AutoAttention ranked) {
            kept = new TrainingConfig.KeptAttention(List.of(), Optional.of(ranked));
            return this;
        }

        /** Names of parameters that no stage trains, where {@code *} stands for anything. */
        public Builder freeze(String... patterns) {
            freeze = List.of(patterns);
            return this;
        }

        /** Of everything random. */
        public Builder seed(long number) {
            seed = number;
            return this;
        }

        /** The stages, one after the other. */
        public Builder stages(StageConfig... list) {
            stages = List.of(list);
            return this;
        }

        /** Of the CPU; 0: as many as the backend finds. */
        public Builder threads(int count) {
            threads = count;
            return this;
        }

        /** {@code auto} or the name of a backend. */
        public Builder backend(String name) {
            backend = name;
            return this;
        }

        /** How many GPUs of one machine the command takes. */
        public Builder gpus(int count) {
            gpus = count;
            return this;
        }

        /** Whether ranks divide the student's parameters. */
        public Builder shardParameters(boolean divided) {
            shardParameters = divided;
            return this;
        }

        /** What ranks divide among themselves in stages that align layers. */
        public Builder parallelism(LayerwiseParallelism divided) {
            parallelism = divided;
            return this;
        }

        /** Which of the backend's devices, from 0. */
        public Builder device(int index) {
            device = index;
            return this;
        }

        /** What the run computes in. */
        public Builder dtype(Precision type) {
            dtype = type;
            return this;
        }

        /** Changes the student's mixers. */
        public Builder student(UnaryOperator<StudentConfig> change) {
            student = change.apply(student);
            return this;
        }

        /** Changes the optimizer. */
        public Builder optimizer(UnaryOperator<OptimizerConfig> change) {
            optimizer = change.apply(optimizer);
            return this;
        }

        /** Changes the learning rate along each stage. */
        public Builder schedule(UnaryOperator<ScheduleConfig> change) {
            schedule = change.apply(schedule);
            return this;
        }

        /** Changes hidden-state alignment. */
        public Builder hiddenStates(UnaryOperator<HiddenStateConfig> change) {
            hiddenStates = change.apply(hiddenStates);
            return this;
        }

        /** Changes knowledge distillation. */
        public Builder distillation(UnaryOperator<DistillationConfig> change) {
            distillation = change.apply(distillation);
            return this;
        }

        /** Changes when stages with {@code tokens: auto} end. */
        public Builder autoTokens(UnaryOperator<AutoTokensConfig> change) {
            autoTokens = change.apply(autoTokens);
            return this;
        }

        /** Changes the evaluation. */
        public Builder evaluation(UnaryOperator<EvaluationConfig> change) {
            evaluation = change.apply(evaluation);
            return this;
        }

        /** Changes how texts are read. */
        public Builder data(UnaryOperator<DataConfig> change) {
            data = change.apply(data);
            return this;
        }

        /** Changes when the run is saved. */
        public Builder checkpoint(UnaryOperator<CheckpointConfig> change) {
            checkpoint = change.apply(checkpoint);
            return this;
        }

        /** Changes what becomes of losses that jump. */
        public Builder faults(UnaryOperator<FaultConfig> change) {
            faults = change.apply(faults);
            return this;
        }

        /**
         * The configuration.
         *
         * @throws org.mohawk4j.InvalidInputException for a value out of range
         */
        public DistillConfig build() {
            return new DistillConfig(
                    new FilesConfig(teacher, text, valid, out, report),
                    new TrainingConfig(tokens, context, batch, accumulate, kept, freeze, seed, stages),
                    new MachineConfig(threads, backend, device, dtype, gpus, shardParameters, parallelism),
                    student,
                    new LearningConfig(optimizer, schedule, hiddenStates, distillation, autoTokens),
                    evaluation,
                    data,
                    new RecoveryConfig(checkpoint, faults));
        }
    }
}
