package org.mohawk4j.safetensors;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.mohawk4j.InvalidInputException;
import org.mohawk4j.io.InputFile;
import org.mohawk4j.tensor.types.HostSource;
import org.mohawk4j.tensor.types.HostTensor;

/**
 * The weights of a Hugging Face model folder: {@code model.safetensors}, or else the shards that
 * {@code model.safetensors.index.json} lists. Links are followed, as the cache of the Hub needs it. Index and headers
 * must agree on every tensor before any of them can be read.
 */
public final class SafetensorsFolder implements TensorSource {
    /** The file that a folder holds when its weights are not split. */
    public static final String FILE_NAME = "model.safetensors";

    private static final Pattern PYTORCH =
            Pattern.compile("(?:pytorch_model|consolidated|model)\\b.*\\.(?:bin|pt|pth)(?:\\.index\\.json)?");

    private final Path path;
    private final List<SafetensorsFile> shards;
    private final Map<String, SafetensorsFile> shardOf;

    private SafetensorsFolder(Path path, List<SafetensorsFile> shards, Map<String, SafetensorsFile> shardOf) {
        this.path = path;
        this.shards = shards;
        this.shardOf = shardOf;
    }

    /**
     * Opens the weights in {@code folder}.
     *
     * @throws InvalidInputException if there are none; if the index names a file outside the folder; if a shard is
     *     missing, not listed or damaged; if a shard holds a tensor that the index does not place there, or lacks one
     *     that it does
     */
    public static TensorSource open(Path folder) {
        if (!Files.isDirectory(folder)) {
            throw new InvalidInputException(folder + ": expected a model folder, found " + InputFile.whatIsAt(folder));
        }
        if (!Files.isExecutable(folder)) {
            throw InputFile.unreadable(folder, new AccessDeniedException(folder.toString()));
        }
        Path single = folder.resolve(FILE_NAME);
        if (isThere(single)) {
            return SafetensorsFile.open(single);
        }
        Path index = folder.resolve(ShardIndex.FILE_NAME);
        if (!isThere(index)) {
            throw new InvalidInputException(folder + ": expected " + FILE_NAME + " or " + ShardIndex.FILE_NAME
                    + ", found "
                    + inOtherForm(folder).map(SafetensorsFolder::conversion).orElse("neither"));
        }
        return open(folder, ShardIndex.read(index).weightMap());
    }

    /** The weights of a folder that has them as PyTorch pickles them. */
    private static Optional<String> inOtherForm(Path folder) {
        try (Stream<Path> entries = Files.list(folder)) {
            return entries.map(path -> path.getFileName().toString())
                    .filter(name -> PYTORCH.matcher(name).matches())
                    .min(Comparator.naturalOrder());
        } catch (IOException e) {
            throw InputFile.unreadable(folder, e);
        } catch (UncheckedIOException e) {
            throw InputFile.unreadable(folder, Objects.requireNonNull(e.getCause()));
        }
    }

    private static String conversion(String file) {
        return InputFile.shorten(file) + ", weights of PyTorch; convert them in Python: from transformers import"
                + " AutoModelForCausalLM; AutoModelForCausalLM.from_pretrained(FOLDER,"
                + " torch_dtype='auto').save_pretrained(FOLDER)";
    }

    /** A link to nothing is there: opening it says what is wrong. */
    private static boolean isThere(Path path) {
        return Files.exists(path, LinkOption.NOFOLLOW_LINKS);
    }

    private static SafetensorsFolder open(Path folder, Map<String, String> weightMap) {
        Set<String> files = new TreeSet<>(weightMap.values());
        for (String file : files) {
            InputFile.requireRegular(shard(folder, file));
        }
        requireNoOthers(folder, files);
        List<SafetensorsFile> shards = new ArrayList<>();
        try {
            Map<String, SafetensorsFile> shardOf = new HashMap<>();
            for (String file : files) {
                SafetensorsFile shard = SafetensorsFile.open(folder.resolve(file));
                shards.add(shard);
                requireListed(shard, file, weightMap);
                shard.names().forEach(name -> shardOf.put(name, shard));
            }
            requirePresent(folder, weightMap, shardOf.keySet());
            return new SafetensorsFolder(folder, List.copyOf(shards), shardOf);
        } catch (RuntimeException e) {
            shards.forEach(SafetensorsFile::close);
            throw e;
        }
    }

    private static Path shard(Path folder, String file) {
        try {
            return folder.resolve(file);
        } catch (InvalidPathException e) {
            throw new InvalidInputException(
                    folder.resolve(ShardIndex.FILE_NAME) + ": names a shard that no file here can be called, "
                            + InputFile.quote(file),
                    e);
        }
    }

    /** A shard that the index does not list may hold what the model lacks, or be left from another one. */
    private static void requireNoOthers(Path folder, Set<String> listed) {
        try (Stream<Path> entries = Files.list(folder)) {
            entries.map(path -> path.getFileName().toString())
                    .filter(name -> SafetensorsFolderWriter.isShard(name) && !listed.contains(name))
                    .min(Comparator.naturalOrder())
                    .ifPresent(name -> {
                        throw new InvalidInputException(
                                folder.resolve(name) + ": a shard that " + ShardIndex.FILE_NAME + " does not list");
                    });
        } catch (IOException e) {
            throw InputFile.unreadable(folder, e);
        } catch (UncheckedIOException e) {
            throw InputFile.unreadable(folder, Objects.requireNonNull(e.getCause()));
        }
    }

    private static void requireListed(SafetensorsFile shard, String file, Map<String, String> weightMap) {
        for (String name : shard.names()) {
            @Nullable String listed = weightMap.get(name);
            if (!file.equals(listed)) {
                throw new InvalidInputException(shard.path() + ": holds tensor " + InputFile.quote(name) + ", which "
                        + ShardIndex.FILE_NAME
                        + (listed == null ? " does not list" : " places in " + InputFile.quote(listed)));
            }
        }
    }

    private static void requirePresent(Path folder, Map<String, String> weightMap, Set<String> present) {
        if (present.size() < weightMap.size()) {
            Set<String> missing = new HashSet<>(weightMap.keySet());
            missing.removeAll(present);
            String name = missing.iterator().next();
            throw new InvalidInputException(folder.resolve(String.valueOf(weightMap.get(name))) + ": lacks tensor "
                    + InputFile.quote(name) + ", which " + ShardIndex.FILE_NAME + " places there ("
                    + missing.size() + " missing in all)");
        }
    }

    @Override
    public Path path() {
        return path;
    }

    @Override
    public List<String> names() {
        return shards.stream().flatMap(shard -> shard.names().stream()).toList();
    }

    @Override
    public boolean contains(String name) {
        return shardOf.containsKey(name);
    }

    @Override
    public TensorInfo info(String name) {
        return shard(name).info(name);
    }

    @Override
    public HostTensor tensor(String name) {
        return shard(name).tensor(name);
    }

    @Override
    public HostSource numbers(String name) {
        return shard(name).numbers(name);
    }

    @Override
    public HostSource stream(String name) {
        return shard(name).stream(name);
    }

    private SafetensorsFile shard(String name) {
        SafetensorsFile shard = shardOf.get(name);
        if (shard == null) {
            throw new InvalidInputException(path + ": has no tensor " + InputFile.quote(name));
        }
        return shard;
    }

    @Override
    public void close() {
        shards.forEach(SafetensorsFile::close);
    }
}
