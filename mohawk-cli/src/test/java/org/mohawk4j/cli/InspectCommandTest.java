package org.mohawk4j.cli;

import static java.nio.charset.StandardCharsets.UTF_8;
import static java.util.stream.Collectors.joining;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
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
                                + " biases=Biases[query=true, key=true, value=true, output=true],"
                                + " rotary=RotaryConfig[dim=16, theta=10000.0, scaling=None[]],"
                                + " queryKeyNorm=Optional.empty]",
                        "BF16     [4096,128]                 1,048,576 bytes  model.embed_tokens.weight")
                .last()
                .isEqualTo("total     61 tensors, 1,844,992 parameters, 3,689,984 bytes");
    }

    @Test
    void theMixersOfAHybridAreListedLayerByLayer() {
        assertThat(inspect(CommandRun.golden("hybrid")).succeeds().out())
                .contains("model     phi-mamba", "layer 0: DiscreteMamba2[", "layer 1: SoftmaxAttention[");
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

        assertThat(inspect(folder).succeeds().out()).contains("of a kind not known here", "F64      []");
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
