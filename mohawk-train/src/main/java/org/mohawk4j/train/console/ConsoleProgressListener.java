package org.mohawk4j.train.console;

import java.io.PrintWriter;
import java.util.Locale;
import org.jspecify.annotations.Nullable;
import org.mohawk4j.train.loop.TrainingListener;
import org.mohawk4j.train.metrics.StepMetrics;
import org.mohawk4j.train.report.RunResult;

/** Shows the progress of each stage with its loss and speed. */
public final class ConsoleProgressListener implements TrainingListener, AutoCloseable {
    private final PrintWriter out;
    private @Nullable ConsoleProgress progress;

    public ConsoleProgressListener(PrintWriter out) {
        this.out = out;
    }

    @Override
    public void onStageStart(int stage, int steps) {
        close();
        progress = ConsoleProgress.start(out, "stage " + stage, steps);
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
    public void onEvaluated(RunResult result) {
        RunSummary.print(result, out);
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
