package org.mohawk4j.io;

import java.io.BufferedInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.function.BiConsumer;
import java.util.function.Consumer;
import org.mohawk4j.InvalidInputException;

/**
 * Files of one JSON object a line, in UTF-8, of at most a megabyte a line; empty lines and a byte order mark at the
 * beginning are skipped.
 */
public final class JsonLinesReader {
    private static final int LONGEST_LINE = 1 << 20;

    private JsonLinesReader() {}

    /** @param each is given each object, which knows its file and line */
    public static void forEach(Path file, Consumer<ConfigNode> each) {
        forEachLine(file, (number, line) -> each.accept(ConfigNode.parse(file + ": line " + number, line)));
    }

    /** The lines that are not empty. */
    public static List<String> lines(Path file) {
        List<String> lines = new ArrayList<>();
        forEachLine(file, (number, line) -> lines.add(line));
        return lines;
    }

    private static void forEachLine(Path file, BiConsumer<Integer, String> each) {
        InputFile.requireRegular(file);
        try (InputStream in = new BufferedInputStream(Files.newInputStream(file))) {
            ByteArrayOutputStream line = new ByteArrayOutputStream();
            int number = 1;
            long offset = 0;
            for (int b = in.read(); b >= 0; b = in.read()) {
                if (b == '\n') {
                    accept(file, number++, offset, line, each);
                    offset += line.size() + 1;
                    line.reset();
                } else if (line.size() == LONGEST_LINE) {
                    throw new InvalidInputException(
                            file + ": line " + number + ": expected at most " + LONGEST_LINE + " bytes");
                } else {
                    line.write(b);
                }
            }
            accept(file, number, offset, line, each);
        } catch (IOException e) {
            throw InputFile.unreadable(file, e);
        }
    }

    /** @param offset of the line in the file, which at its beginning may have a byte order mark */
    private static void accept(
            Path file, int number, long offset, ByteArrayOutputStream line, BiConsumer<Integer, String> each) {
        String text = Utf8.decode(ByteBuffer.wrap(line.toByteArray()), offset, file + ": line " + number);
        if (!text.isBlank()) {
            each.accept(number, text);
        }
    }
}
