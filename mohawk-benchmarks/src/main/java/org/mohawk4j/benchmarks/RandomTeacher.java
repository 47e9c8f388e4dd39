package org.mohawk4j.benchmarks;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.mohawk4j.backend.BackendOptions;
import org.mohawk4j.models.CausalLm;
import org.mohawk4j.models.ModelFolder;
import org.mohawk4j.tensor.Engine;

/**
 * Writes a model folder of Phi-1.5's shapes with random weights, so that a whole run can be tried at that size: D 2048,
 * H 32, V 51200, 2048 positions.
 *
 * <p>Arguments: the folder, a tokenizer.json to copy into it, layers (24).
 */
public final class RandomTeacher {
    private static final int POSITIONS = 2048;

    private RandomTeacher() {}

    public static void main(String[] args) throws IOException {
        Path folder = Path.of(args[0]);
        int layers = args.length > 2 ? Integer.parseInt(args[2]) : ModelShape.PHI.layers();
        Files.createDirectories(folder);
        try (Engine engine = Engine.open("cuda", BackendOptions.defaults());
                CausalLm teacher = ModelShape.PHI.teacher(engine, POSITIONS, layers)) {
            ModelFolder.save(teacher, folder);
        }
        Files.copy(Path.of(args[1]), folder.resolve("tokenizer.json"));
    }
}
