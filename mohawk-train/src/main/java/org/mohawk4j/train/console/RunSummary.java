package org.mohawk4j.train.console;

import java.io.PrintWriter;
import java.util.Locale;
import org.mohawk4j.eval.Perplexity;
import org.mohawk4j.train.report.RunResult;
import org.mohawk4j.train.report.Sample;
import org.mohawk4j.train.report.StageSummary;

/** What came of a run, for people. */
final class RunSummary {
    private RunSummary() {}

    static void print(RunResult result, PrintWriter out) {
        out.println();
        out.printf(
                "%-27s %7s %12s %11s %11s %9s %9s%n",
                "stage", "steps", "tokens", "first loss", "last loss", "tok/s", "seconds");
        for (StageSummary stage : result.stages()) {
            out.printf(
                    Locale.ROOT,
                    "%d %-25s %7d %,12d %11.4f %11.4f %,9.0f %9.1f%n",
                    stage.stage(),
                    stage.name(),
                    stage.steps(),
                    stage.tokens(),
                    stage.firstLoss(),
                    stage.lastLoss(),
                    stage.tokensPerSecond(),
                    stage.seconds());
        }
        out.println();
        out.printf("%-27s %11s %12s %11s %9s%n", "on held-out text", "nll/token", "perplexity", "tokens", "tok/s");
        print("teacher", result.teacher(), out);
        print("student", result.student(), out);
        for (Sample sample : result.samples()) {
            out.printf(
                    "%nThe %s continues%n  %s|%s%n",
                    sample.model(), line(sample.prompt()), line(sample.continuation()));
        }
    }

    private static void print(String model, Perplexity.Score score, PrintWriter out) {
        out.printf(
                Locale.ROOT,
                "%-27s %11.4f %12.2f %,11d %,9.0f%n",
                model,
                score.nllPerToken(),
                score.perplexity(),
                score.tokens(),
                score.tokensPerSecond());
    }

    private static String line(String text) {
        return text.replaceAll("\\s+", " ");
    }
}
