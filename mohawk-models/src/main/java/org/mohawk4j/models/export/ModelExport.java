package org.mohawk4j.models.export;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.List;
import java.util.UUID;
import java.util.stream.Stream;
import org.mohawk4j.InvalidInputException;
import org.mohawk4j.backend.BackendOptions;
import org.mohawk4j.io.Folders;
import org.mohawk4j.io.InputFile;
import org.mohawk4j.models.CausalLm;
import org.mohawk4j.models.CausalLmConfig;
import org.mohawk4j.models.ModelFolder;
import org.mohawk4j.models.ModelFormat;
import org.mohawk4j.safetensors.SafetensorsDtype;
import org.mohawk4j.safetensors.TensorSource;
import org.mohawk4j.tensor.Engine;
import org.mohawk4j.tensor.types.DType;

/** Exports a model folder in a format that other software opens, with all files that belong beside the weights. */
public final class ModelExport {
    private ModelExport() {}

    /**
     * Exports a model. The folder appears whole or not at all.
     *
     * @param model a folder that {@link ModelFolder} reads
     * @param others folders, such as the teacher's, that lend files which the model's folder lacks; the first counts more
     * @param out a folder that is not there yet, or is empty
     * @return the names of the files in it, sorted
     * @throws InvalidInputException if the form cannot hold the model, or a path is to blame
     * @throws org.mohawk4j.StorageException if the disk refuses
     */
    public static List<String> write(Path model, ExportForm form, List<Path> others, Path out) {
        CausalLmConfig config = ModelFolder.config(model);
        ModelFormat format = form.require(config);
        CompanionFiles files = new CompanionFiles(
                Stream.concat(Stream.of(model), others.stream()).toList());
        files.requireTokenizerFor(config.vocabulary());
        requireFree(out);
        Path absolute = out.toAbsolutePath().normalize();
        Path partial = absolute.resolveSibling("." + absolute.getFileName() + "." + UUID.randomUUID() + ".partial");
        try {
            try {
                Files.createDirectories(partial);
                writeWeights(model, format, partial, form.maxShardBytes());
                files.copyTo(partial);
                if (form == ExportForm.TRANSFORMERS) {
                    files.completeFor(partial);
                }
                Files.deleteIfExists(absolute);
                Files.move(partial, absolute, StandardCopyOption.ATOMIC_MOVE);
            } catch (IOException | RuntimeException e) {
                Folders.delete(partial);
                throw e;
            }
            return names(absolute);
        } catch (IOException e) {
            throw InputFile.unwritable(out, e);
        }
    }

    private static void requireFree(Path out) {
        if (Files.exists(out) && !Files.isDirectory(out)) {
            throw new InvalidInputException("out " + out + ": expected a new or empty folder, found a file");
        }
        if (Files.isDirectory(out)) {
            try (Stream<Path> files = Files.list(out)) {
                files.findFirst().ifPresent(file -> {
                    throw new InvalidInputException(
                            "out " + out + ": expected a new or empty folder, found " + file.getFileName() + " in it");
                });
            } catch (IOException e) {
                throw InputFile.unreadable(out, e);
            }
        }
        Folders.requireWritable(out);
    }

    private static void writeWeights(Path folder, ModelFormat format, Path target, long maxShardBytes) {
        try (Engine engine = Engine.open("nd4j", BackendOptions.defaults());
                CausalLm model = ModelFolder.load(engine, folder)) {
            ModelFolder.save(model, format, target, dtype(folder), maxShardBytes);
        }
    }

    /** That of all weights, if it is one that rounds nothing; else float32. */
    private static DType dtype(Path folder) {
        try (TensorSource source = TensorSource.open(folder)) {
            List<SafetensorsDtype> types = source.names().stream()
                    .map(name -> source.info(name).dtype())
                    .distinct()
                    .toList();
            return types.size() == 1 && types.get(0).bits() < Float.SIZE
                    ? types.get(0).dtype().orElse(DType.FLOAT32)
                    : DType.FLOAT32;
        }
    }

    private static List<String> names(Path folder) throws IOException {
        try (Stream<Path> files = Files.list(folder)) {
            return files.map(file -> String.valueOf(file.getFileName()))
                    .sorted()
                    .toList();
        }
    }
}
