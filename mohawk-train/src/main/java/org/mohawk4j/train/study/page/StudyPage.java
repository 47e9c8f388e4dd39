package org.mohawk4j.train.study.page;

import java.io.IOException;
import java.nio.file.Path;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.mohawk4j.train.report.Html;
import org.mohawk4j.train.report.HtmlPage;
import org.mohawk4j.train.report.Plot;

/**
 * What a study came to, for people: one page without script or network, with its plots embedded.
 *
 * @param notes paragraphs below the title
 * @param facts about teacher, text and settings, by name
 */
public record StudyPage(
        String title, List<String> notes, List<Table> tables, List<Plot> plots, Map<String, String> facts) {
    /** Copies the collections. */
    public StudyPage {
        notes = List.copyOf(notes);
        tables = List.copyOf(tables);
        plots = List.copyOf(plots);
        facts = Collections.unmodifiableMap(new LinkedHashMap<>(facts));
    }

    /** Writes {@code index.html} and its images into a folder that exists. */
    public void write(Path folder) throws IOException {
        try (HtmlPage page = new HtmlPage(folder)) {
            page.begin(title);
            for (String note : notes) {
                page.line("<p>" + Html.escape(note) + "</p>");
            }
            for (Table table : tables) {
                write(page, table);
            }
            writePlots(page);
            page.facts("Settings", facts);
            page.end();
        }
    }

    private void writePlots(HtmlPage page) throws IOException {
        if (plots.isEmpty()) {
            return;
        }
        page.line("<section>");
        page.line("<h2>Plots</h2>");
        if (Plot.whyNone().isPresent()) {
            page.line("<p class=\"note\">Left out: this Java cannot draw text. ("
                    + Html.escape(Plot.whyNone().get()) + ")</p>");
        } else {
            page.line("<p class=\"note\">Points and bars are means over seeds or samples, error bars one standard"
                    + " deviation.</p>");
            for (int i = 0; i < plots.size(); i++) {
                page.image(
                        "plot-" + (i + 1) + ".png",
                        plots.get(i).draw(),
                        plots.get(i).caption());
            }
        }
        page.line("</section>");
    }

    private static void write(HtmlPage page, Table table) throws IOException {
        page.line("<section>");
        page.line("<h2>" + Html.escape(table.heading()) + "</h2>");
        page.line("<div class=\"wide\"><table><thead><tr>");
        for (int i = 0; i < table.columns().size(); i++) {
            page.line((i == 0 ? "<th>" : "<th class=\"n\">")
                    + Html.escape(table.columns().get(i)) + "</th>");
        }
        page.line("</tr></thead><tbody>");
        for (List<String> row : table.rows()) {
            StringBuilder line = new StringBuilder("<tr>");
            for (int i = 0; i < row.size(); i++) {
                String cell = Html.escape(row.get(i));
                line.append(i == 0 ? "<td>" + cell + "</td>" : HtmlPage.number(cell));
            }
            page.line(line + "</tr>");
        }
        page.line("</tbody></table></div>");
        if (!table.note().isEmpty()) {
            page.line("<p class=\"note\">" + Html.escape(table.note()) + "</p>");
        }
        page.line("</section>");
    }
}
