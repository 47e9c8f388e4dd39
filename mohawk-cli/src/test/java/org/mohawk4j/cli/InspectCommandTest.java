package org.mohawk4j.cli;

import static java.nio.charset.StandardCharsets.UTF_8;
import static java.util.stream.Collectors.joining;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.mohawk4j.train.sample.EmbeddedTeacher;

class InspectCommandTest {
    @TempDir
    Path folder;

    private Path file(String header, int dataBytes) throws IOException {
        byte[] json = header.getBytes(UTF_8);
        ByteBuffer bytes = ByteBuffer.allocate(Long.BYTES + json.length + dataBytes)
                .order(ByteOrder.LITTLE_ENDIAN)
                .putLong(json.length)
                .put(json);
        return Files.write(folder.resolve("some.safetensors"), bytes.array());
    }

    private static CommandRun inspect(Path path) {
        return CommandRun.of("inspect", path.toString());
    }

    @Test
    void aTeacherIsDescribed() {
        assertThat(inspect(EmbeddedTeacher.unpack()).succeeds().lines())
                .contains(
                        "model     phi",
                        "          vocabulary 4096, width 128, MLP width 512, positions 2048, layers 4",
                        "          layers 0 to 3: SoftmaxAttention[width=128, heads=4, keyValueHeads=4, headDim=32,"
                                + " projections=Projections[biases=Biases[query=true, key=true, value=true,"
                                + " output=true], queryKeyNorm=Optional.empty],"
                                + " rotary=RotaryConfig[dim=16, theta=10000.0, scaling=None[]],"
                                + " scores=AttentionScores[scale=0.17677669529663687, softCap=0.0, window=0]]",
                        "BF16     [4096,128]                 1,048,576 bytes  model.embed_tokens.weight")
                .last()
                .isEqualTo("total     61 tensors, 1,844,992 parameters, 3,689,984 bytes");
    }

    @Test
    void theMixersOfAHybridAreListedLayerByLayer() {
        assertThat(inspect(CommandRun.golden("hybrid")).succeeds().out())
                .contains("model     phi-mamba", "layer 0: DiscreteMamba2[", "layer 1: SoftmaxAttention[");
    }

    private static Path family(String name) {
        return CommandRun.golden("teacher")
                .getParent()
                .resolveSibling("golden-families")
                .resolve(name + "/teacher");
    }

    /** By hand: (4 heads of queries, 2 of keys and values) of 8 entries, a window of 17 in two of three layers. */
    @Test
    void whatAStudentOfATeacherWouldBeIsSaid() {
        long keyValueBytes = 2 * 2 * 8 * Float.BYTES;
        long stateBytes = 3 * (4 * 8 * 64 + 3 * (32 + 2 * 4 * 64)) * Float.BYTES;
        assertThat(inspect(family("gemma3")).succeeds().lines())
                .contains(
                        "model     gemma3_text",
                        "parameters 39,120",
                        String.format(
                                Locale.ROOT,
                                "cache     %,d bytes of keys and values for each position, %,d for all 256, in float32",
                                3 * keyValueBytes,
                                (17 + 256 + 17) * keyValueBytes),
                        "student   96,876 parameters with discrete Mamba-2 in every layer (state size 64)",
                        String.format(
                                Locale.ROOT,
                                "state     %,d bytes for a sequence of any length, in float32",
                                stateBytes))
                .noneMatch(line -> line.startsWith("refused"));
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '`',
            value = {
                "\"model_type\"|\"quantization_config\": {\"quant_method\": \"gptq\", \"bits\": 4}, \"model_type\""
                        + "|quantization_config: expected none, since quantized weights are not read, found gptq with 4 bits",
                "\"model_type\"|\"num_local_experts\": 8, \"model_type\""
                        + "|num_local_experts: expected none, since a mixture of experts is not computed, found 8",
                "\"model_type\"|\"vision_config\": {}, \"model_type\""
                        + "|vision_config: expected none, since vision parts are not computed",
                "\"type\": \"linear\"|\"type\": \"dynamic\"|type: expected one of",
                "\"silu\"|\"gelu_fast\"|hidden_act: expected one of",
                "\"num_key_value_heads\": 2|\"num_key_value_heads\": 3|num_key_value_heads: expected a divisor",
                "\"vocab_size\": 128|\"vocab_size\": 129|expected shape [129, 32]"
            })
    void whatWouldBeRefusedIsSaidInOneLine(String from, String to, String reason) throws IOException {
        Path teacher = family("llama-linear");
        String config = Files.readString(teacher.resolve("config.json"));
        assertThat(config).contains(from);
        Files.writeString(
                folder.resolve("config.json"),
                config.replace(from, to).replace("\"rope_type\": \"linear\"", "\"x\": 1"));
        Files.copy(teacher.resolve("model.safetensors"), folder.resolve("model.safetensors"));

        assertThat(inspect(folder).succeeds().lines())
                .filteredOn(line -> line.startsWith("refused"))
                .singleElement()
                .asString()
                .contains(reason);
    }

