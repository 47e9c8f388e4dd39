package org.mohawk4j.backend.cuda.compile;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.Collections;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.function.UnaryOperator;
import java.util.regex.Pattern;

/**
 * A CUDA source with the headers that it includes, itself or by way of other headers. A header lies beside the source, in
 * the folder of its family, or in {@code include}. NVRTC gets all of them by name and needs no include path.
 *
 * @param name of the file, such as {@code reduction.cu}
 * @param text of the file
 * @param headers texts by name
 */
record KernelSource(String name, String text, SortedMap<String, String> headers) {
    private static final String ROOT = "/org/mohawk4j/backend/cuda/";
    private static final String INCLUDE_FOLDER = "include/";
    private static final Pattern INCLUDE = Pattern.compile("^\\s*#\\s*include\\s*\"([^\"]+)\"", Pattern.MULTILINE);

    /** @param path of the source below the folder of the backend, such as {@code op/tensor/reduction.cu} */
    static KernelSource read(String path) {
        int name = path.lastIndexOf('/') + 1;
        String family = path.substring(0, name);
        return read(
                path.substring(name),
                file -> resource(family + file)
                        .or(() -> resource(INCLUDE_FOLDER + file))
                        .orElseThrow(() -> new IllegalStateException(
                                "no CUDA source " + file + " in " + family + " or " + INCLUDE_FOLDER)));
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

    private static Optional<String> resource(String path) {
        try (InputStream in = KernelSource.class.getResourceAsStream(ROOT + path)) {
            return in == null ? Optional.empty() : Optional.of(new String(in.readAllBytes(), StandardCharsets.UTF_8));
        } catch (IOException e) {
            throw new UncheckedIOException("cannot read " + path + ": " + e, e);
        }
    }
}
