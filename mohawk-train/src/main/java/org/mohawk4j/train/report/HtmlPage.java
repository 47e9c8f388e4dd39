package org.mohawk4j.train.report;

import java.awt.image.BufferedImage;
import java.io.IOException;
import java.io.Writer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Base64;
import java.util.Map;

/** One page in a folder, {@code index.html}, without script or network, and its images, embedded and beside it. */
public final class HtmlPage implements AutoCloseable {
    private final Path folder;
    private final Writer out;

    /** @param folder that exists */
    public HtmlPage(Path folder) throws IOException {
        this.folder = folder;
        this.out = Files.newBufferedWriter(folder.resolve("index.html"), StandardCharsets.UTF_8);
    }

    /** A cell of a table that holds a number. */
    public static String number(String text) {
        return "<td class=\"n\">" + text + "</td>";
    }

    /** The head of the page, and its title. */
    public void begin(String title) throws IOException {
        out.write("""
                <!DOCTYPE html>
                <html lang="en">
                <head>
                <meta charset="utf-8">
                <meta name="viewport" content="width=device-width, initial-scale=1">
                <meta http-equiv="Content-Security-Policy" content="default-src 'none'; img-src data:; style-src 'unsafe-inline'">
                <title>%1$s</title>
                <style>
                %2$s</style>
                </head>
                <body>
                <main>
                <h1>%1$s</h1>
                """.formatted(Html.escape(title), Html.STYLE));
    }

    public void end() throws IOException {
        out.write("</main>\n</body>\n</html>\n");
    }

    /** A table of names and values, unless there are none. */
    public void facts(String heading, Map<String, String> facts) throws IOException {
        if (facts.isEmpty()) {
            return;
        }
        line("<section>");
        line("<h2>" + Html.escape(heading) + "</h2>");
        line("<div class=\"wide\"><table><tbody>");
        for (var fact : facts.entrySet()) {
            line("<tr><td>" + Html.escape(fact.getKey()) + "</td><td>" + Html.escape(fact.getValue()) + "</td></tr>");
        }
        line("</tbody></table></div>");
        line("</section>");
    }

    /** @param caption below the image; empty for none */
    public void image(String file, BufferedImage image, String caption) throws IOException {
        byte[] png = Images.png(image);
        Files.write(folder.resolve(file), png);
        line("<figure><a href=\"" + file + "\"><img alt=\"" + Html.escape(caption.isEmpty() ? file : caption)
                + "\" width=\"" + image.getWidth() / Images.DENSITY + "\" height=\""
                + image.getHeight() / Images.DENSITY + "\" src=\"data:image/png;base64,"
                + Base64.getEncoder().encodeToString(png) + "\"></a>");
        if (!caption.isEmpty()) {
            line("<figcaption>" + Html.escape(caption) + "</figcaption>");
        }
        line("</figure>");
    }

    /** Writes a line of HTML. */
    public void line(String text) throws IOException {
        out.write(text);
        out.write('\n');
    }

    @Override
    public void close() throws IOException {
        out.close();
    }
}
