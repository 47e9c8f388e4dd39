package org.mohawk4j.train.report;

import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * The contents of a report. Each part may be empty.
 *
 * @param title of the page
 * @param losses of all stages
 * @param scores of the models on the validation text, the teacher first
 * @param matrices of the layers to show, some or all; a matrix of T = 128 takes 64 kB here
 * @param samples of text
 * @param configuration of the run, as YAML
 * @param environment facts by name: hardware, versions, backend
 */
public record RunReport(
        String title,
        LossHistory losses,
        List<ModelScore> scores,
        List<LayerMatrices> matrices,
        List<Sample> samples,
        String configuration,
        Map<String, String> environment) {
    /** Copies the collections. */
    public RunReport {
        scores = List.copyOf(scores);
        matrices = List.copyOf(matrices);
        samples = List.copyOf(samples);
        environment = Collections.unmodifiableMap(new LinkedHashMap<>(environment));
    }
}
