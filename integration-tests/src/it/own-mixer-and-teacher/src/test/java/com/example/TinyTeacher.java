package com.example;

import com.example.teacher.AlibiAttention;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collections;
import java.util.SplittableRandom;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.mohawk4j.backend.BackendOptions;
import org.mohawk4j.backend.Backends;
import org.mohawk4j.models.BlockConfig;
import org.mohawk4j.models.CausalLm;
import org.mohawk4j.models.CausalLmConfig;
import org.mohawk4j.models.HeadConfig;
import org.mohawk4j.models.MlpConfig;
import org.mohawk4j.models.ModelFolder;
import org.mohawk4j.models.NormConfig;
import org.mohawk4j.models.SequentialBlock;
import org.mohawk4j.op.Activation;
import org.mohawk4j.tensor.Engine;

/** A teacher of the own family with random weights, a tokenizer of numbered words, and texts of such words. */
final class TinyTeacher {
    static final int VOCABULARY = 61;
    static final int HEADS = 4;

    /** H·P is 48, D is 32. */
    static final CausalLmConfig CONFIG = new CausalLmConfig(
            VOCABULARY,
            32,
            256,
            new BlockConfig(
                    SequentialBlock.PRE_NORM,
                    new NormConfig(NormConfig.Kind.LAYER, 1e-5),
                    new MlpConfig(80, Activation.GELU_TANH, false, true)),
            new HeadConfig(true, false),
            Collections.nCopies(3, new AlibiAttention.Config(32, HEADS, 12)));

    private TinyTeacher() {}

    /** Writes {@code teacher}, {@code text.txt} and {@code valid.txt} into a folder. */
    static Path write(Path folder) throws IOException {
        Path teacher = Files.createDirectories(folder.resolve("teacher"));
        try (Engine engine = Engine.open(Backends.AUTO, BackendOptions.defaults());
                CausalLm model = new CausalLm(engine, CONFIG, new SplittableRandom(7))) {
            ModelFolder.save(model, teacher);
        }
        String words = IntStream.range(0, VOCABULARY)
                .mapToObj(word -> "\"w" + word + "\":" + word)
                .collect(Collectors.joining(","));
        Files.writeString(
                teacher.resolve("tokenizer.json"),
                "{\"version\":\"1.0\",\"added_tokens\":[],\"pre_tokenizer\":{\"type\":\"Whitespace\"},"
                        + "\"model\":{\"type\":\"WordLevel\",\"unk_token\":\"w0\",\"vocab\":{" + words + "}}}");
        Files.writeString(folder.resolve("text.txt"), text(1, 6_000));
        Files.writeString(folder.resolve("valid.txt"), text(2, 400));
        return teacher;
    }

    private static String text(long seed, int words) {
        return new SplittableRandom(seed)
                .ints(words, 0, VOCABULARY)
                .mapToObj(word -> "w" + word)
                .collect(Collectors.joining(" "));
    }
}
