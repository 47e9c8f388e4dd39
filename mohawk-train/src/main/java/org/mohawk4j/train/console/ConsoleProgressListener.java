package org.mohawk4j.train.console;

import java.io.PrintStream;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.util.Locale;
import org.jspecify.annotations.Nullable;
import org.mohawk4j.train.loop.TrainingListener;
import org.mohawk4j.train.metrics.StepMetrics;
import org.mohawk4j.train.report.RunResult;

/** Prints the facts of a run, the progress of each stage with its loss and speed, and the results. */
public final class ConsoleProgressListener implements TrainingListener, AutoCloseable {
    private final PrintWriter out;
    private final PrintStream terminal;
    private @Nullable ConsoleProgress progress;

    /** @param out such as {@code System.err} */
    public ConsoleProgressListener(PrintStream out) {
        this(new PrintWriter(out, true, StandardCharsets.UTF_8), out);
    }

    /** A listener that writes to standard error, which closing it leaves open. */
    public static ConsoleProgressListener toStandardError() {
        PrintStream err = System.err;
        return new ConsoleProgressListener(err);
    }

    /** @param out writes to standard output if there is a terminal, where bars are */
    public ConsoleProgressListener(PrintWriter out) {
        this(out, System.out);
    }

    private ConsoleProgressListener(PrintWriter out, PrintStream terminal) {
        this.out = out;
        this.terminal = terminal;
    }

    @Override
    public void onFact(String subject, String fact) {
        close();
        out.printf("%-9s %s%n", subject, fact);
        out.flush();
    }

    @Override
    public void onTextWritten(long done, long total, double tokensPerSecond) {
        if (progress == null) {
            progress = ConsoleProgress.start(out, terminal, "writing", total);
        }
        progress.advance(done, String.format(Locale.ROOT, "%,.0f tok/s", tokensPerSecond));
        if (done == total) {
            close();
        }
    }

    @Override
    public void onStageStart(int stage, int steps) {
        close();
        progress = ConsoleProgress.start(out, terminal, "stage " + stage, steps);
    }

    @Override
    public boolean readsGradients(int stage, int step) {
        return false;
    }

    @Override
    public void iterationDone(StepMetrics metrics) {
        if (metrics.extra().get(StepMetrics.ENDS_AT_STEP) instanceof Integer steps) {
            onStageStart(metrics.stage(), steps);
        }
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
