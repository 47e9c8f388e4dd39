package org.mohawk4j.models;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.SerializationFeature;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.ServiceLoader;
import java.util.SplittableRandom;
import java.util.stream.Collectors;
import java.util.stream.StreamSupport;
import org.mohawk4j.InvalidInputException;
import org.mohawk4j.io.AtomicFile;
import org.mohawk4j.io.ConfigNode;
import org.mohawk4j.io.InputFile;
import org.mohawk4j.nn.Parameter;
import org.mohawk4j.safetensors.SafetensorsFolderWriter;
import org.mohawk4j.safetensors.SafetensorsWriter;
import org.mohawk4j.safetensors.TensorSink;
import org.mohawk4j.safetensors.TensorSource;
import org.mohawk4j.safetensors.TensorSpec;
import org.mohawk4j.tensor.Engine;
import org.mohawk4j.tensor.types.DType;
import org.mohawk4j.tensor.types.Shape;

/** Models in folders of {@code config.json} and safetensors, in any {@link ModelFormat} on the class path. */
public final class ModelFolder {
    private static final String CONFIG = "config.json";
    private static final ObjectMapper JSON = new ObjectMapper().enable(SerializationFeature.INDENT_OUTPUT);

    private ModelFolder() {}

    /**
     * As {@link #load}, for a model that is not trained: its linear maps go from the file straight into the type of the
     * backend's products, as {@link CausalLm#castWeights} would leave them.
     */
    public static CausalLm loadForInference(Engine engine, Path folder) {
        return load(engine, folder, engine.backend().productType());
    }

    /**
     * Loads a model; every parameter must be in the folder, and nothing else.
     *
     * @throws InvalidInputException naming what is missing, unknown or of another shape
     */
    public static CausalLm load(Engine engine, Path folder) {
        return load(engine, folder, engine.parameterType());
    }

    /** @param linear the type of the weights of linear maps */
    private static CausalLm load(Engine engine, Path folder, DType linear) {
        ConfigNode json = readConfig(folder);
        ModelFormat format = formatOf(folder, json);
        CausalLmConfig config = format.read(json);
        try (TensorSource source = TensorSource.open(folder)) {
            // A wrong configuration must not make room for what the file does not hold.
            new ModelTensors(source, format)
                    .named(format.fileName(config, "embedding.weight"), Shape.of(config.vocabulary(), config.width()));
            CausalLm model = new CausalLm(engine, config, new SplittableRandom(0));
            try {
                new ModelTensors(source, format).fill(model, linear);
                return model;
            } catch (RuntimeException e) {
                model.close();
                throw e;
            }
        }
    }

    /**
     * A model of a folder's dimensions with newly initialized parameters, allocated when they are first read. Its weights
     * are looked at in the files' headers alone.
     *
     * @throws InvalidInputException as {@link #load} does
     */
    public static CausalLm unread(Engine engine, Path folder) {
        ConfigNode json = readConfig(folder);
        ModelFormat format = formatOf(folder, json);
        CausalLm model = new CausalLm(engine, format.read(json), new SplittableRandom(0));
        try (TensorSource source = TensorSource.open(folder)) {
            new ModelTensors(source, format).requireAll(model);
            return model;
        } catch (RuntimeException e) {
            model.close();
            throw e;
        }
    }

    /** The dimensions of a model, without its weights. */
    public static CausalLmConfig config(Path folder) {
        ConfigNode json = readConfig(folder);
        return formatOf(folder, json).read(json);
    }

    /**
     * Checks that there is a folder, and that it is not that of a run, whose model is in a folder of its own.
     *
     * @param name of the model for the message, such as {@code teacher}
     */
    public static void requireFolder(String name, Path folder) {
        if (!Files.isDirectory(folder)) {
            throw new InvalidInputException(name + " " + folder + ": expected a model folder, found "
                    + (Files.exists(folder) ? "a file" : "nothing"));
        }
        Path student = folder.resolve("student");
        boolean isOfRun = Files.exists(folder.resolve("config.yaml")) && Files.exists(student.resolve(CONFIG));
        if (isOfRun && !Files.exists(folder.resolve(CONFIG))) {
            throw new InvalidInputException(
                    name + " " + folder + ": expected a model folder, found a run folder; its student is " + student);
        }
    }

    /** The form that a folder's {@code config.json} is of. */
    public static ModelFormat format(Path folder) {
        return formatOf(folder, readConfig(folder));
    }

    /**
     * Writes {@code config.json} and the weights in float32, one file or shards of 5 GB, in the form that can describe the model.
     *
     * @param folder is made if needed
     * @throws InvalidInputException if the model cannot be saved, or the folder's path is to blame
     * @throws org.mohawk4j.StorageException if the disk refuses; what was there before stays
     */
    public static void save(CausalLm model, Path folder) {
        save(model, folder, DType.FLOAT32);
    }

