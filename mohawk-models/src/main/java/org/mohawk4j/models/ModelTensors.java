package org.mohawk4j.models;

import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import org.mohawk4j.InvalidInputException;
import org.mohawk4j.io.Sha256;
import org.mohawk4j.nn.Parameter;
import org.mohawk4j.safetensors.TensorInfo;
import org.mohawk4j.safetensors.TensorSource;
import org.mohawk4j.tensor.types.DType;
import org.mohawk4j.tensor.types.HostSource;
import org.mohawk4j.tensor.types.HostTensors;
import org.mohawk4j.tensor.types.Shape;

/** The tensors of a model's files, under the names of its {@link ModelFormat}. */
final class ModelTensors {
    private final TensorSource source;
    private final ModelFormat format;

    /** The name in the file by the one in the format. */
    private final Map<String, String> inFile = new HashMap<>();

    ModelTensors(TensorSource source, ModelFormat format) {
        this.source = source;
        this.format = format;
        for (String name : source.names()) {
            String other = inFile.put(format.canonicalName(name), name);
            if (other != null) {
                throw new InvalidInputException(source.path() + ": tensors " + other + " and " + name
                        + " are the same one of a " + format.name() + " model");
            }
        }
    }

    /** The parameters of each tensor that a model is saved with: one, or several whose rows it joins. */
    static Map<String, List<Parameter>> names(CausalLm model, ModelFormat format) {
        Map<String, List<Parameter>> tensors = new LinkedHashMap<>();
        Map<String, String> before = new HashMap<>();
        model.parameters().forEach((name, parameter) -> {
            String fileName = format.fileName(model.config(), name);
            String other = before.put(fileName, name);
            if (other != null && !format.isJoined(fileName)) {
                throw new InvalidInputException("a model of the form " + format.name() + " cannot be saved: it keeps "
                        + other + " and " + name + " in one tensor, " + fileName + ", but they are trained apart");
            }
            tensors.computeIfAbsent(fileName, key -> new ArrayList<>()).add(parameter);
        });
        return tensors;
    }

    /** The shape of a tensor that joins these. */
    static Shape shape(List<Parameter> parts) {
        Shape first = parts.get(0).shape();
        return first.with(
                0, parts.stream().mapToLong(part -> part.shape().dim(0)).sum());
    }

    /** The numbers of a tensor that joins these. */
    static HostSource numbers(List<Parameter> parts) {
        List<HostSource> sources =
                parts.stream().map(part -> part.value().inPieces()).toList();
        return sources.size() == 1 ? sources.get(0) : HostSource.joined(shape(parts), sources);
    }

    /**
     * Gives a model its weights; all of them must be there, and nothing else.
     *
     * @param linear the type of the weights of linear maps
     */
    void fill(CausalLm model, DType linear) {
        Set<Parameter> linearWeights = new HashSet<>(model.linearWeights());
        requireAll(model);
        Map<String, List<Parameter>> tensors = names(model, format);
        inFile.keySet().stream()
                .filter(name -> !tensors.containsKey(name))
                .forEach(name -> format.original(name).ifPresent(original -> requireCopy(name, original)));
        tensors.forEach((fileName, parts) -> {
            HostSource numbers = source.stream(named(fileName, shape(parts)));
            long from = 0;
            for (Parameter part : parts) {
                part.set(
                        parts.size() == 1 ? numbers : numbers.slice(from, part.shape()),
                        linearWeights.contains(part) ? linear : model.engine().parameterType());
                from += part.shape().size();
            }
        });
    }

    /** A file may have a copy of a tensor that is tied to another, but not other numbers. */
    private void requireCopy(String redundant, String original) {
        TensorInfo copy = source.info(Objects.requireNonNull(inFile.get(redundant)));
        TensorInfo first = source.info(named(original, copy.shape()));
        boolean sameType = copy.dtype().equals(first.dtype());
        if (!Arrays.equals(digest(copy.name(), sameType), digest(first.name(), sameType))) {
            throw new InvalidInputException(source.path() + ": tensor " + copy.name() + ": expected the numbers of "
                    + first.name() + ", to which config.json ties it, found others; with tie_word_embeddings false it"
                    + " is read");
        }
    }

    private byte[] digest(String name, boolean asStored) {
        MessageDigest digest = Sha256.digest();
        source.stream(name)
                .forEachPiece((from, piece) ->
                        digest.update((asStored ? piece : HostTensors.convert(piece, DType.FLOAT64)).data()));
        return digest.digest();
    }

    /** Throws if a weight of a model is missing or of another shape, or there is something else. */
    void requireAll(CausalLm model) {
        Set<String> unread = new HashSet<>(inFile.keySet());
        unread.removeIf(format::isRedundant);
        names(model, format).forEach((fileName, parts) -> {
            named(fileName, shape(parts));
            unread.remove(fileName);
        });
        if (!unread.isEmpty()) {
            throw new InvalidInputException(source.path() + ": " + unread.size() + " tensors that a " + format.name()
                    + " model has no place for, such as "
                    + unread.stream().sorted().findFirst().orElseThrow());
        }
    }

    /** The name in the file of a tensor of that shape. */
    String named(String fileName, Shape expected) {
        String name = inFile.get(fileName);
        if (name == null) {
            throw new InvalidInputException(source.path() + ": tensor " + fileName + " is missing"
                    + (fileName.equals("lm_head.weight")
                            ? ", and the configuration does not tie the head to the embedding"
                            : ""));
        }
        Shape found = source.info(name).shape();
        if (!found.equals(expected)) {
            throw new InvalidInputException(source.path() + ": tensor " + name + ": expected shape " + expected
                    + " by config.json, found " + found);
        }
        return name;
    }
}
