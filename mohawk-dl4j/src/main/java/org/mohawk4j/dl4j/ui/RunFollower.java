package org.mohawk4j.dl4j.ui;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.deeplearning4j.core.storage.StatsStorage;
import org.jspecify.annotations.Nullable;
import org.mohawk4j.InvalidInputException;
import org.mohawk4j.train.metrics.MetricsReader;
import org.mohawk4j.train.metrics.StepMetrics;
import org.mohawk4j.train.statistics.RunDescription;
import org.mohawk4j.train.statistics.StatisticsFile;
import org.mohawk4j.train.statistics.StepStatistics;

/** Hands a run's steps to DL4J's storage, those that are there and those that come. */
final class RunFollower {
    private final Path metrics;
    private final Path statistics;
    private final Path run;
    private final StatsStorage storage;
    private final Map<Integer, Map<Integer, StepStatistics>> byStep = new HashMap<>();
    private final Map<Integer, StepStatistics> latest = new HashMap<>();
    private final Map<Integer, Long> stageStarts = new HashMap<>();
    private @Nullable RunReports reports;
    private long bytesRead;
    private int posted;
    private int seen;
    private long lastTime;

    /** @throws InvalidInputException if the folder is no run's */
    RunFollower(Path run, StatsStorage storage) {
        this.run = run.toAbsolutePath().normalize();
        this.metrics = run.resolve("metrics.jsonl");
        this.statistics = run.resolve("statistics.jsonl");
        this.storage = storage;
        if (!Files.isRegularFile(metrics)) {
            throw new InvalidInputException("run " + run + ": expected a run folder with metrics.jsonl, found "
                    + (Files.isDirectory(run) ? "none in it" : "no folder"));
        }
    }

    /**
     * Posts the steps that are new. The last one waits until nothing follows it between two calls: its statistics may
     * still be on their way.
     *
     * @return how many steps have been posted so far
     */
    int poll(boolean all) {
        List<StepMetrics> steps = MetricsReader.read(metrics);
        readStatistics();
        int until = all || steps.size() == seen ? steps.size() : Math.max(posted, steps.size() - 1);
        seen = steps.size();
        while (posted < until) {
            post(steps.get(posted));
            posted++;
        }
        return posted;
    }

    private void post(StepMetrics step) {
        RunReports own = reports;
        if (own == null) {
            own = new RunReports(String.valueOf(run.getFileName()), Optional.empty());
            reports = own;
        }
        Long start = stageStarts.get(step.stage());
        if (start == null) {
            start = lastTime == 0 ? started(step) : lastTime + 1;
            stageStarts.put(step.stage(), start);
            lastTime = start;
            storage.putStaticInfo(own.initialization(step.stage(), start));
        }
        StepStatistics found = byStep.getOrDefault(step.stage(), Map.of()).get(step.step());
        if (found != null) {
            latest.put(step.stage(), found);
        }
        // the storage keeps one report a millisecond
        lastTime = Math.max(lastTime + 1, start + Math.round(step.seconds() * 1000));
        storage.putUpdate(own.step(step, Optional.ofNullable(latest.get(step.stage())), lastTime));
    }

    /** When the run began: its configuration was written after the first step. */
    private long started(StepMetrics first) {
        Path config = run.resolve("config.yaml");
        try {
            Path oldest = Files.isRegularFile(config) ? config : metrics;
            return Files.getLastModifiedTime(oldest).toMillis() - Math.round(first.seconds() * 1000);
        } catch (IOException e) {
            throw new UncheckedIOException("cannot read " + run, e);
        }
    }

    private void readStatistics() {
        for (String line : newLines()) {
            if (reports == null) {
                RunDescription description =
                        StatisticsFile.parse("statistics " + statistics, line, RunDescription.class);
                reports = new RunReports(String.valueOf(run.getFileName()), Optional.of(description));
            } else {
                StepStatistics step = StatisticsFile.parse("statistics " + statistics, line, StepStatistics.class);
                byStep.computeIfAbsent(step.stage(), stage -> new HashMap<>()).put(step.step(), step);
            }
        }
    }

    /** What has been added to the file up to the end of a line. */
    private List<String> newLines() {
        if (!Files.isRegularFile(statistics)) {
            return List.of();
        }
        try (var in = Files.newInputStream(statistics)) {
            in.skipNBytes(bytesRead);
            byte[] bytes = in.readAllBytes();
            List<String> lines = new ArrayList<>();
            int from = 0;
            for (int i = 0; i < bytes.length; i++) {
                if (bytes[i] == '\n') {
                    lines.add(new String(bytes, from, i - from, StandardCharsets.UTF_8));
                    from = i + 1;
                }
            }
            bytesRead += from;
            return lines;
        } catch (IOException e) {
            throw new UncheckedIOException("cannot read " + statistics, e);
        }
    }
}
