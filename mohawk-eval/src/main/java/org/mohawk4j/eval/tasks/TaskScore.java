package org.mohawk4j.eval.tasks;

import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * A model's score at a task.
 *
 * @param task its name
 * @param items how many questions it has
 * @param figures by name: {@code acc}, {@code acc_norm}, {@code perplexity}, and the standard error of each,
 *     {@code acc_stderr} and so on, which is not a number if there is a single question
 */
public record TaskScore(String task, int items, Map<String, Double> figures) {
    public TaskScore {
        figures = Collections.unmodifiableMap(new LinkedHashMap<>(figures));
    }
}
