package org.mohawk4j.dl4j.ui;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import java.util.function.ToDoubleFunction;
import org.deeplearning4j.nn.conf.ComputationGraphConfiguration.GraphBuilder;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.deeplearning4j.ui.model.stats.StatsListener;
import org.deeplearning4j.ui.model.stats.api.Histogram;
import org.deeplearning4j.ui.model.stats.api.StatsType;
import org.deeplearning4j.ui.model.stats.impl.SbeStatsInitializationReport;
import org.deeplearning4j.ui.model.stats.impl.SbeStatsReport;
import org.mohawk4j.train.metrics.StepMetrics;
import org.mohawk4j.train.statistics.Distribution;
import org.mohawk4j.train.statistics.RunDescription;
import org.mohawk4j.train.statistics.StepStatistics;

/**
 * A run's records as the reports that DL4J's UI shows. A stage is a session; a step is an iteration; a predicted token
 * is an example. Statistics are taken every few steps: the steps between repeat the last ones.
 *
 * <p>What the UI needs, and cannot do without: an initialization report first; a configuration in JSON for its Model tab;
 * for every kind of statistics a map, empty if need be; and names that end in {@code W}, the only ones it draws ratios
 * of.
 */
final class RunReports {
    private static final String WORKER = "run";

    private final String run;
    private final Optional<RunDescription> description;
    private final Map<String, String> labels = new LinkedHashMap<>();

    /** @param run its name, for sessions */
    RunReports(String run, Optional<RunDescription> description) {
        this.run = run;
        this.description = description;
        description.ifPresent(d -> d.parts().forEach(part -> labels.put(part.name(), StudentPart.label(part))));
    }

    /** The session of a stage; it stands in addresses. */
    String session(int stage) {
        return run.replaceAll("[^A-Za-z0-9._-]", "-") + "-stage-" + stage;
    }

    /** What a session begins with. */
    SbeStatsInitializationReport initialization(int stage, long timestamp) {
        SbeStatsInitializationReport report = new SbeStatsInitializationReport();
        report.reportIDs(session(stage), StatsListener.TYPE_ID, WORKER, timestamp);
        report.reportSoftwareInfo(
                text(RunDescription::architecture),
                text(RunDescription::system),
                "Java",
                text(RunDescription::java),
                text(RunDescription::java),
                text(RunDescription::backend),
                "",
                "",
                WORKER,
                Map.of());
        report.reportHardwareInfo(
                description.map(RunDescription::processors).orElse(0),
                0,
                description.map(RunDescription::jvmMaxBytes).orElse(0L),
                description.map(RunDescription::machineBytes).orElse(0L),
                new long[0],
                new String[0],
                WORKER);
        List<RunDescription.Part> parts = description.map(RunDescription::parts).orElse(List.of());
        report.reportModelInfo(
                ComputationGraph.class.getName(),
                picture(parts),
                new String[0],
                parts.size(),
                parts.stream().mapToLong(RunDescription.Part::parameters).sum());
        return report;
    }

    private String text(Function<RunDescription, String> property) {
        return description.map(property).orElse("unknown");
    }

    /** The student as a chain of its parts. */
    private static String picture(List<RunDescription.Part> parts) {
        GraphBuilder graph = new NeuralNetConfiguration.Builder().graphBuilder().addInputs("input");
        String below = "input";
        for (RunDescription.Part part : parts) {
            String label = StudentPart.label(part);
            graph.addLayer(label, new StudentPart(part), below);
            below = label;
        }
        if (parts.isEmpty()) {
            RunDescription.Part unknown = new RunDescription.Part("student", "student", 0);
            graph.addLayer("student", new StudentPart(unknown), below);
            below = "student";
        }
        return graph.setOutputs(below).build().toJson();
    }

    /** A step. */
    SbeStatsReport step(StepMetrics metrics, Optional<StepStatistics> statistics, long timestamp) {
        SbeStatsReport report = new SbeStatsReport();
        report.reportIDs(session(metrics.stage()), StatsListener.TYPE_ID, WORKER, timestamp);
        report.reportIterationCount(metrics.step());
        report.reportScore(metrics.loss());
        double stepsPerSecond = metrics.seconds() > 0 ? metrics.step() / metrics.seconds() : 0;
        report.reportPerformance(
                Math.round(metrics.seconds() * 1000),
                metrics.tokens(),
                metrics.step(),
                metrics.tokensPerSecond(),
                stepsPerSecond);
        report.reportMemoryUse(
                statistics.map(StepStatistics::jvmBytes).orElse(0L),
                description.map(RunDescription::jvmMaxBytes).orElse(0L),
                statistics.map(StepStatistics::arrayBytes).orElse(0L),
                description.map(RunDescription::machineBytes).orElse(0L),
                new long[0],
                new long[0]);
        distributions(report, StatsType.Parameters, statistics.map(StepStatistics::parameters), this::parameter);
        distributions(report, StatsType.Gradients, statistics.map(StepStatistics::gradients), this::parameter);
        distributions(report, StatsType.Updates, statistics.map(StepStatistics::updates), this::parameter);
        distributions(
                report,
                StatsType.Activations,
                statistics.map(StepStatistics::activations),
                part -> labels.getOrDefault(part, part));
        report.reportLearningRates(renamed(
                statistics.map(StepStatistics::parameters).orElse(Map.of()),
                this::parameter,
                distribution -> metrics.learningRate()));
        return report;
    }

    private static void distributions(
            SbeStatsReport report,
            StatsType type,
            Optional<Map<String, Distribution>> found,
            Function<String, String> name) {
        Map<String, Distribution> values = found.orElse(Map.of());
        report.reportMean(type, renamed(values, name, Distribution::mean));
        report.reportStdev(type, renamed(values, name, Distribution::deviation));
        report.reportMeanMagnitudes(type, renamed(values, name, Distribution::meanMagnitude));
        Map<String, Histogram> histograms = new LinkedHashMap<>();
        values.forEach((key, value) -> histograms.put(
                name.apply(key),
                new Histogram(
                        value.min(),
                        value.max(),
                        value.counts().size(),
                        value.counts().stream().mapToInt(Integer::intValue).toArray())));
        report.reportHistograms(type, histograms);
    }

    private static Map<String, Double> renamed(
            Map<String, Distribution> values, Function<String, String> name, ToDoubleFunction<Distribution> value) {
        Map<String, Double> renamed = new LinkedHashMap<>();
        values.forEach((key, distribution) -> renamed.put(name.apply(key), value.applyAsDouble(distribution)));
        return renamed;
    }

    /** DL4J's way: the vertex, an underscore, the parameter's name, which ends in W for a weight. */
    private String parameter(String name) {
        String part = RunDescription.partOf(name);
        String own = name.length() > part.length() ? name.substring(part.length() + 1) : name;
        return labels.getOrDefault(part, part) + "_"
                + own.replaceFirst("(^|\\.)weight$", "$1W").replaceFirst("(^|\\.)bias$", "$1b");
    }
}
