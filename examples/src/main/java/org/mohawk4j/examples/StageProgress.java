package org.mohawk4j.examples;

import java.io.PrintWriter;
import java.util.Locale;
import org.jspecify.annotations.Nullable;
import org.mohawk4j.train.Distillation;
import org.mohawk4j.train.TrainingListener;
import org.mohawk4j.train.run.StepMetrics;

/** Shows the progress of each stage with its loss and speed. */
final class StageProgress implements TrainingListener, AutoCloseable {
    private final PrintWriter out;
    private @Nullable Progress progress;

    StageProgress(PrintWriter out) {
        this.out = out;
    }

    @Override
    public void onStageStart(int stage, int steps) {
        close();
        progress = Progress.start(out, "stage " + stage, steps);
    }

    @Override
    public void iterationDone(StepMetrics metrics) {
        if (progress != null) {
            progress.advance(
                    metrics.step(),
                    String.format(Locale.ROOT, "loss %.4f, %,.0f tok/s", metrics.loss(), metrics.tokensPerSecond()));
        }
    }

    @Override
    public void onStageEnd(int stage) {
        close();
    }

    /** Here and not when the run has ended, so that the scores are out before a report is written. */
    @Override
    public void onEvaluated(Distillation.Result result) {
        Summary.print(result, out);
        out.flush();
    }

    /** Ends the line of a stage that failed. */
    @Override
    public void close() {
        if (progress != null) {
            progress.close();
            progress = null;
        }
    }
}
