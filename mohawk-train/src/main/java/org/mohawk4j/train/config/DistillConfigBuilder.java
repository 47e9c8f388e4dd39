package org.mohawk4j.train.config;

import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.function.UnaryOperator;
import org.mohawk4j.data.source.Mixture;

/**
 * Builds a {@link DistillConfig}: values that are not given stay as they are. What the values mean is said in the sections;
 * {@link #build} checks them.
 */
public final class DistillConfigBuilder {
    private Optional<Path> teacher;
    private Optional<Mixture> text;
    private Optional<Mixture> valid;
    private Optional<Path> out;
    private boolean report;
    private long tokens;
    private int context;
    private int batch;
    private int accumulate;
    private List<Integer> keepAttention;
    private List<String> freeze;
    private long seed;
    private List<StageConfig> stages;
    private int threads;
    private String backend;
    private int device;
    private Precision dtype;
    private StudentConfig student;
    private OptimizerConfig optimizer;
    private ScheduleConfig schedule;
    private HiddenStateConfig hiddenStates;
    private DistillationConfig distillation;
    private EvaluationConfig evaluation;
    private DataConfig data;
    private CheckpointConfig checkpoint;
    private FaultConfig faults;

    DistillConfigBuilder(DistillConfig from) {
        teacher = from.files().teacher();
        text = from.files().text();
        valid = from.files().valid();
        out = from.files().out();
        report = from.files().report();
        tokens = from.training().tokens();
        context = from.training().context();
        batch = from.training().batch();
        accumulate = from.training().accumulate();
        keepAttention = from.training().keepAttention();
        freeze = from.training().freeze();
        seed = from.training().seed();
        stages = from.training().stages();
        threads = from.machine().threads();
        backend = from.machine().backend();
        device = from.machine().device();
        dtype = from.machine().dtype();
        student = from.student();
        optimizer = from.learning().optimizer();
        schedule = from.learning().schedule();
        hiddenStates = from.learning().hiddenStates();
        distillation = from.learning().distillation();
        evaluation = from.evaluation();
        data = from.data();
        checkpoint = from.recovery().checkpoint();
        faults = from.recovery().faults();
    }

    /** The folder of the teacher, instead of the tiny one that is shipped. */
    public DistillConfigBuilder teacher(Path folder) {
        teacher = Optional.of(folder);
        return this;
    }

    /** Files, folders and patterns to train on, each perhaps with a weight behind {@code =}. */
    public DistillConfigBuilder text(String... locations) {
        text = Optional.of(new Mixture(List.of(locations)));
        return this;
    }

    /** Files, folders and patterns to evaluate on, instead of the end of the text. */
    public DistillConfigBuilder valid(String... locations) {
        valid = Optional.of(new Mixture(List.of(locations)));
        return this;
    }

    /** The run folder, new or empty. */
    public DistillConfigBuilder out(Path folder) {
        out = Optional.of(folder);
        return this;
    }

    /** Whether to write the HTML report. */
    public DistillConfigBuilder report(boolean wanted) {
        report = wanted;
        return this;
    }

    /** The budget of all stages that have none of their own. */
    public DistillConfigBuilder tokens(long budget) {
        tokens = budget;
        return this;
    }

    /** T, tokens that a window predicts. */
    public DistillConfigBuilder context(int length) {
        context = length;
        return this;
    }

    /** B, windows in a step. */
    public DistillConfigBuilder batch(int windows) {
        batch = windows;
        return this;
    }

    /** Micro-batches that a batch is taken in. */
    public DistillConfigBuilder accumulate(int parts) {
        accumulate = parts;
        return this;
    }

    /** Layers, from 0, in which the student keeps the teacher's attention. */
    public DistillConfigBuilder keepAttention(Integer... layers) {
        keepAttention = List.of(layers);
        return this;
    }

    /** Names of parameters that no stage trains, where {@code *} stands for anything. */
    public DistillConfigBuilder freeze(String... patterns) {
        freeze = List.of(patterns);
        return this;
    }

    /** Of everything random. */
    public DistillConfigBuilder seed(long number) {
        seed = number;
        return this;
    }

    /** The stages, one after the other. */
    public DistillConfigBuilder stages(StageConfig... list) {
        stages = List.of(list);
        return this;
    }

    /** Of the CPU; 0: as many as the backend finds. */
    public DistillConfigBuilder threads(int count) {
        threads = count;
        return this;
    }

    /** {@code auto} or the name of a backend. */
    public DistillConfigBuilder backend(String name) {
        backend = name;
        return this;
    }

    /** Which of the backend's devices, from 0. */
    public DistillConfigBuilder device(int index) {
        device = index;
        return this;
    }

    /** What the run computes in. */
    public DistillConfigBuilder dtype(Precision type) {
        dtype = type;
        return this;
    }

    /** Changes the student's mixers. */
    public DistillConfigBuilder student(UnaryOperator<StudentConfig> change) {
        student = change.apply(student);
        return this;
    }

    /** Changes the optimizer. */
    public DistillConfigBuilder optimizer(UnaryOperator<OptimizerConfig> change) {
        optimizer = change.apply(optimizer);
        return this;
    }

    /** Changes the learning rate along each stage. */
    public DistillConfigBuilder schedule(UnaryOperator<ScheduleConfig> change) {
        schedule = change.apply(schedule);
        return this;
    }

    /** Changes hidden-state alignment. */
    public DistillConfigBuilder hiddenStates(UnaryOperator<HiddenStateConfig> change) {
        hiddenStates = change.apply(hiddenStates);
        return this;
    }

    /** Changes knowledge distillation. */
    public DistillConfigBuilder distillation(UnaryOperator<DistillationConfig> change) {
        distillation = change.apply(distillation);
        return this;
    }

    /** Changes the evaluation. */
    public DistillConfigBuilder evaluation(UnaryOperator<EvaluationConfig> change) {
        evaluation = change.apply(evaluation);
        return this;
    }

    /** Changes how texts are read. */
    public DistillConfigBuilder data(UnaryOperator<DataConfig> change) {
        data = change.apply(data);
        return this;
    }

    /** Changes when the run is saved. */
    public DistillConfigBuilder checkpoint(UnaryOperator<CheckpointConfig> change) {
        checkpoint = change.apply(checkpoint);
        return this;
    }

    /** Changes what becomes of losses that jump. */
    public DistillConfigBuilder faults(UnaryOperator<FaultConfig> change) {
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
                new TrainingConfig(tokens, context, batch, accumulate, keepAttention, freeze, seed, stages),
                new MachineConfig(threads, backend, device, dtype),
                student,
                new LearningConfig(optimizer, schedule, hiddenStates, distillation),
                evaluation,
                data,
                new RecoveryConfig(checkpoint, faults));
    }
}
