package org.mohawk4j.train.sample;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;
import org.mohawk4j.train.config.DistillConfig;
import org.mohawk4j.train.config.DistillConfigYaml;

/** The tiny teacher that ships with this module, so that a first run needs no download. */
public final class EmbeddedTeacher {
    private static final List<String> FILES = List.of("config.json", "model.safetensors", "tokenizer.json");

    private EmbeddedTeacher() {}

    /** What a run with this teacher does unless told otherwise. */
    public static DistillConfig config() {
        try (InputStream in = open("distill.yaml")) {
            return DistillConfigYaml.parse(
                    "the shipped teacher's distill.yaml", new String(in.readAllBytes(), StandardCharsets.UTF_8));
        } catch (IOException e) {
            throw new UncheckedIOException("cannot read the shipped distill.yaml", e);
        }
    }

    /** Unpacks the model into a temporary folder, which goes when the program ends. */
    public static Path unpack() {
        try {
            Path folder = Files.createTempDirectory("mohawk-teacher");
            folder.toFile().deleteOnExit();
            for (String name : FILES) {
                Path file = folder.resolve(name);
                file.toFile().deleteOnExit();
                try (InputStream in = open(name)) {
                    Files.copy(in, file);
                }
            }
            return folder;
        } catch (IOException e) {
            throw new UncheckedIOException("cannot unpack the shipped teacher into a temporary folder", e);
        }
    }

    private static InputStream open(String name) {
        return Objects.requireNonNull(EmbeddedTeacher.class.getResourceAsStream("teacher/" + name), name);
    }
}
