package org.mohawk4j.backend.cuda;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.Collections;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.function.UnaryOperator;
import java.util.regex.Pattern;

/**
 * A source of kernels with the headers that it includes, itself or by way of other headers. All lie beside this class,
 * so NVRTC gets them by name and needs no include path.
 *
 * @param name of the file, such as {@code reduction.cu}
 * @param text of the file
 * @param headers texts by name
 */
record KernelSource(String name, String text, SortedMap<String, String> headers) {
    private static final Pattern INCLUDE = Pattern.compile("^\\s*#\\s*include\\s*\"([^\"]+)\"", Pattern.MULTILINE);

    static KernelSource read(String name) {
        return read(name, KernelSource::resource);
    }

    /** @param files the text of a file of a name */
    static KernelSource read(String name, UnaryOperator<String> files) {
        String text = files.apply(name);
        SortedMap<String, String> headers = new TreeMap<>();
        include(text, files, headers);
        return new KernelSource(name, text, Collections.unmodifiableSortedMap(headers));
    }

    private static void include(String text, UnaryOperator<String> files, SortedMap<String, String> headers) {
        INCLUDE.matcher(text).results().map(found -> found.group(1)).forEach(header -> {
            if (!headers.containsKey(header)) {
                String included = files.apply(header);
                headers.put(header, included);
                include(included, files, headers);
            }
        });
    }

    /** Everything that machine code depends on, in one text that is different for different sources or headers. */
    String content() {
        StringBuilder content = new StringBuilder();
        append(content, name, text);
        headers.forEach((header, included) -> append(content, header, included));
        return content.toString();
    }

    private static void append(StringBuilder content, String name, String text) {
        content.append(name).append(' ').append(text.length()).append('\n').append(text);
    }

    private static String resource(String name) {
        try (InputStream in = KernelSource.class.getResourceAsStream(name)) {
            if (in == null) {
                throw new IllegalStateException("no source " + name + " beside " + KernelSource.class);
            }
            return new String(in.readAllBytes(), StandardCharsets.UTF_8);
        } catch (IOException e) {
            throw new UncheckedIOException("cannot read " + name + ": " + e, e);
        }
    }
}
