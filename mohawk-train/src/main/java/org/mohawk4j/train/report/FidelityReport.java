package org.mohawk4j.train.report;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.SerializationFeature;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import org.mohawk4j.eval.fidelity.FidelityScores;
import org.mohawk4j.eval.fidelity.FidelityScores.Agreement;
import org.mohawk4j.eval.fidelity.FidelityScores.Layer;

/**
 * Writes how close a student is to its teacher: {@code fidelity.json} with every number, maps of the errors as PNG, and
 * one page, {@code index.html}, that needs neither script nor network.
 */
public final class FidelityReport {
    private static final ObjectMapper JSON = new ObjectMapper().enable(SerializationFeature.INDENT_OUTPUT);

    private final FidelityScores scores;

    private FidelityReport(FidelityScores scores) {
        this.scores = scores;
    }

    /**
     * Writes into a folder that exists.
     *
     * @param facts shown below the scores and kept with them, by name: teacher, student, text, machine
     */
    public static void write(Path folder, FidelityScores scores, Map<String, String> facts) throws IOException {
        FidelityReport report = new FidelityReport(scores);
        Files.writeString(
                folder.resolve("fidelity.json"),
                JSON.writeValueAsString(report.json(facts)) + "\n",
                StandardCharsets.UTF_8);
        try (HtmlPage page = new HtmlPage(folder)) {
            report.write(page, facts);
        }
    }

    private ObjectNode json(Map<String, String> facts) {
        ObjectNode json = JsonNodeFactory.instance.objectNode();
        ObjectNode about = json.putObject("about");
        facts.forEach(about::put);
        json.put("tokens", scores.tokens()).put("context", scores.context());
        Agreement all = scores.agreement();
        ObjectNode agreement = json.putObject("agreement");
        agreement.put("kl", finite(all.divergence())).put("top1_agreement", all.topOne());
        agreement
                .put("teacher_nll_per_token", finite(all.teacherNll()))
                .put("student_nll_per_token", finite(all.studentNll()));
        List<Agreement> positions = scores.byPosition();
        putAll(
                agreement,
                "kl_by_position",
                positions.stream().map(Agreement::divergence).toList());
        putAll(
                agreement,
                "top1_agreement_by_position",
                positions.stream().map(Agreement::topOne).toList());
        var layers = json.putArray("layers");
        for (Layer layer : scores.layers()) {
            ObjectNode entry = layers.addObject();
            entry.put("teacher", layer.teacher()).put("student", layer.student());
            putAll(entry, "matrix_error_by_head", layer.matrix());
            entry.put("output_error", finite(layer.output()));
            entry.put("hidden_state_error", finite(layer.hiddenState()));
            putAll(entry, "matrix_error_by_position", layer.matrixByPosition());
            putAll(entry, "output_error_by_position", layer.outputByPosition());
            putAll(entry, "hidden_state_error_by_position", layer.hiddenStateByPosition());
        }
        return json;
    }

    private static void putAll(ObjectNode node, String key, List<Double> values) {
        var array = node.putArray(key);
        values.forEach(value -> array.add(finite(value)));
    }

    /** JSON has no NaN. */
    private static @Nullable Double finite(double value) {
        return Double.isFinite(value) ? value : null;
    }

    private void write(HtmlPage page, Map<String, String> facts) throws IOException {
        page.begin("Fidelity of a student to its teacher");
        writeAgreement(page);
        page.facts("What was compared", facts);
        writeLayers(page);
        page.line("<section>");
        page.line("<h2>Where the errors are</h2>");
        page.line("<p class=\"note\">Lighter is larger, as the square root; the colors end at the largest error of each"
                + " map.</p>");
        if (scores.layers().stream().anyMatch(layer -> !layer.matrix().isEmpty())) {
            map(page, "matrix-error", "head", Layer::matrix, "Relative error of the mixing matrix, by layer and head");
            map(
                    page,
                    "matrix-error-by-position",
                    "position",
                    Layer::matrixByPosition,
                    "The same by row of the matrix: what a position takes from those before it");
        }
        map(
                page,
                "output-error-by-position",
                "position",
                Layer::outputByPosition,
                "Relative error of the mixer's output on the teacher's input, by layer and position");
        map(
                page,
                "hidden-state-error-by-position",
                "position",
                Layer::hiddenStateByPosition,
                "Relative error of the hidden state behind the layer, each model by itself, by layer and position");
        page.line("</section>");
        page.end();
    }

    private void map(HtmlPage page, String file, String columns, Function<Layer, List<Double>> errors, String caption)
            throws IOException {
        page.image(
                file + ".png",
                new ErrorMap(columns)
                        .render(scores.layers().stream().map(errors).toList()),
                caption);
    }

    private void writeAgreement(HtmlPage page) throws IOException {
        Agreement all = scores.agreement();
        page.line("<section class=\"tiles\">");
        tile(page, "KL(teacher ‖ student)", Numbers.compact(all.divergence()), "nats per token");
        tile(
                page,
                "top-1 agreement",
                String.format(Locale.ROOT, "%.2f%%", 100 * all.topOne()),
                "of " + Numbers.whole((double) scores.tokens()) + " tokens");
        tile(
                page,
                "nll per token",
                Numbers.loss(all.studentNll()),
                "teacher " + Numbers.loss(all.teacherNll()) + ", windows of " + scores.context() + " tokens");
        page.line("</section>");
    }

    private static void tile(HtmlPage page, String title, String value, String note) throws IOException {
        page.line("<div class=\"tile\"><h2>" + Html.escape(title) + "</h2>");
        page.line("<p class=\"value\">" + Html.escape(value) + "</p>");
        page.line("<p>" + Html.escape(note) + "</p></div>");
    }

    private void writeLayers(HtmlPage page) throws IOException {
        page.line("<section>");
        page.line("<h2>Layers</h2>");
        page.line("<div class=\"wide\"><table>");
        page.line("<thead><tr><th>layer</th><th>teacher</th><th>student</th><th class=\"n\">matrix, mean of heads</th>"
                + "<th class=\"n\">mixer output</th><th class=\"n\">hidden state</th></tr></thead>");
        page.line("<tbody>");
        for (int i = 0; i < scores.layers().size(); i++) {
            Layer layer = scores.layers().get(i);
            double matrix = layer.matrix().stream()
                    .mapToDouble(Double::doubleValue)
                    .average()
                    .orElse(Double.NaN);
            page.line("<tr><td>" + i + "</td><td>" + Html.escape(layer.teacher()) + "</td><td>"
                    + Html.escape(layer.student()) + "</td>" + HtmlPage.number(Numbers.loss(matrix))
                    + HtmlPage.number(Numbers.loss(layer.output()))
                    + HtmlPage.number(Numbers.loss(layer.hiddenState())) + "</tr>");
        }
        page.line("</tbody></table></div>");
        page.line(
                "<p class=\"note\">Relative errors: the norm of the difference over the norm of the teacher's. Matrix and"
                        + " mixer output are on the teacher's own input to the layer; hidden states are what each model reaches by"
                        + " itself.</p>");
        page.line("</section>");
    }
}
