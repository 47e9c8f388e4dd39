package org.mohawk4j.train;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.mohawk4j.layer.Parameter;
import org.mohawk4j.tensor.Tensor;
import org.mohawk4j.train.report.LossHistory;
import org.mohawk4j.train.run.DistillConfig;
import org.mohawk4j.train.run.MetricsWriter;
import org.mohawk4j.train.run.RunFolder;
import org.mohawk4j.train.run.StepMetrics;

/** Makes the run folder when the first step has succeeded, writes each step's metrics into it, and passes them on. */
final class RunRecorder implements TrainingListener, AutoCloseable {
    private final DistillConfig config;
    private final RunFolder folder;
    private final TrainingListener next;
    private final LossHistory losses = new LossHistory();
    private @Nullable MetricsWriter writer;

    RunRecorder(DistillConfig config, RunFolder folder, TrainingListener next) {
        this.config = config;
        this.folder = folder;
        this.next = next;
    }

    LossHistory losses() {
        return losses;
    }

    @Override
    public void onStageStart(int stage, int steps) {
        next.onStageStart(stage, steps);
    }

    @Override
    public void onGradientCalculation(
            int stage, int step, Map<String, Parameter> trained, Map<String, Tensor> gradients) {
        next.onGradientCalculation(stage, step, trained, gradients);
    }

    @Override
    public void iterationDone(StepMetrics metrics) {
        MetricsWriter open = writer;
        if (open == null) {
            folder.begin(config);
            open = folder.openMetrics();
            writer = open;
        }
        open.write(metrics);
        losses.add(metrics);
        next.iterationDone(metrics);
    }

    @Override
    public void onStageEnd(int stage) {
        next.onStageEnd(stage);
    }

    @Override
    public void close() {
        if (writer != null) {
            try {
                writer.close();
            } catch (IOException e) {
                throw new UncheckedIOException("cannot write " + folder.metrics(), e);
            }
        }
    }
}
