package org.mohawk4j.models;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.SerializationFeature;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.ServiceLoader;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.stream.Collectors;
import java.util.stream.StreamSupport;
import org.mohawk4j.InvalidInputException;
import org.mohawk4j.layer.Parameter;
import org.mohawk4j.safetensors.InputFile;
import org.mohawk4j.safetensors.SafetensorsWriter;
import org.mohawk4j.safetensors.TensorSource;
import org.mohawk4j.safetensors.TensorSpec;
import org.mohawk4j.tensor.DType;
import org.mohawk4j.tensor.Engine;
import org.mohawk4j.tensor.HostTensors;
import org.mohawk4j.tensor.Shape;

/** Models in folders of {@code config.json} and safetensors, in any {@link ModelFormat} on the class path. */
public final class ModelFolder {
    private static final String CONFIG = "config.json";
    private static final String WEIGHTS = "model.safetensors";
    private static final ObjectMapper JSON = new ObjectMapper().enable(SerializationFeature.INDENT_OUTPUT);

    private ModelFolder() {}

    /** As {@link #load}, for a model that is not trained: its linear maps in the type of the backend's products. */
    public static CausalLm loadForInference(Engine engine, Path folder) {
        CausalLm model = load(engine, folder);
        model.narrowLinearMaps();
        return model;
    }

    /**
     * Loads a model; every parameter must be in the folder, and nothing else.
     *
     * @throws InvalidInputException naming what is missing, unknown or of another shape
     */
    public static CausalLm load(Engine engine, Path folder) {
        ConfigNode json = readConfig(folder);
        ModelFormat format = formatOf(folder, json);
        CausalLmConfig config = format.read(json);
        try (TensorSource source = TensorSource.open(folder)) {
            // A wrong configuration must not make room for what the file does not hold.
            requireShape(
                    source, format.fileName(config, "embedding.weight"), Shape.of(config.vocabulary(), config.width()));
            CausalLm model = new CausalLm(engine, config, new SplittableRandom(0));
            try {
                fill(model, source, format);
                return model;
            } catch (RuntimeException e) {
                model.close();
                throw e;
            }
        }
    }

    /** The dimensions of a model, without its weights. */
    public static CausalLmConfig config(Path folder) {
        ConfigNode json = readConfig(folder);
        return formatOf(folder, json).read(json);
    }

    /** The form that a folder's {@code config.json} is of. */
    public static ModelFormat format(Path folder) {
        return formatOf(folder, readConfig(folder));
    }

    /**
     * Writes {@code config.json} and {@code model.safetensors} in float32, in the form that can describe the model.
     *
     * @param folder is made if needed
     */
    public static void save(CausalLm model, Path folder) {
        save(model, folder, DType.FLOAT32);
    }

    /** As {@link #save(CausalLm, Path)}, with weights of another floating type. */
    public static void save(CausalLm model, Path folder, DType dtype) {
        Described described = describe(model.config());
        write(model, described.format(), described.json(), folder, dtype);
    }

    /** Throws what {@link #save(CausalLm, Path)} would throw for a model that no form can describe. */
    public static void requireSavable(CausalLmConfig config) {
        describe(config);
    }

    private record Described(ModelFormat format, ObjectNode json) {}

    private static Described describe(CausalLmConfig config) {
        for (ModelFormat format : formats()) {
            var json = format.write(config);
            if (json.isPresent()) {
                return new Described(format, json.get());
            }
        }
        throw new InvalidInputException("no model format on the class path can describe a model of "
                + config.mixers().stream()
                        .map(m -> m.getClass().getName())
                        .distinct()
                        .collect(Collectors.joining(", "))
                + " in blocks of this form");
    }

    private static void write(CausalLm model, ModelFormat format, ObjectNode config, Path folder, DType dtype) {
        Map<String, Parameter> parameters = model.parameters();
        List<TensorSpec> specs = new ArrayList<>();
        parameters.forEach((name, parameter) ->
                specs.add(new TensorSpec(format.fileName(model.config(), name), dtype, parameter.shape())));
        try {
            Files.createDirectories(folder);
            try (SafetensorsWriter writer =
                    SafetensorsWriter.create(folder.resolve(WEIGHTS), specs, SafetensorsWriter.PYTORCH)) {
                parameters.forEach((name, parameter) -> writer.write(
                        format.fileName(model.config(), name),
                        HostTensors.convert(parameter.value().toHost(), dtype)));
                writer.commit();
            }
            Files.writeString(folder.resolve(CONFIG), JSON.writeValueAsString(config) + "\n");
        } catch (JsonProcessingException e) {
            throw new IllegalStateException("a configuration cannot be written as JSON", e);
        } catch (IOException e) {
            throw new InvalidInputException(folder + ": cannot be written: " + e.getMessage(), e);
        }
    }

    private static void fill(CausalLm model, TensorSource source, ModelFormat format) {
        Set<String> unread = new HashSet<>(source.names());
        unread.removeIf(format::isRedundant);
        model.parameters().forEach((name, parameter) -> {
            String fileName = format.fileName(model.config(), name);
            requireShape(source, fileName, parameter.shape());
            parameter.set(source.tensor(fileName));
            unread.remove(fileName);
        });
        if (!unread.isEmpty()) {
            throw new InvalidInputException(source.path() + ": " + unread.size() + " tensors that a " + format.name()
                    + " model has no place for, such as "
                    + unread.stream().sorted().findFirst().orElseThrow());
        }
    }

    private static void requireShape(TensorSource source, String fileName, Shape expected) {
        if (!source.contains(fileName)) {
            throw new InvalidInputException(source.path() + ": tensor " + fileName + " is missing");
        }
        Shape found = source.info(fileName).shape();
        if (!found.equals(expected)) {
            throw new InvalidInputException(source.path() + ": tensor " + fileName + ": expected shape " + expected
                    + " by " + CONFIG + ", found " + found);
        }
    }

    private static ConfigNode readConfig(Path folder) {
        if (!Files.isDirectory(folder)) {
            throw new InvalidInputException(folder + ": no such folder");
        }
        return ConfigNode.read(folder.resolve(CONFIG));
    }

    private static ModelFormat formatOf(Path folder, ConfigNode config) {
        List<ModelFormat> formats = formats();
        return formats.stream()
                .filter(format -> format.accepts(config))
                .findFirst()
                .orElseThrow(
                        () -> new InvalidInputException(folder.resolve(CONFIG) + ": none of the known kinds of model ("
                                + formats.stream().map(ModelFormat::name).collect(Collectors.joining(", ")) + ")"
                                + (config.has("model_type")
                                        ? ", model_type is " + InputFile.shorten(config.text("model_type"))
                                        : "")));
    }

    private static List<ModelFormat> formats() {
        return StreamSupport.stream(ServiceLoader.load(ModelFormat.class).spliterator(), false)
                .toList();
    }
}
