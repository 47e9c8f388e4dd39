package org.mohawk4j.train.console;

import java.io.PrintStream;
import java.io.PrintWriter;
import me.tongfei.progressbar.ConsoleProgressBarConsumer;
import me.tongfei.progressbar.ProgressBar;
import me.tongfei.progressbar.ProgressBarBuilder;
import me.tongfei.progressbar.ProgressBarStyle;

/** A progress bar on the console. */
public interface ConsoleProgress extends AutoCloseable {
    /**
     * @param done of the total
     * @param message how it is going
     */
    void advance(long done, String message);

    @Override
    void close();

    /**
     * A bar on a terminal, otherwise a line now and then.
     *
     * @param terminal where {@code out} writes, for the bar
     */
    @SuppressWarnings(
            "SystemConsoleNull") // from JDK 22 on ./mohawk sets jdk.console=java.base, which keeps this meaning
    static ConsoleProgress start(PrintWriter out, PrintStream terminal, String task, long total) {
        return System.console() == null ? new Lines(out, task, total) : new Bar(out, terminal, task, total);
    }

    /** As {@link #start(PrintWriter, PrintStream, String, long)}, where {@code out} writes to standard output. */
    static ConsoleProgress start(PrintWriter out, String task, long total) {
        return start(out, System.out, task, total);
    }

    /** Redraws one line. */
    final class Bar implements ConsoleProgress {
        private static final int REDRAW_MILLIS = 200;

        private final ProgressBar bar;

        Bar(PrintWriter out, PrintStream terminal, String task, long total) {
            out.flush();
            bar = new ProgressBarBuilder()
                    .setTaskName(task)
                    .setInitialMax(total)
                    .setStyle(ProgressBarStyle.ASCII)
                    .setUpdateIntervalMillis(REDRAW_MILLIS)
                    .setConsumer(new ConsoleProgressBarConsumer(terminal))
                    .build();
        }

        @Override
        public void advance(long done, String message) {
            bar.setExtraMessage(" " + message).stepTo(done);
        }

        @Override
        public void close() {
            bar.close();
        }
    }

    /** Prints every tenth of the way, and when ten seconds have gone by. */
    final class Lines implements ConsoleProgress {
        private static final int PARTS = 10;
        private static final long NANOS = 10_000_000_000L;

        private final PrintWriter out;
        private final String task;
        private final long total;
        private long printedPart;
        private long printedAt = System.nanoTime();

        Lines(PrintWriter out, String task, long total) {
            this.out = out;
            this.task = task;
            this.total = total;
        }

        @Override
        public void advance(long done, String message) {
            long part = PARTS * done / total;
            long now = System.nanoTime();
            if (part > printedPart || now - printedAt >= NANOS) {
                printedPart = part;
                printedAt = now;
                out.printf("%s %d%% %d/%d %s%n", task, 100 * done / total, done, total, message);
                out.flush();
            }
        }

        @Override
        public void close() {
            // every line is complete
        }
    }
}
