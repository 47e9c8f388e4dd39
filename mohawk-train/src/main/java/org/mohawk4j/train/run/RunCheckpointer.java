package org.mohawk4j.train.run;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.function.BooleanSupplier;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import org.mohawk4j.InvalidInputException;
import org.mohawk4j.data.DataLoader;
import org.mohawk4j.models.CausalLm;
import org.mohawk4j.models.ModelFolder;
import org.mohawk4j.tensor.Tensor;
import org.mohawk4j.tensor.types.HostSource;
import org.mohawk4j.tensor.types.HostTensor;
import org.mohawk4j.tensor.types.Shape;
import org.mohawk4j.train.checkpoint.Checkpoint;
import org.mohawk4j.train.checkpoint.CheckpointStore;
import org.mohawk4j.train.checkpoint.Position;
import org.mohawk4j.train.config.ActiveStage;
import org.mohawk4j.train.config.DistillConfig;
import org.mohawk4j.train.config.DistillConfigYaml;
import org.mohawk4j.train.loop.Parallelism;
import org.mohawk4j.train.loop.StageState;
import org.mohawk4j.train.loop.StepBoundary;
import org.mohawk4j.train.loop.StopSignal;
import org.mohawk4j.train.loop.StoppedException;
import org.mohawk4j.train.loop.TrainingException;
import org.mohawk4j.train.report.MatrixProbe;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Saves a run between its steps, and puts it back: when a checkpoint is due, when the run is asked to stop, when a spike
 * rolls it back. What is saved is copied to the host on the training thread and written while training goes on; a
 * checkpoint that falls due while one is being written waits for a later step.
 */
