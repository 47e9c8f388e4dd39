package org.mohawk4j.train.report;

import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.TreeMap;
import java.util.stream.IntStream;
import org.mohawk4j.train.metrics.MetricsReader;
import org.mohawk4j.train.metrics.StepMetrics;

/**
 * The losses of a run by stage, gathered step by step in memory that does not grow with the steps: curves hold means
 * once there are too many points.
 */
public final class LossHistory {
    private static final int CAPACITY = 1024;
    private static final int LAST = 10;

    private final List<String> names;
    private final NavigableMap<Integer, Stage> stages = new TreeMap<>();

    /** @param names of what each stage minimizes, in order */
    public LossHistory(List<String> names) {
        this.names = List.copyOf(names);
    }

    private static final class Stage {
        private final Curve loss = new Curve(CAPACITY);
        private final List<Curve> layers = new ArrayList<>();
        private final Deque<Double> last = new ArrayDeque<>();
        private final double firstLoss;
        private int steps;
        private int saved;
        private StepMetrics latest;

        Stage(StepMetrics first) {
            firstLoss = first.loss();
            latest = first;
        }

        void add(StepMetrics step) {
            steps++;
            latest = step;
            if (step.extra().get(StepMetrics.SAVED_STEPS) instanceof Number count) {
                saved = count.intValue();
            }
            double tokens = (double) step.tokens();
            loss.add(tokens, step.loss());
            for (int layer = 0; layer < step.layerLosses().size(); layer++) {
                if (layer == layers.size()) {
                    layers.add(new Curve(CAPACITY));
                }
                layers.get(layer).add(tokens, step.layerLosses().get(layer));
            }
            if (Double.isFinite(step.loss())) {
                last.add(step.loss());
            }
            if (last.size() > LAST) {
                last.remove();
            }
        }

        double lastLoss() {
            return last.stream().mapToDouble(Double::doubleValue).average().orElse(Double.NaN);
        }
    }

    /**
     * The history in a run's {@code metrics.jsonl}.
     *
     * @param names of what each stage minimizes, in order
     */
    public static LossHistory read(Path metrics, List<String> names) {
        LossHistory history = new LossHistory(names);
        MetricsReader.forEach(metrics, history::add);
        return history;
    }

    /** Adds the next step. */
    public void add(StepMetrics step) {
        stages.computeIfAbsent(step.stage(), stage -> new Stage(step)).add(step);
    }

    /** What became of each stage that took a step, in order. */
    public List<StageSummary> summaries() {
        List<StageSummary> summaries = new ArrayList<>();
        stages.forEach((number, stage) -> summaries.add(new StageSummary(
                number,
                number <= names.size() ? names.get(number - 1) : "stage " + number,
                stage.steps,
                stage.latest.tokens(),
                stage.firstLoss,
                stage.lastLoss(),
                stage.latest.tokensPerSecond(),
                stage.latest.seconds())));
        return summaries;
    }

    /** Planned steps that stages with {@code tokens: auto} did not take, by the stage's number. */
    public Map<Integer, Integer> savedSteps() {
        Map<Integer, Integer> saved = new TreeMap<>();
        stages.forEach((number, stage) -> {
            if (stage.saved > 0) {
                saved.put(number, stage.saved);
            }
        });
        return saved;
    }

    /** The loss of a stage over its tokens; empty if the stage took no step. */
    public Curve loss(int stage) {
        Stage found = stages.get(stage);
        return found == null ? new Curve(CAPACITY) : found.loss;
    }

    /** The losses of a stage by layer over its tokens; empty if it has none. */
    public List<Curve> layerLosses(int stage) {
        Stage found = stages.get(stage);
        return found == null ? List.of() : List.copyOf(found.layers);
    }

    /**
     * What the curves of {@link #layerLosses} are of, such as {@code layer 2}. Metrics of older versions do not say which
     * layers are aligned; then they are counted.
     */
    public List<String> layerNames(int stage) {
        Stage found = stages.get(stage);
        if (found == null) {
            return List.of();
        }
        List<Integer> layers = found.latest.layers();
        return IntStream.range(0, found.layers.size())
                .mapToObj(i -> layers.size() == found.layers.size()
                        ? "layer " + layers.get(i)
                        : "aligned layer no. " + (i + 1))
                .toList();
    }
}
