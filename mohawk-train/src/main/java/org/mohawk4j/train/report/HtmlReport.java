package org.mohawk4j.train.report;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/**
 * Writes a {@link RunReport} as one page, {@code index.html}, that needs nothing else: no script, no network; its images
 * are embedded. The images lie beside it as well, as PNG of twice the size shown, and are linked from the page. Light or
 * dark follows the reader's settings.
 */
public final class HtmlReport {
    private static final int CHART_WIDTH = 520;
    private static final int CHART_HEIGHT = 300;
    private static final int MATRICES_WIDTH = 900;
    private static final int SMALLEST_CELL = 96;
    private static final int LARGEST_CELL = 192;
    private static final int OPEN_LAYERS = 4;

    private final RunReport report;
    private final HtmlPage page;
    private final Optional<String> whyNoText = Images.whyNoText();

    private HtmlReport(RunReport report, HtmlPage page) {
        this.report = report;
        this.page = page;
    }

    /** Writes {@code index.html} and its images into a folder that exists. */
    public static void write(Path folder, RunReport report) throws IOException {
        try (HtmlPage page = new HtmlPage(folder)) {
            new HtmlReport(report, page).write();
        }
    }

    private void write() throws IOException {
        page.begin(report.title());
        writeScores();
        writeStages();
        writeCurves();
        writeMatrices();
        writeSamples();
        page.facts("Environment", report.environment());
        writeConfiguration();
        page.end();
    }

    private void writeScores() throws IOException {
        if (report.scores().isEmpty()) {
            return;
        }
        ModelScore first = report.scores().get(0);
        line("<section class=\"tiles\">");
        for (ModelScore score : report.scores()) {
            line("<div class=\"tile\"><h2>" + Html.escape(score.name()) + "</h2>");
            line("<p class=\"value\">" + Numbers.compact(score.perplexity()) + "</p>");
            line("<p>perplexity on " + Numbers.whole((double) score.tokens()) + " tokens</p>");
            String gap = score.equals(first)
                    ? ""
                    : String.format(
                            Locale.ROOT,
                            ", %+.4f to %s",
                            score.nllPerToken() - first.nllPerToken(),
                            Html.escape(first.name()));
            line("<p>nll per token " + Numbers.loss(score.nllPerToken()) + gap + "</p>");
            line("<p>" + Numbers.whole(score.tokensPerSecond()) + " tokens per second</p></div>");
        }
        line("</section>");
    }

    private void writeStages() throws IOException {
        List<StageSummary> stages = report.losses().summaries();
        if (stages.isEmpty()) {
            return;
        }
        line("<section>");
        line("<h2>Stages</h2>");
        line("<div class=\"wide\"><table>");
        line("<thead><tr><th>stage</th><th class=\"n\">loss at start</th><th class=\"n\">loss at end</th>"
                + "<th class=\"n\">steps</th><th class=\"n\">tokens</th><th class=\"n\">tokens per second</th>"
                + "<th class=\"n\">time</th></tr></thead>");
        line("<tbody>");
        for (StageSummary stage : stages) {
            line("<tr><td>" + stage.stage() + " " + stage.name() + "</td>"
                    + HtmlPage.number(Numbers.loss(stage.firstLoss()))
                    + HtmlPage.number(Numbers.loss(stage.lastLoss()))
                    + HtmlPage.number(Numbers.whole(stage.steps()))
                    + HtmlPage.number(Numbers.whole((double) stage.tokens()))
                    + HtmlPage.number(Numbers.whole(stage.tokensPerSecond()))
                    + HtmlPage.number(Numbers.duration(stage.seconds()))
                    + "</tr>");
        }
        line("</tbody></table></div>");
        line(
                "<p class=\"note\">The loss at the end is the mean of the last ten steps. Where layers are aligned it is the"
                        + " sum over them.</p>");
        line("</section>");
    }

    private void writeCurves() throws IOException {
        List<StageSummary> stages = report.losses().summaries();
        if (stages.isEmpty()) {
            return;
        }
        line("<section>");
        line("<h2>Loss curves</h2>");
        if (whyNoText.isPresent()) {
            line("<p class=\"note\">Left out: this Java cannot draw text. With fontconfig and a font installed, or with"
                    + " -Djava.awt.headless=true, it can. The numbers are in metrics.jsonl. ("
                    + Html.escape(whyNoText.get()) + ")</p>");
            line("</section>");
            return;
        }
        LossChart chart = new LossChart(CHART_WIDTH, CHART_HEIGHT);
        line("<div class=\"curves\">");
        for (StageSummary stage : stages) {
            String file = "loss-stage-" + stage.stage();
            String title = "Stage " + stage.stage() + ", " + stage.name();
            Curve loss = report.losses().loss(stage.stage());
            page.image(file + ".png", chart.loss(loss), title + skipped(loss));
            List<Curve> layers = report.losses().layerLosses(stage.stage());
            if (layers.size() > 1) {
                List<String> names = report.losses().layerNames(stage.stage());
                page.image(file + "-layers.png", chart.layerLosses(layers, names), title + ", by layer");
            }
        }
        line("</div>");
        line("</section>");
    }

    private static String skipped(Curve loss) {
        return loss.skipped() == 0 ? "" : "; steps skipped for a non-finite loss: " + loss.skipped();
    }

    private void writeMatrices() throws IOException {
        if (report.matrices().isEmpty()) {
            return;
        }
        line("<section>");
        line("<h2>Mixing matrices</h2>");
        line("<p class=\"note\">Row t of a matrix is what position t takes from each position before it. Lighter is"
                + " larger, in logarithmic steps over three decades that end at the teacher's largest entry; red to"
                + " yellow is positive, blue to cyan negative. The distance is the Frobenius norm of the difference to"
                + " the teacher's matrix, where both have as many heads.</p>");
        if (whyNoText.isPresent()) {
            line("<p class=\"note\">A column for each head; rows from the top: "
                    + Html.escape(String.join(
                            ", ",
                            report.matrices().get(0).rows().stream()
                                    .map(LayerMatrices.Row::title)
                                    .toList()))
                    + ".</p>");
        }
        int open = OPEN_LAYERS;
        for (LayerMatrices layer : report.matrices()) {
            line("<details" + (open-- > 0 ? " open" : "") + "><summary>Layer " + layer.layer() + "</summary>");
            int cell = Math.max(SMALLEST_CELL, Math.min(LARGEST_CELL, MATRICES_WIDTH / layer.heads()));
            HeatmapGrid grid = new HeatmapGrid(cell);
            page.image("matrices-layer-" + layer.layer() + ".png", grid.render(layer), "");
            line("</details>");
        }
        line("</section>");
    }

    private void writeSamples() throws IOException {
        if (report.samples().isEmpty()) {
            return;
        }
        line("<section>");
        line("<h2>Samples</h2>");
        line("<div class=\"samples\">");
        for (Sample sample : report.samples()) {
            line("<figure><figcaption>" + Html.escape(sample.model()) + "</figcaption>");
            line("<blockquote><b>" + Html.escape(sample.prompt()) + "</b>" + Html.escape(sample.continuation())
                    + "</blockquote></figure>");
        }
        line("</div>");
        line("</section>");
    }

    private void writeConfiguration() throws IOException {
        if (report.configuration().isEmpty()) {
            return;
        }
        line("<section>");
        line("<h2>Configuration</h2>");
        line("<details><summary>Every value of the run</summary>");
        line("<pre>" + Html.escape(report.configuration()) + "</pre>");
        line("</details>");
        line("</section>");
    }

    private void line(String text) throws IOException {
        page.line(text);
    }
}
