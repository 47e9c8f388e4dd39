package org.mohawk4j.train.run;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.mohawk4j.io.ConfigNode;
import org.mohawk4j.io.InputFile;
import org.mohawk4j.nn.Parameter;
import org.mohawk4j.tensor.Tensor;
import org.mohawk4j.train.config.DistillConfig;
import org.mohawk4j.train.loop.TrainingException;
import org.mohawk4j.train.loop.TrainingListener;
import org.mohawk4j.train.metrics.MetricsWriter;
import org.mohawk4j.train.metrics.SkippedStep;
import org.mohawk4j.train.metrics.SkippedStepsWriter;
import org.mohawk4j.train.metrics.StepMetrics;
import org.mohawk4j.train.report.LossHistory;

/**
 * Makes the run folder when the first step has succeeded, writes each step's metrics into it, and passes them on. For a
 * run that goes on, it goes on with the files where the checkpoint left them, so that no step is in them twice.
 */
public final class RunRecorder implements TrainingListener, AutoCloseable {
    private static final String METRICS = "metrics_bytes";
    private static final String FAULTS = "faults_bytes";
    private static final String STATISTICS = "statistics_bytes";

    private final DistillConfig config;
    private final RunFolder folder;
    private final TrainingListener next;
    private final List<StepMetrics> early = new ArrayList<>();
    private final List<SkippedStep> earlyFaults = new ArrayList<>();
    private final List<String> stages;
    private final boolean writes;
    private LossHistory losses;
    private @Nullable MetricsWriter writer;
    private @Nullable SkippedStepsWriter faults;

    public RunRecorder(DistillConfig config, RunFolder folder, TrainingListener next) {
        this(config, folder, next, true);
    }

    /** On a rank that does not write the run folder. */
    public static RunRecorder silent(DistillConfig config, RunFolder folder) {
        return new RunRecorder(config, folder, new TrainingListener() {}, false);
    }

    private RunRecorder(DistillConfig config, RunFolder folder, TrainingListener next, boolean writes) {
        this.writes = writes;
        this.config = config;
        this.folder = folder;
        this.next = next;
        this.stages = config.training().stages().stream()
                .map(stage -> stage.objective().label())
                .toList();
        this.losses = new LossHistory(stages);
    }

    /** Goes on in a folder that has begun, with its files as they were at a checkpoint, or empty. */
    void resume(ObjectNode lengths) throws IOException {
        if (!writes) {
            return;
        }
        folder.writeChanges();
        MetricsWriter open = MetricsWriter.continued(folder.metrics(), length(lengths, METRICS));
        writer = open;
        long faultBytes = length(lengths, FAULTS);
        if (Files.exists(folder.faults()) || faultBytes > 0) {
            faults = SkippedStepsWriter.continued(folder.faults(), faultBytes);
        }
        cutStatistics(lengths);
        losses = LossHistory.read(folder.metrics(), stages);
    }

    /** Statistics are flushed line by line by who writes them, so that cutting the file is all there is to do. */
    private void cutStatistics(ObjectNode lengths) throws IOException {
        if (Files.exists(folder.statistics())) {
            try (FileChannel file = FileChannel.open(folder.statistics(), StandardOpenOption.WRITE)) {
                file.truncate(length(lengths, STATISTICS));
            }
        }
    }

    /** None is said of a run that starts over. */
    private static long length(ObjectNode lengths, String file) {
        ConfigNode saved = ConfigNode.of("the lengths of a run's files", lengths);
        return saved.has(file) ? saved.whole(file, 0, Long.MAX_VALUE) : 0;
    }

    private static long length(Path file) {
        try {
            return Files.exists(file) ? Files.size(file) : 0;
        } catch (IOException e) {
            throw new UncheckedIOException("cannot look at " + file, e);
        }
    }

    /** How long the files of a run are that has ended. */
    ObjectNode lengthsOnDisk() {
        return lengths(length(folder.metrics()), length(folder.faults()));
    }

    /** How long the files are, for a checkpoint. */
    ObjectNode lengths() {
        return lengths(writer == null ? 0 : writer.length(), faults == null ? 0 : faults.length());
    }

    private ObjectNode lengths(long metricsBytes, long faultsBytes) {
        return JsonNodeFactory.instance
                .objectNode()
                .put(METRICS, metricsBytes)
                .put(FAULTS, faultsBytes)
                .put(STATISTICS, length(folder.statistics()));
    }

    /** The files that there are. */
    List<Path> files() {
        List<Path> files = new ArrayList<>();
        if (writer != null) {
            files.add(folder.metrics());
        }
        if (faults != null) {
            files.add(folder.faults());
        }
        return files;
    }

    /** Takes the metrics of steps back that are no longer part of the run. */
    void rollBack(ObjectNode lengths) throws IOException {
        if (writer != null) {
            writer.truncate(length(lengths, METRICS));
            cutStatistics(lengths);
            losses = LossHistory.read(folder.metrics(), stages);
        }
    }

    public LossHistory losses() {
        return losses;
    }

    @Override
    public void onStageStart(int stage, int steps) {
        next.onStageStart(stage, steps);
    }

    @Override
    public boolean readsGradients(int stage, int step) {
        return writes && next.readsGradients(stage, step);
    }

    @Override
    public void onGradientCalculation(
            int stage, int step, Map<String, Parameter> trained, Map<String, Tensor> gradients) {
        next.onGradientCalculation(stage, step, trained, gradients);
    }

    @Override
    public void iterationDone(StepMetrics metrics) {
        if (!writes) {
            if (!metrics.isFaulty()) {
                folder.begin(config);
            }
        } else if (writer != null) {
            write(metrics, writer);
        } else {
            early.add(metrics);
            if (!metrics.isFaulty()) {
                begin();
            }
        }
        next.iterationDone(metrics);
    }

    private void begin() {
        folder.begin(config);
        MetricsWriter open = folder.openMetrics();
        writer = open;
        early.forEach(metrics -> write(metrics, open));
        early.clear();
        earlyFaults.forEach(this::write);
        earlyFaults.clear();
    }

    private void write(StepMetrics metrics, MetricsWriter open) {
        try {
            open.write(metrics);
        } catch (UncheckedIOException e) {
            throw new TrainingException(e.getMessage() + "; " + place(metrics.stage(), metrics.step()), e);
        }
        losses.add(metrics);
    }

    @Override
    public void onFault(SkippedStep fault) {
        if (!writes) {
            return;
        }
        if (writer == null) {
            earlyFaults.add(fault);
        } else {
            write(fault);
        }
        next.onFault(fault);
    }

    private void write(SkippedStep fault) {
        try {
            SkippedStepsWriter open = faults;
            if (open == null) {
                open = SkippedStepsWriter.continued(folder.faults(), 0);
                faults = open;
            }
            open.write(fault);
        } catch (IOException | UncheckedIOException e) {
            throw new TrainingException(
                    "cannot write " + folder.faults() + ": " + e.getMessage() + "; "
                            + place(fault.stage(), fault.step()),
                    e);
        }
    }

    private static String place(int stage, int step) {
        return "the run stopped at stage " + stage + ", step " + step;
    }

    @Override
    public void onStageEnd(int stage) {
        next.onStageEnd(stage);
    }

    @Override
    public void close() {
        try {
            if (writer != null) {
                writer.close();
            }
            if (faults != null) {
                faults.close();
            }
        } catch (IOException e) {
            throw InputFile.unwritable(folder.path(), e);
        }
    }
}
