package org.mohawk4j.safetensors;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.fasterxml.jackson.core.JsonProcessingException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.mohawk4j.InvalidInputException;
import org.mohawk4j.io.AtomicFile;
import org.mohawk4j.io.InputFile;
import org.mohawk4j.tensor.types.HostSource;

/**
 * Writes the weights of a model folder as the Hugging Face ecosystem reads them: {@code model.safetensors}, or, when
 * that would be larger than a shard may be, {@code model-00001-of-0000N.safetensors} and
 * {@code model.safetensors.index.json}. Shards are filled in the order of declaration; a tensor larger than a shard may
 * be has one of its own. The index is written last.
 */
public final class SafetensorsFolderWriter implements TensorSink {
    private final Path folder;
    private final Map<String, SafetensorsWriter> shards;
    private final Map<String, String> weightMap;
    private final long totalBytes;

    private SafetensorsFolderWriter(
            Path folder, Map<String, SafetensorsWriter> shards, Map<String, String> weightMap, long totalBytes) {
        this.folder = folder;
        this.shards = shards;
        this.weightMap = weightMap;
        this.totalBytes = totalBytes;
    }

    /**
     * Starts the files, in a folder that is made if it is missing.
     *
     * @param tensors what will be written
     * @param metadata the {@code __metadata__} entry of each file, usually {@link SafetensorsWriter#PYTORCH}
     * @param maxShardBytes the most bytes of tensors in one file; {@link Long#MAX_VALUE} for a single file
     * @throws IllegalArgumentException if a name is invalid or occurs twice, or {@code maxShardBytes} is below 1
     * @throws InvalidInputException if the files cannot be created, or the folder already holds weights in the other
     *     form, which readers would then prefer or trip over
     */
    public static SafetensorsFolderWriter create(
            Path folder, List<TensorSpec> tensors, Map<String, String> metadata, long maxShardBytes) {
        if (maxShardBytes < 1) {
            throw new IllegalArgumentException("maxShardBytes should be positive, not " + maxShardBytes);
        }
        try {
            Files.createDirectories(folder);
        } catch (IOException e) {
            throw InputFile.unwritable(folder, e);
        }
        List<List<TensorSpec>> parts = split(tensors, maxShardBytes);
        String other = parts.size() == 1 ? ShardIndex.FILE_NAME : SafetensorsFolder.FILE_NAME;
        if (Files.exists(folder.resolve(other))) {
            throw new InvalidInputException(folder + ": expected a folder without " + other
                    + ", because the weights to be written are "
                    + (parts.size() == 1 ? "one file" : parts.size() + " shards"));
        }
        Map<String, SafetensorsWriter> shards = new LinkedHashMap<>();
        Map<String, String> weightMap = new HashMap<>();
        try {
            for (int i = 0; i < parts.size(); i++) {
                String file = parts.size() == 1
                        ? SafetensorsFolder.FILE_NAME
                        : String.format(Locale.ROOT, "model-%05d-of-%05d.safetensors", i + 1, parts.size());
                shards.put(file, SafetensorsWriter.create(folder.resolve(file), parts.get(i), metadata));
                for (TensorSpec spec : parts.get(i)) {
                    if (weightMap.put(spec.name(), file) != null) {
                        throw new IllegalArgumentException(
                                "tensor " + InputFile.quote(spec.name()) + " is declared twice");
                    }
                }
            }
        } catch (RuntimeException e) {
            shards.values().forEach(SafetensorsWriter::close);
            throw e;
        }
        long total = tensors.stream().mapToLong(TensorSpec::byteLength).sum();
        return new SafetensorsFolderWriter(folder, shards, weightMap, total);
    }

    private static List<List<TensorSpec>> split(List<TensorSpec> tensors, long maxShardBytes) {
        List<List<TensorSpec>> parts = new ArrayList<>();
        List<TensorSpec> part = new ArrayList<>();
        long room = maxShardBytes;
        for (TensorSpec spec : tensors) {
            if (spec.byteLength() > room && !part.isEmpty()) {
                parts.add(part);
                part = new ArrayList<>();
                room = maxShardBytes;
            }
            part.add(spec);
            room -= spec.byteLength();
        }
        parts.add(part);
        return parts;
    }

    @Override
    public void write(String name, HostSource tensor) {
        SafetensorsWriter shard = shards.get(String.valueOf(weightMap.get(name)));
        if (shard == null) {
            throw new IllegalArgumentException("tensor " + InputFile.quote(name) + " was not declared");
        }
        shard.write(name, tensor);
    }

    @Override
    public void commit() {
        shards.values().forEach(SafetensorsWriter::requireComplete);
        shards.values().forEach(SafetensorsWriter::commit);
        if (shards.size() > 1) {
            try {
                byte[] json = new ShardIndex(weightMap).toJson(totalBytes).getBytes(UTF_8);
                AtomicFile.write(folder.resolve(ShardIndex.FILE_NAME), json);
            } catch (JsonProcessingException e) {
                throw new UncheckedIOException("writing to memory failed", e);
            }
        }
    }

    @Override
    public void close() {
        shards.values().forEach(SafetensorsWriter::close);
    }
}
