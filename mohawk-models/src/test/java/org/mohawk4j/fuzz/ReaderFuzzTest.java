package org.mohawk4j.fuzz;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.mohawk4j.models.ModelFolder;
import org.mohawk4j.safetensors.TensorSource;
import org.mohawk4j.tensor.types.HostTensors;
import org.mohawk4j.tokenizer.TokenizerJson;

/** Whatever is done to a file, its reader reads it or refuses it in one line. */
class ReaderFuzzTest {
    private static final String HEADER = "{\"__metadata__\":{\"format\":\"pt\"},"
            + "\"a\":{\"dtype\":\"F32\",\"shape\":[2,2],\"data_offsets\":[0,16]},"
            + "\"b.weight\":{\"dtype\":\"BF16\",\"shape\":[3],\"data_offsets\":[16,22]},"
            + "\"c\":{\"dtype\":\"F4\",\"shape\":[4],\"data_offsets\":[22,24],\"more\":[1,{\"x\":null}]},"
            + "\"d\":{\"dtype\":\"I64\",\"shape\":[],\"data_offsets\":[24,32]}}";
    private static final int DATA = 32;
    private static final String PHI = "{\"model_type\":\"phi\",\"vocab_size\":64,\"hidden_size\":32,"
            + "\"num_hidden_layers\":2,\"num_attention_heads\":4,\"intermediate_size\":64,"
            + "\"rope_parameters\":{\"rope_theta\":10000.0,\"partial_rotary_factor\":0.5},"
            + "\"layer_norm_eps\":1e-05,\"hidden_act\":\"gelu_new\",\"rope_scaling\":null}";
    private static final String TOKENIZER = "{\"version\":\"1.0\",\"truncation\":null,\"added_tokens\":[{\"id\":0,"
            + "\"content\":\"<|endoftext|>\",\"single_word\":false,\"lstrip\":false,\"rstrip\":false,"
            + "\"normalized\":false,\"special\":true}],\"normalizer\":null,\"pre_tokenizer\":{\"type\":\"ByteLevel\","
            + "\"add_prefix_space\":false,\"trim_offsets\":true,\"use_regex\":true},\"post_processor\":null,"
            + "\"decoder\":{\"type\":\"ByteLevel\",\"add_prefix_space\":true,\"trim_offsets\":true,"
            + "\"use_regex\":true},\"model\":{\"type\":\"BPE\",\"dropout\":null,\"unk_token\":null,"
            + "\"fuse_unk\":false,\"vocab\":{\"<|endoftext|>\":0,\"a\":1,\"b\":2,\"\u0120\":3,\"ab\":4,\"\u0120ab\":5},"
            + "\"merges\":[\"a b\",\"\u0120 ab\"]}}";

    @TempDir
    Path folder;

    private final Fuzzing fuzzing = new Fuzzing();

    @Test
    void safetensors() throws IOException {
        Path file = folder.resolve("x.safetensors");
        Fuzzing.Tally tally = fuzzing.run(
                random -> {
                    byte[] whole = file(HEADER.getBytes(UTF_8));
                    // Half of them have a length that fits again, so that damage reaches behind it.
                    Files.write(
                            file,
                            random.nextBoolean()
                                    ? new Mutations(random).damage(whole)
                                    : file(new Mutations(random).damage(HEADER.getBytes(UTF_8))));
                },
                () -> readAll(file),
                folder);

        assertBoth(tally);
    }

    @Test
    void index() throws IOException {
        Path index = folder.resolve("model.safetensors.index.json");
        Files.write(folder.resolve("model-00001-of-00002.safetensors"), file(HEADER.getBytes(UTF_8)));
        Files.write(
                folder.resolve("model-00002-of-00002.safetensors"),
                file("{\"e\":{\"dtype\":\"U8\",\"shape\":[32],\"data_offsets\":[0,32]}}".getBytes(UTF_8)));
        String one = "model-00001-of-00002.safetensors";
        String json = "{\"metadata\":{\"total_size\":64},\"weight_map\":{\"a\":\"" + one + "\",\"b.weight\":\"" + one
                + "\",\"c\":\"" + one + "\",\"d\":\"" + one + "\",\"e\":\"model-00002-of-00002.safetensors\"}}";
        Fuzzing.Tally tally = fuzzing.run(
                random -> Files.write(index, new Mutations(random).damage(json.getBytes(UTF_8))),
                () -> readAll(folder),
                folder);

        assertBoth(tally);
    }

    @Test
    void config() throws IOException {
        Path golden = Path.of(System.getProperty("mohawk.golden", "../src/test/golden"));
        Path llama = golden.resolveSibling("golden-families").resolve("llama");
        List<String> seeds = List.of(
                PHI,
                Files.readString(golden.resolve("hybrid/config.json")),
                Files.readString(llama.resolve("teacher/config.json")),
                Files.readString(llama.resolve("mamba/config.json")));
        Fuzzing.Tally tally = fuzzing.run(
                random -> Files.write(
                        folder.resolve("config.json"),
                        new Mutations(random)
                                .damage(seeds.get(random.nextInt(seeds.size())).getBytes(UTF_8))),
                () -> assertThat(ModelFolder.config(folder).layers()).isPositive(),
                folder);

        assertBoth(tally);
    }

    @Test
    void tokenizer() throws IOException {
        Fuzzing.Tally tally = fuzzing.run(
                random -> Files.write(
                        folder.resolve("tokenizer.json"), new Mutations(random).damage(TOKENIZER.getBytes(UTF_8))),
                () -> {
                    TokenizerJson tokenizer = TokenizerJson.load(folder);
                    int[] ids = tokenizer.encode("ab abba <|endoftext|> \u00e9");
                    assertThat(tokenizer.decode(ids)).isNotNull();
                    assertThat(Arrays.stream(ids)).allMatch(id -> id >= 0 && id < tokenizer.vocabularySize());
                },
                folder);

        assertBoth(tally);
    }

    private static void assertBoth(Fuzzing.Tally tally) {
        assertThat(tally.read()).as("inputs read").isPositive();
        assertThat(tally.refused()).as("inputs refused").isPositive();
    }

    private static void readAll(Path path) {
        try (TensorSource source = TensorSource.open(path)) {
            for (String name : source.names()) {
                if (source.info(name).dtype().dtype().isPresent()) {
                    assertThat(HostTensors.toFloats(source.tensor(name)))
                            .hasSize(Math.toIntExact(source.info(name).shape().size()));
                }
            }
        }
    }

    private static byte[] file(byte[] header) {
        return ByteBuffer.allocate(Long.BYTES + header.length + DATA)
                .order(ByteOrder.LITTLE_ENDIAN)
                .putLong(header.length)
                .put(header)
                .array();
    }
}