public final class RunCheckpointer implements StepBoundary, AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(RunCheckpointer.class);
    private static final String STUDENT = "student";
    private static final String OPTIMIZER = "optimizer";
    private static final String SUFFIX = ".safetensors";
    private static final String MATRICES = "matrices.safetensors";
    private static final String CONFIG = "config";
    private static final String MIXERS = "mixers";
    private static final String BACKEND = "backend";
    private static final String TRAINING = "training";
    private static final String FILES = "files";
    private static final double NANOS_A_MINUTE = 60e9;

    /** Spikes that roll back to one checkpoint; the next one ends the run. */
    private static final int MOST_ROLL_BACKS = 3;

    /** The last update before a checkpoint may have spoilt the weights, which the next step shows: one more stays. */
    private static final int LEAST_KEPT = 2;

    private final DistillConfig config;
    private final RunFolder folder;
    private final RunRecorder recorder;
    private final CausalLm student;
    private final MatrixProbe probe;
    private final Parallelism ranks;
    private final BooleanSupplier stopping;
    private final BooleanSupplier overdue;
    private final CheckpointStore store;
    private final CheckpointWriter writer;
    private @Nullable Position saved;

    /** The last step that was finite: checkpoints before it are known to be good. */
    private @Nullable Position finite;

    private boolean unretired;
    private boolean due;
    private long savedAt = System.nanoTime();
    private int rollBacks;

    public RunCheckpointer(
            DistillConfig config,
            RunFolder folder,
            RunRecorder recorder,
            CausalLm student,
            MatrixProbe probe,
            StopSignal stop,
            Parallelism ranks) {
        this.config = config;
        this.folder = folder;
        this.recorder = recorder;
        this.student = student;
        this.probe = probe;
        this.ranks = ranks;
        this.stopping = ranks.agreed("stop", stop::isRequested);
        this.overdue = ranks.agreed("a checkpoint is overdue", this::isOverdue);
        this.store = new CheckpointStore(folder.checkpoints());
        this.writer = new CheckpointWriter(store, ranks);
    }

    /** Puts everything back but the stage's state, for which see {@link #restore(StageState, Checkpoint)}. */
    void resume(Checkpoint from, DataLoader batches) throws IOException {
        ObjectNode state = from.state();
        String before = state.path(BACKEND).asText();
        String now = student.engine().backend().name();
        if (!before.equals(now)) {
            LOG.warn("the run was on {} and is resumed on {}: its numbers will differ by rounding", before, now);
        }
        Map<String, HostTensor> pictures = from.tensors(MATRICES);
        probe.restore(MatrixProbe.START, pictures);
        if (probe.pictures(MatrixProbe.START).isEmpty()) {
            // a checkpoint of before they were kept, when a student could still be made anew as it started
            probe.captureStudent(MatrixProbe.START);
        }
        loadStudent(from);
        batches.restore(state.withObjectProperty(TRAINING).withObjectProperty("data"));
        for (int stage = 1; stage < from.position().stage(); stage++) {
            probe.restore(MatrixProbe.afterStage(stage), pictures);
        }
        if (ranks.rank() == 0) {
            store.clearBehind(from.position());
        }
        recorder.resume(state.withObjectProperty(FILES));
        saved = from.position();
        finite = saved;
    }

    /** Takes up a run that has trained its student and left no checkpoint: what there is of it stays. */
    public void resumeTrained() throws IOException {
        ModelFolder.restore(student, folder.student());
        recorder.resume(recorder.lengthsOnDisk());
    }

    /** Starts over in a folder whose run was ended before its first checkpoint. */
    public void startOver() throws IOException {
        if (ranks.rank() == 0) {
            folder.dropStaleStudent();
            store.clearBehind(new Position(0, 0));
        }
        recorder.resume(JsonNodeFactory.instance.objectNode());
    }

    /** Puts the state of a checkpoint's stage back. */
    void restore(StageState state, Checkpoint from) {
        Map<String, HostSource> moments = from.joined(files(OPTIMIZER));
        student.parameters().forEach((name, parameter) -> {
            if (state.ranks().holder(parameter) == Parallelism.Holder.OTHER) {
                moments.keySet().removeIf(key -> key.startsWith(name + "."));
            }
        });
        state.restore(from.position(), from.state().withObjectProperty(TRAINING), moments);
    }

    private void loadStudent(Checkpoint from) {
        Map<String, HostSource> values = from.joined(files(STUDENT));
        student.parameters().forEach((name, parameter) -> {
            HostSource value = values.get(name);
            Shape shape = parameter.shape();
            // parts are flat
            boolean fits = value != null
                    && (value.shape().equals(shape) || value.shape().equals(Shape.of(shape.size())));
            if (value == null || !fits) {
                throw new InvalidInputException(from.folder().resolve(STUDENT + SUFFIX) + ": tensor " + name
                        + ": expected shape " + shape + ", found " + (value == null ? "none" : value.shape()));
            }
            parameter.set(HostSource.joined(shape, List.of(value)));
        });
    }

    private static Pattern files(String what) {
        return Pattern.compile(what + "(-\\d+-of-\\d+)?" + Pattern.quote(SUFFIX));
    }

    @Override
    public boolean isStopping() {
        return stopping.getAsBoolean();
    }

    @Override
    public void between(StageState state) {
        try {
            if (stopping.getAsBoolean()) {
                throw stopped(state);
            }
            writer.check();
            due |= isDueBySteps(state);
            if (state.guard().isFinite()) {
                finite = state.position();
                if (folder.hasBegun()) {
                    saveOrRetire(state);
                }
            }
        } catch (IOException e) {
            throw failed(e);
        }
    }

    /**
     * A checkpoint that is due by steps waits until the one before it is written: a roll-back goes to it, so where it is
     * must not depend on the speed of a disk.
     */
    private void saveOrRetire(StageState state) throws IOException {
        if (due) {
            writer.await();
            save(state);
        } else if (!writer.isBusy() && !state.position().equals(saved)) {
            if (overdue.getAsBoolean()) {
                save(state);
            } else if (unretired) {
                writer.retain(config.recovery().checkpoint().keep());
                unretired = false;
            }
        }
    }

    private boolean isDueBySteps(StageState state) {
        int every = config.recovery().checkpoint().every();
        return every > 0 && state.step() % every == 0 && !state.position().equals(saved);
    }

    private boolean isOverdue() {
        double minutes = config.recovery().checkpoint().minutes();
        return minutes > 0 && System.nanoTime() - savedAt >= minutes * NANOS_A_MINUTE;
    }

    private StoppedException stopped(StageState state) throws IOException {
        writer.await();
        if (!folder.hasBegun()) {
            return new StoppedException("stopped before the first step; there is nothing to resume", false);
        }
        if (!state.position().equals(saved)) {
            save(state);
            writer.await();
        }
        return new StoppedException("stopped at " + state.position(), true);
    }

    /**
     * After the last step of the last stage: if there are checkpoints, this place becomes one, so that what is left can be
     * done again without training. A disk that has no room for it may have some for the student, a third as large.
     */
    void finish(StageState state) {
        try {
            writer.await();
            if (writer.hasCheckpoints() && !state.position().equals(saved)) {
                save(state);
                writer.await();
            }
        } catch (IOException e) {
            LOG.warn("the last step is not saved as a checkpoint: {}", e.getMessage());
        }
    }

    private void save(StageState state) throws IOException {
        Position position = state.position();
        // among steps that are not finite, where a run is saved only because it ends, nothing is given up for it
        int keep = state.guard().isFinite()
                ? Math.max(LEAST_KEPT, config.recovery().checkpoint().keep())
                : Integer.MAX_VALUE;
        writer.write(position, contents(state), recorder.files(), keep);
        if (!position.equals(saved)) {
            rollBacks = 0;
        }
        saved = position;
        due = false;
        unretired = keep > config.recovery().checkpoint().keep();
        savedAt = System.nanoTime();
    }

    /** What this rank writes: its parts, and rank 0 everything that all ranks have. */
    private CheckpointWriter.Contents contents(StageState state) {
        Map<String, Tensor> parts = new LinkedHashMap<>();
        Map<String, Tensor> values = new LinkedHashMap<>();
        student.parameters().forEach((name, parameter) -> {
            switch (state.ranks().holder(parameter)) {
                case ALL -> values.put(name, parameter.kept());
                case THIS -> parts.put(name, parameter.kept());
                case OTHER -> {}
            }
        });
        Map<String, Map<String, Tensor>> arrays = new LinkedHashMap<>();
        arrays.put(ofRank(OPTIMIZER), state.optimizer().moments());
        if (!parts.isEmpty()) {
            arrays.put(ofRank(STUDENT), parts);
        }
        if (ranks.rank() > 0) {
            return new CheckpointWriter.Contents(JsonNodeFactory.instance.objectNode(), arrays, Map.of());
        }
        arrays.put(STUDENT + SUFFIX, values);
        Map<String, HostTensor> pictures = new LinkedHashMap<>(probe.pictures(MatrixProbe.START));
        for (int stage = 1; stage < state.stage(); stage++) {
            pictures.putAll(probe.pictures(MatrixProbe.afterStage(stage)));
        }
        return new CheckpointWriter.Contents(describe(state), arrays, Map.of(MATRICES, pictures));
    }

    private String ofRank(String what) {
        return ranks.size() == 1
                ? what + SUFFIX
                : String.format(Locale.ROOT, "%s-%05d-of-%05d%s", what, ranks.rank() + 1, ranks.size(), SUFFIX);
    }

    private ObjectNode describe(StageState state) {
        ObjectNode all = JsonNodeFactory.instance.objectNode();
        all.put("stage", state.stage()).put("step", state.step());
        all.put(CONFIG, DistillConfigYaml.format(config));
        all.set(MIXERS, folder.mixers().toJson());
        all.put(BACKEND, student.engine().backend().name());
        all.set(TRAINING, state.toJson());
        all.set(FILES, recorder.lengths());
        return all;
    }

    /** The configuration that a checkpoint was saved under. */
    public static DistillConfig configOf(Checkpoint checkpoint) {
        return DistillConfigYaml.parseRun(
                checkpoint.folder().toString(), checkpoint.state().path(CONFIG).asText());
    }

    /** Whether all steps of a configuration's last stage are behind a checkpoint. */
    public static boolean isLast(Checkpoint checkpoint, DistillConfig config) {
        ActiveStage last = config.lastStage();
        Position place = checkpoint.position();
        return place.stage() > last.number()
                || (place.stage() == last.number()
                        && place.step() >= StageState.steps(checkpoint.state().path(TRAINING), last.steps()));
    }

    /** The mixers of the student that a checkpoint is of. */
    public static MixerValues mixersOf(Checkpoint checkpoint) {
        return MixerValues.parse(
                checkpoint.folder().toString(), checkpoint.state().path(MIXERS));
    }

    @Override
    public String lost() {
        try {
            writer.await();
            List<Position> spoilt = finite == null || ranks.rank() > 0 ? List.of() : store.setAside(finite);
            String aside = spoilt.isEmpty()
                    ? ""
                    : "the checkpoint of " + spoilt.get(0) + " is put aside, since no step behind it was finite; ";
            return aside
                    + store.last()
                            .map(place -> "the last checkpoint is that of " + place)
                            .orElse("there is no checkpoint");
        } catch (IOException e) {
            throw failed(e);
        }
    }

    @Override
    public boolean rollBack(StageState state) {
        Position target = saved;
        if (target == null || target.stage() != state.stage()) {
            return false;
        }
        rollBacks++;
        if (rollBacks > MOST_ROLL_BACKS) {
            throw new TrainingException(state.position() + ": the loss spikes again after " + MOST_ROLL_BACKS
                    + " times back to " + target + "; a smaller learning rate may help");
        }
        try {
            writer.await();
            Optional<Checkpoint> from = writer.newest();
            if (from.isEmpty() || !from.get().position().equals(target)) {
                throw new TrainingException("cannot roll back: expected the checkpoint of " + target + ", found "
                        + from.map(found -> "that of " + found.position()).orElse("none"));
            }
            loadStudent(from.get());
            restore(state, from.get());
            recorder.rollBack(from.get().state().withObjectProperty(FILES));
            return true;
        } catch (IOException e) {
            throw failed(e);
        }
    }

    private TrainingException failed(IOException e) {
        return new TrainingException(
                "a checkpoint cannot be written into " + folder.checkpoints() + ": " + e.getMessage()
                        + "; the run has stopped, the checkpoints before are as they were",
                e);
    }

    /** Waits for what is being written. */
    @Override
    public void close() {
        writer.close();
    }
}