    @Test
    void aTokenizerWithMoreIdsThanRowsIsRefused() throws IOException {
        for (String file : new String[] {"config.json", "model.safetensors"}) {
            Files.copy(family("llama").resolve(file), folder.resolve(file));
        }
        Files.copy(EmbeddedTeacher.unpack().resolve("tokenizer.json"), folder.resolve("tokenizer.json"));

        assertThat(inspect(folder).succeeds().out())
                .contains(
                        "refused   ",
                        "expected ids below 128, the rows of the model's embedding, found ids up to 4095");
    }

    @Test
    void namesCannotControlTheTerminalOrFillIt() throws IOException {
        Path file = file(
                "{\"\\u001b[2J\\u202e\":{\"dtype\":\"F32\",\"shape\":[" + "1,".repeat(4999)
                        + "1],\"data_offsets\":[0,4]},\"" + "n".repeat(100_000)
                        + "\":{\"dtype\":\"U8\",\"shape\":[2],\"data_offsets\":[4,6]},"
                        + "\"__metadata__\":{\"a\\nb\":\"\\u0007\"}}",
                6);

        CommandRun run = inspect(file).succeeds();

        assertThat(run.out()).contains("'\\u001b[2J\\u202e'", "rank 5000", "metadata  'a\\u000ab': '\\u0007'");
        assertThat(run.lines()).hasSize(4).allSatisfy(line -> assertThat(line).hasSizeLessThan(200));
    }

    @Test
    void whatCanBeShownIs() throws IOException {
        Path file = file("{\"\ud83d\ude42é\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1]}}", 1);

        assertThat(inspect(file).succeeds().lines().get(0)).endsWith(" bytes  \ud83d\ude42é");
    }

    /** As a later version of the format might have it. */
    @Test
    void manyTensorsMayHaveAFieldMore() throws IOException {
        String tensor = ":{\"dtype\":\"U8\",\"shape\":[0],\"data_offsets\":[0,0],\"crc\":1}";
        String tensors = IntStream.range(0, 12_000)
                .mapToObj(i -> "\"" + i + "\"" + tensor)
                .collect(joining(","));
        String fields =
                IntStream.range(0, 10_001).mapToObj(i -> "\"" + i + "\":0").collect(joining(","));

        inspect(file("{" + tensors + "}", 0)).succeeds();
        inspect(file("{\"t\":{" + fields + "}}", 0)).refuses("more than 10000 fields beyond those that are read");
        inspect(file("{\"t\":{\"x\":{" + fields + "}}}", 0)).refuses("more than 10000 fields");
    }

    @Test
    void aModelOfAnotherKindIsStillListed() throws IOException {
        file("{\"w\":{\"dtype\":\"F64\",\"shape\":[],\"data_offsets\":[0,8]}}", 8);
        Files.move(folder.resolve("some.safetensors"), folder.resolve("model.safetensors"));
        Files.writeString(folder.resolve("config.json"), "{\"model_type\":\"gpt9\"}");

        assertThat(inspect(folder).succeeds().out())
                .contains("refused   ", "none of the known kinds of model", "model_type is gpt9", "F64      []");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "[]",
                "{",
                "{\"t\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,4]}}",
                "{\"t\":{\"dtype\":\"F32\",\"shape\":[9],\"data_offsets\":[0,36]}}",
                "{\"t\":{\"dtype\":\"F32\",\"shape\":[4611686018427387904,4],\"data_offsets\":[0,16]}}"
            })
    void aBrokenFileIsRefused(String header) throws IOException {
        Path file = file(header, 4);

        assertThat(inspect(file).refuses(file + ": ").out()).isEmpty();
    }

    @Test
    void nothingThereIsRefused() {
        inspect(folder.resolve("nowhere")).refuses("nowhere", "does not exist");
        inspect(folder).refuses("expected model.safetensors or model.safetensors.index.json, found neither");
        CommandRun.of("inspect").refuses("missing required parameter");
    }
}
