package org.mohawk4j.train.report;

import java.nio.file.Path;
import java.util.List;
import org.mohawk4j.eval.Perplexity;

/**
 * The results of a run.
 *
 * @param run its folder
 * @param teacher its score; NaN if it could not be evaluated, which is logged then
 * @param student likewise
 * @param samples of the models that could write one
 */
public record RunResult(
        Path run, List<StageSummary> stages, Perplexity.Score teacher, Perplexity.Score student, List<Sample> samples) {
    /** The folder of the student: configuration, weights, tokenizer. */
    public Path studentFolder() {
        return run.resolve("student");
    }
}
