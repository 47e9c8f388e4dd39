package org.mohawk4j.train.checkpoint;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.function.BiFunction;
import org.mohawk4j.InvalidInputException;
import org.mohawk4j.io.InputFile;
import org.mohawk4j.safetensors.SafetensorsFile;
import org.mohawk4j.tensor.types.HostSource;
import org.mohawk4j.tensor.types.HostTensor;

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
