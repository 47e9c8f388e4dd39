package org.mohawk4j.train.checkpoint;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.BiFunction;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.mohawk4j.InvalidInputException;
import org.mohawk4j.io.InputFile;
import org.mohawk4j.safetensors.SafetensorsFile;
import org.mohawk4j.tensor.types.HostSource;
import org.mohawk4j.tensor.types.HostTensor;
import org.mohawk4j.tensor.types.Shape;

/** A checkpoint on disk that was found whole. */
public record Checkpoint(Path folder, Position position) {
    static final String STATE = "state.json";

    private static final ObjectMapper JSON = new ObjectMapper();

    /** Everything that is no array. */
    public ObjectNode state() {
        try {
            return (ObjectNode) JSON.readTree(folder.resolve(STATE).toFile());
        } catch (IOException e) {
            throw InputFile.unreadable(folder.resolve(STATE), e);
        }
    }

    /**
     * The arrays of a file, by name; memory-mapped. None if the checkpoint was saved without.
     *
     * @throws InvalidInputException if the file cannot be read
     */
    public Map<String, HostSource> numbers(String file) {
        return read(file, SafetensorsFile::numbers);
    }

    /**
     * As {@link #numbers}, of files that several ranks have written: what more than one of them has is a part of an array
     * in each, flat, and joined in the order of their names.
     *
     * @param files their names
     */
    public Map<String, HostSource> joined(Pattern files) {
        Map<String, List<HostSource>> parts = new LinkedHashMap<>();
        for (String file : names(files)) {
            numbers(file)
                    .forEach((name, part) ->
                            parts.computeIfAbsent(name, n -> new ArrayList<>()).add(part));
        }
        Map<String, HostSource> whole = new LinkedHashMap<>();
        parts.forEach((name, all) -> whole.put(name, all.size() == 1 ? all.get(0) : join(all)));
        return whole;
    }

    private static HostSource join(List<HostSource> parts) {
        long size = parts.stream().mapToLong(part -> part.shape().size()).sum();
        return HostSource.joined(Shape.of(size), parts);
    }

    private List<String> names(Pattern files) {
        try (Stream<Path> all = Files.list(folder)) {
            return all.map(file -> String.valueOf(file.getFileName()))
                    .filter(name -> files.matcher(name).matches())
                    .sorted()
                    .toList();
        } catch (IOException e) {
            throw InputFile.unreadable(folder, e);
        }
    }

    /** As {@link #numbers}, of arrays that fit into a buffer each. */
    public Map<String, HostTensor> tensors(String file) {
        return read(file, SafetensorsFile::tensor);
    }

    private <T> Map<String, T> read(String file, BiFunction<SafetensorsFile, String, T> reader) {
        Map<String, T> tensors = new LinkedHashMap<>();
        if (Files.exists(folder.resolve(file))) {
            try (SafetensorsFile source = SafetensorsFile.open(folder.resolve(file))) {
                source.names().forEach(name -> tensors.put(name, reader.apply(source, name)));
            }
        }
        return tensors;
    }
}
