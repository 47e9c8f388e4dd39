package org.mohawk4j.safetensors;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.fasterxml.jackson.core.JsonProcessingException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.regex.Pattern;
import java.util.stream.Stream;
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
    /** The most bytes of tensors in one file unless a caller says otherwise: transformers' 5 GB. */
    public static final long SHARD_BYTES = 5_000_000_000L;

    private static final Pattern SHARD = Pattern.compile("model-\\d{5}-of-\\d{5}\\.safetensors");
    private static final int SHARD_NUMBER_END = "model-00000".length();

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
        if (parts.size() > 1) {
            requireNoOtherShards(folder, parts.size());
        }
        Map<String, SafetensorsWriter> shards = new LinkedHashMap<>();
        Map<String, String> weightMap = new HashMap<>();
        try {
            for (int i = 0; i < parts.size(); i++) {
                String file = parts.size() == 1 ? SafetensorsFolder.FILE_NAME : shard(i + 1, parts.size());
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

    private static String shard(int number, int count) {
        return String.format(Locale.ROOT, "model-%05d-of-%05d.safetensors", number, count);
    }

    /** Shards of another number would stay, and readers would refuse them. */
    private static void requireNoOtherShards(Path folder, int count) {
        String ours = shard(1, count).substring(SHARD_NUMBER_END);
        try (Stream<Path> files = Files.list(folder)) {
            files.map(file -> String.valueOf(file.getFileName()))
                    .filter(name -> isShard(name) && !name.endsWith(ours))
                    .min(Comparator.naturalOrder())
                    .ifPresent(name -> {
                        throw new InvalidInputException(folder + ": expected a folder without " + name
                                + ", because the weights to be written are " + count + " shards");
                    });
        } catch (IOException e) {
            throw InputFile.unwritable(folder, e);
        }
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
        // a disk that is full says so before anything has its name
        shards.values().forEach(SafetensorsWriter::flush);
        if (shards.size() == 1) {
            shards.values().forEach(SafetensorsWriter::commit);
            return;
        }
        List<Path> added = new ArrayList<>();
        try (AtomicFile index = new AtomicFile(folder.resolve(ShardIndex.FILE_NAME))) {
            index.write(
                    ByteBuffer.wrap(new ShardIndex(weightMap).toJson(totalBytes).getBytes(UTF_8)), 0);
            index.flush();
            shards.forEach((name, shard) -> {
                Path file = folder.resolve(name);
                boolean isNew = !Files.exists(file);
                shard.commit();
                if (isNew) {
                    added.add(file);
                }
            });
            index.commit();
        } catch (JsonProcessingException e) {
            throw new UncheckedIOException("writing to memory failed", e);
        } catch (RuntimeException e) {
            remove(added, e);
            throw e;
        }
    }

    /** Shards without their index are no model. */
    private static void remove(List<Path> shards, RuntimeException cause) {
        for (Path shard : shards) {
            try {
                Files.deleteIfExists(shard);
            } catch (IOException e) {
                cause.addSuppressed(e);
            }
        }
    }

    /** Whether a file is called like a shard. */
    static boolean isShard(String name) {
        return SHARD.matcher(name).matches();
    }

    @Override
    public void close() {
        shards.values().forEach(SafetensorsWriter::close);
    }
}
