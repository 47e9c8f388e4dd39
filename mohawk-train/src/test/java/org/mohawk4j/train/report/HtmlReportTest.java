package org.mohawk4j.train.report;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.mohawk4j.train.checkpoint.Position;
import org.mohawk4j.train.metrics.StepMetrics;

class HtmlReportTest {
    private static final List<String> STAGES =
            List.of("matrix orientation", "hidden-state alignment", "knowledge distillation");

    @TempDir
    private Path folder;

    private final LossHistory losses = new LossHistory(STAGES);

    @BeforeEach
    void train() {
        for (int step = 1; step <= 20; step++) {
            double loss = 10.0 / step;
            losses.add(new StepMetrics(
                    new Position(1, step), step * 2048L, step, 2 * loss, List.of(loss, loss), 1e-3, 1, Map.of()));
            losses.add(new StepMetrics(new Position(3, step), step * 2048L, 4000, 8.25, List.of(), 1e-3, 1, Map.of()));
        }
    }

    private RunReport report() {
        MatrixValues matrix = new MatrixValues(2, 2, new float[] {1, 0, 0.5f, 0.5f});
        return new RunReport(
                "A <b>title</b>",
                losses,
                List.of(new ModelScore("teacher", 3.5, 12_345, 900), new ModelScore("student", 3.75, 12_345, 800)),
                List.of(new LayerMatrices(
                        2,
                        List.of(
                                new LayerMatrices.Row("teacher", List.of(matrix)),
                                new LayerMatrices.Row("student", List.of(matrix))))),
                List.of(new Sample("student", "Once \"upon\"", " a <script>alert('x')</script> & \u0000end")),
                "freeze: [\"<none>\"]\n",
                Map.of("machine", "2 cores & more"));
    }

    private String write(RunReport report) throws IOException {
        HtmlReport.write(folder, report);
        return Files.readString(folder.resolve("index.html"));
    }

    @Test
    void tellsTheNumbersOfTheRun() throws IOException {
        String page = write(report());

        assertThat(page)
                .contains("1 matrix orientation", "3 knowledge distillation")
                .contains("20.0000", "8.2500", "40,960", "2,048", "1 h 06 min")
                .contains("33.12", "42.52", "3.7500, +0.2500 to teacher", "12,345 tokens")
                .contains("Layer 2")
                .doesNotContain("hidden-state alignment");
    }

    @Test
    void textIsEscaped() throws IOException {
        String page = write(report());

        assertThat(page)
                .contains("<title>A &lt;b&gt;title&lt;/b&gt;</title>")
                .contains("Once &quot;upon&quot;", "&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt; &amp; \uFFFDend")
                .contains("freeze: [&quot;&lt;none&gt;&quot;]", "2 cores &amp; more")
                .doesNotContain("<script");
    }

    @Test
    void thePageNeedsNothingButItself() throws IOException {
        String page = write(report());

        Matcher sources = Pattern.compile("(?:src|srcset|href)=\"([^\"]{1,40})").matcher(page);
        int images = 0;
        while (sources.find()) {
            String source = sources.group(1);
            if (source.startsWith("data:image/png;base64,")) {
                images++;
            } else {
                assertThat(folder.resolve(source)).isRegularFile();
            }
        }
        assertThat(images).isEqualTo(4);
        assertThat(page).doesNotContain("http://", "https://");
    }

    @Test
    void theImagesLieBesideIt() throws IOException {
        write(report());

        for (String name :
                List.of("loss-stage-1.png", "loss-stage-1-layers.png", "loss-stage-3.png", "matrices-layer-2.png")) {
            assertThat(ImageIO.read(folder.resolve(name).toFile()).getWidth()).isPositive();
        }
        assertThat(folder.resolve("loss-stage-3-layers.png")).doesNotExist();
    }

    @Test
    void elementsAreClosed() throws IOException {
        String page = write(report()).replaceAll("(?s)<style>.*?</style>", "");

        for (String element : List.of("section", "div", "figure", "table", "tr", "td", "p", "details", "main", "a")) {
            assertThat(Pattern.compile("<" + element + "[ >]")
                            .matcher(page)
                            .results()
                            .count())
                    .as(element)
                    .isEqualTo(Pattern.compile("</" + element + ">")
                            .matcher(page)
                            .results()
                            .count());
        }
    }

    @Test
    void anEmptyReportIsAPageWithATitle() throws IOException {
        String page =
                write(new RunReport("empty", new LossHistory(STAGES), List.of(), List.of(), List.of(), "", Map.of()));

        assertThat(page).contains("<h1>empty</h1>").doesNotContain("<h2>", "<img");
    }

    @Test
    void stepsWithoutALossAreSaid() throws IOException {
        losses.add(new StepMetrics(new Position(3, 21), 50_000, 4000, Double.NaN, List.of(), 1e-3, 1, Map.of()));

        assertThat(write(report())).contains("steps skipped for a non-finite loss: 1");
    }
}