    /** As {@link #save(CausalLm, Path)}, with weights of another floating type. */
    public static void save(CausalLm model, Path folder, DType dtype) {
        save(model, folder, dtype, SafetensorsFolderWriter.SHARD_BYTES);
    }

    /**
     * As {@link #save(CausalLm, Path, DType)}.
     *
     * @param maxShardBytes the most bytes of weights in one file; more are written as shards with an index
     */
    public static void save(CausalLm model, Path folder, DType dtype, long maxShardBytes) {
        Described described = describe(model.config());
        write(model, described, folder, dtype, maxShardBytes);
    }

    /**
     * As {@link #save(CausalLm, Path, DType, long)}, in one form.
     *
     * @throws InvalidInputException also if the form cannot describe the model
     */
    public static void save(CausalLm model, ModelFormat format, Path folder, DType dtype, long maxShardBytes) {
        ObjectNode json = format.write(model.config())
                .orElseThrow(() ->
                        new InvalidInputException("a model of this kind cannot be saved in the form " + format.name()));
        write(model, new Described(format, json), folder, dtype, maxShardBytes);
    }

    /**
     * Throws what {@link #save(CausalLm, Path)} would throw for a model that no form can describe. That its parameters
     * have names of their own in the file is checked by {@link #requireSavable(CausalLm)}.
     */
    public static void requireSavable(CausalLmConfig config) {
        describe(config);
    }

    /**
     * Throws what {@link #save(CausalLm, Path)} would throw for a model that cannot be saved, to be called before it is
     * trained.
     *
     * @throws InvalidInputException if no form can describe it, or its form has one tensor for two parameters
     */
    public static void requireSavable(CausalLm model) {
        Described described = describe(model.config());
        ModelTensors.names(model, described.format());
    }

    /** The {@code config.json} that a model of these dimensions is saved with. */
    public static ObjectNode toJson(CausalLmConfig config) {
        return describe(config).json();
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

    private static void write(CausalLm model, Described described, Path folder, DType dtype, long maxShardBytes) {
        Map<String, List<Parameter>> tensors = ModelTensors.names(model, described.format());
        List<TensorSpec> specs = new ArrayList<>();
        tensors.forEach((name, parts) -> specs.add(new TensorSpec(name, dtype, ModelTensors.shape(parts))));
        try {
            Files.createDirectories(folder);
        } catch (IOException e) {
            throw InputFile.unwritable(folder, e);
        }
        // nothing is given its name before all is on the disk
        try (AtomicFile description = new AtomicFile(folder.resolve(CONFIG));
                TensorSink weights =
                        SafetensorsFolderWriter.create(folder, specs, SafetensorsWriter.PYTORCH, maxShardBytes)) {
            description.write(ByteBuffer.wrap(format(described.json())), 0);
            description.flush();
            tensors.forEach((name, parts) ->
                    weights.write(name, ModelTensors.numbers(parts).as(dtype)));
            weights.commit();
            description.commit();
        }
        described.format().companions().forEach((name, bytes) -> AtomicFile.write(folder.resolve(name), bytes));
    }

    private static byte[] format(ObjectNode config) {
        try {
            return (JSON.writeValueAsString(config) + "\n").getBytes(UTF_8);
        } catch (JsonProcessingException e) {
            throw new IllegalStateException("a configuration cannot be written as JSON", e);
        }
    }

    /**
     * Gives a model the weights of a folder that {@link #save} wrote of it.
     *
     * @throws InvalidInputException naming what is missing, unknown or of another shape
     */
    public static void restore(CausalLm model, Path folder) {
        try (TensorSource source = TensorSource.open(folder)) {
            new ModelTensors(source, describe(model.config()).format())
                    .fill(model, model.engine().parameterType());
        }
    }

    private static ConfigNode readConfig(Path folder) {
        requireFolder("model", folder);
        return ConfigNode.read(folder.resolve(CONFIG));
    }

    private static ModelFormat formatOf(Path folder, ConfigNode config) {
        List<ModelFormat> formats = formats();
        Optional<ModelFormat> found =
                formats.stream().filter(format -> format.accepts(config)).findFirst();
        UnsupportedParts.refuse(config, found.filter(ModelFormat::ignoresVision).isPresent());
        return found.orElseThrow(() -> new InvalidInputException(folder.resolve(CONFIG)
                + ": none of the known kinds of model ("
                + formats.stream().map(ModelFormat::name).collect(Collectors.joining(", ")) + ")"
                + (config.has("model_type") ? ", model_type is " + InputFile.shorten(config.text("model_type")) : "")));
    }

    private static List<ModelFormat> formats() {
        return StreamSupport.stream(ServiceLoader.load(ModelFormat.class).spliterator(), false)
                .toList();
    }
}
