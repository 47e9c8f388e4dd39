package org.mohawk4j.train.report;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.mohawk4j.train.checkpoint.Position;
import org.mohawk4j.train.metrics.MetricsWriter;
import org.mohawk4j.train.metrics.StepMetrics;

class LossHistoryTest {
    private static final List<String> STAGES =
            List.of("matrix orientation", "hidden-state alignment", "knowledge distillation");

    private static StepMetrics step(int stage, int step, double loss, List<Double> layers) {
        return new StepMetrics(new Position(stage, step), step * 100L, step * 2.0, loss, layers, 1e-3, 1, Map.of());
    }

    @Test
    void summarizesEachStage() {
        LossHistory history = new LossHistory(STAGES);
        for (int i = 1; i <= 30; i++) {
            history.add(step(1, i, 31 - i, List.of(i * 1.0, 31.0 - 2 * i)));
        }
        history.add(step(3, 1, 8.5, List.of()));

        List<StageSummary> summaries = history.summaries();

        assertThat(summaries).hasSize(2);
        assertThat(summaries.get(0)).isEqualTo(new StageSummary(1, "matrix orientation", 30, 3000, 30, 5.5, 50, 60));
        assertThat(summaries.get(1).lastLoss()).isEqualTo(8.5);
        assertThat(history.loss(1).y()).hasSize(30);
        assertThat(history.layerLosses(1)).hasSize(2);
        assertThat(history.layerLosses(1).get(1).y()[1]).isCloseTo(27, within(1e-12));
        assertThat(history.layerLosses(3)).isEmpty();
        assertThat(history.loss(2).size()).isZero();
    }

    @Test
    void namesTheLayersThatTheMetricsName() {
        LossHistory history = new LossHistory(STAGES);
        history.add(step(1, 1, 3, List.of(1.0, 2.0)));
        history.add(new StepMetrics(
                new Position(2, 1), 9, 1, 3, List.of(1.0, 2.0), 1, 1, Map.of(StepMetrics.LAYERS, List.of(0, 2))));

        assertThat(history.layerNames(2)).containsExactly("layer 0", "layer 2");
        assertThat(history.layerNames(1))
                .as("of an older version")
                .containsExactly("aligned layer no. 1", "aligned layer no. 2");
        assertThat(history.layerNames(3)).isEmpty();
    }

    @Test
    void readsTheMetricsOfARun(@TempDir Path folder) throws IOException {
        Path file = folder.resolve("metrics.jsonl");
        try (MetricsWriter writer = new MetricsWriter(file)) {
            writer.write(step(2, 1, 4, List.of(4.0)));
            writer.write(step(2, 2, 3, List.of(3.0)));
        }

        assertThat(LossHistory.read(file, STAGES).summaries())
                .containsExactly(new StageSummary(2, "hidden-state alignment", 2, 200, 4, 3.5, 50, 4));
    }
}
