package org.mohawk4j.safetensors;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.assertj.core.api.AbstractThrowableAssert;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.DisabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.mohawk4j.InvalidInputException;
import org.mohawk4j.tensor.types.HostTensor;
import org.mohawk4j.tensor.types.HostTensors;
import org.mohawk4j.tensor.types.Shape;

class SafetensorsFolderTest {
    @TempDir
    Path temporary;

    private Path folder;

    @BeforeEach
    void makeFolder() throws IOException {
        folder = Files.createDirectory(temporary.resolve("model"));
    }

    @Test
    void shardsAreFilledInOrderAndReadAsOne() throws IOException {
        write(30, "a", "b", "c", "large", "d");

        assertThat(list())
                .containsExactly(
                        "model-00001-of-00004.safetensors",
                        "model-00002-of-00004.safetensors",
                        "model-00003-of-00004.safetensors",
                        "model-00004-of-00004.safetensors",
                        "model.safetensors.index.json");
        try (TensorSource source = TensorSource.open(folder)) {
            assertThat(source.path()).isEqualTo(folder);
            assertThat(source.names()).containsExactly("a", "b", "c", "large", "d");
            assertThat(source.contains("c")).isTrue();
            assertThat(source.contains("e")).isFalse();
            assertThat(source.info("c").file()).isEqualTo(shard(2));
            for (String name : source.names()) {
                assertThat(HostTensors.toFloats(source.tensor(name))).isEqualTo(HostTensors.toFloats(tensor(name)));
            }
            assertThatThrownBy(() -> source.tensor("e")).hasMessage(folder + ": has no tensor 'e'");
        }
    }

    @Test
    void theIndexLooksAsTheEcosystemWritesIt() throws IOException {
        write(12, "b", "a");

        assertThat(index()).hasContent("""
                        {
                          "metadata": {
                            "total_size": 24
                          },
                          "weight_map": {
                            "a": "model-00002-of-00002.safetensors",
                            "b": "model-00001-of-00002.safetensors"
                          }
                        }
                        """);
    }

    @Test
    void whatFitsOneShardIsOneFile() throws IOException {
        write(36, "b", "c", "a");

        assertThat(list()).containsExactly("model.safetensors");
        try (TensorSource source = TensorSource.open(folder)) {
            assertThat(source).isInstanceOf(SafetensorsFile.class);
            assertThat(source.names()).containsExactly("a", "b", "c");
        }
    }

    @Test
    void theOtherFormOfTheWeightsIsNotWrittenBeside() throws IOException {
        write(100, "a", "b");
        assertThatThrownBy(() -> write(12, "a", "b"))
                .isInstanceOf(InvalidInputException.class)
                .hasMessageContaining("without model.safetensors,");
        Files.delete(folder.resolve("model.safetensors"));
        write(12, "a", "b");
        assertThatThrownBy(() -> write(100, "a", "b"))
                .isInstanceOf(InvalidInputException.class)
                .hasMessageContaining("without model.safetensors.index.json,");
    }

    @Test
    void anUnfinishedWriterLeavesNothing() throws IOException {
        try (SafetensorsFolderWriter writer =
                SafetensorsFolderWriter.create(folder, specs("a", "b", "c"), SafetensorsWriter.PYTORCH, 12)) {
            writer.write("a", tensor("a"));
            assertThatThrownBy(writer::commit).isInstanceOf(IllegalStateException.class);
            assertThatThrownBy(() -> writer.write("z", tensor("a"))).isInstanceOf(IllegalArgumentException.class);
        }
        assertThatThrownBy(() -> SafetensorsFolderWriter.create(folder, specs("a", "b", "a"), Map.of(), 12))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("'a' is declared twice");

        assertThat(list()).isEmpty();
    }

    @Test
    void aCommitThatFailsLeavesNoShard() throws IOException {
        try (SafetensorsFolderWriter writer =
                SafetensorsFolderWriter.create(folder, specs("a", "b", "c"), SafetensorsWriter.PYTORCH, 12)) {
            for (String name : List.of("a", "b", "c")) {
                writer.write(name, tensor(name));
            }
            // the last name is taken before the index, so the first ones have been given out already
            Path taken = Files.createDirectories(folder.resolve("model-00003-of-00003.safetensors"));
            Files.createFile(taken.resolve("x"));

            assertThatThrownBy(writer::commit).isInstanceOf(RuntimeException.class);
        }
        assertThat(list()).containsExactly("model-00003-of-00003.safetensors");
    }

    @Test
    void shardsOfAnotherNumberAreNotMixedWithNewOnes() throws IOException {
        write(12, "a", "b", "c");
        List<String> before = list();
        write(12, "c", "b", "a");

        assertThat(list()).isEqualTo(before);
        assertThatThrownBy(() -> write(12, "a", "b"))
                .isInstanceOf(InvalidInputException.class)
                .hasMessageContaining("without model-00001-of-00003.safetensors")
                .hasMessageContaining("2 shards");
        assertThat(list()).isEqualTo(before);
    }

    @Test
    @DisabledOnOs(OS.WINDOWS)
    void linksIntoTheCacheOfTheHubAreFollowed() throws IOException {
        write(12, "a", "b");
        Path blobs = Files.createDirectories(temporary.resolve("cache/blobs"));
        Path snapshot = Files.createDirectories(temporary.resolve("cache/snapshots/x"));
        int blob = 0;
        for (String name : list()) {
            Files.move(folder.resolve(name), blobs.resolve("sha" + blob));
            Files.createSymbolicLink(snapshot.resolve(name), Path.of("../../blobs/sha" + blob++));
        }

        try (TensorSource source = TensorSource.open(snapshot)) {
            assertThat(source.names()).containsExactly("a", "b");
        }
    }

    @Test
    void aMissingShardIsNamedBeforeAnyIsOpened() throws IOException {
        write(12, "a", "b");
        Files.delete(shard(2));
        Files.writeString(shard(1), "damaged");

        assertRefused().hasMessage(shard(2) + ": cannot be read: it does not exist");
    }

    @Test
    void aShardThatTheIndexDoesNotListIsNamedBeforeAnyIsOpened() throws IOException {
        write(12, "a", "b");
        Files.copy(shard(1), folder.resolve("model-00003-of-00003.safetensors"));
        Files.writeString(shard(1), "damaged");

        assertRefused()
                .hasMessage(folder.resolve("model-00003-of-00003.safetensors")
                        + ": a shard that model.safetensors.index.json does not list");
    }

    /** As Mistral's repositories have their weights in another form beside the shards. */
    @Test
    void filesThatAreNotCalledLikeShardsAreNotRead() throws IOException {
        write(12, "a", "b");
        Files.writeString(folder.resolve("consolidated.safetensors"), "of somebody else");

        try (TensorSource source = TensorSource.open(folder)) {
            assertThat(source.names()).containsExactlyInAnyOrder("a", "b");
        }
    }

    @Test
    @DisabledOnOs(OS.WINDOWS)
    void aLinkToNothingIsNamed() throws IOException {
        Path link = Files.createSymbolicLink(folder.resolve("model.safetensors"), folder.resolve("blob"));

        assertRefused().hasMessage(link + ": cannot be read: it does not exist");
    }

    @Test
    void anIndexOfTheLargestSizeNeedsLittleMemory() throws IOException {
        write(12, "a", "b");
        writeIndex("{\"metadata\":{\"a\":[" + "1,".repeat(40_000_000)
                + "1]},\"weight_map\":{\"a\":\"model-00001-of-00002.safetensors\","
                + "\"b\":\"model-00002-of-00002.safetensors\"}}");

        try (TensorSource source = TensorSource.open(folder)) {
            assertThat(source.names()).containsExactlyInAnyOrder("a", "b");
        }
    }

    @Test
    void aTensorThatTheIndexDoesNotListIsRefused() throws IOException {
        write(24, "a", "b", "c");
        writeIndex("{\"weight_map\":{\"a\":\"model-00001-of-00002.safetensors\","
                + "\"c\":\"model-00002-of-00002.safetensors\"}}");

        assertRefused().hasMessageContaining("holds tensor 'b', which model.safetensors.index.json does not list");
    }

    @Test
    void aTensorInTwoShardsIsRefused() throws IOException {
        write(12, "a", "b");
        Files.copy(shard(1), folder.resolve("more.safetensors"));
        Files.delete(shard(2));
        writeIndex("{\"weight_map\":{\"a\":\"model-00001-of-00002.safetensors\",\"b\":\"more.safetensors\"}}");

        assertRefused().hasMessageContaining("holds tensor 'a', which").hasMessageContaining("places in 'model-00001");
    }

    @Test
    void aListedTensorThatIsNowhereIsRefused() throws IOException {
        write(12, "a", "b");
        writeIndex("{\"weight_map\":{\"a\":\"model-00001-of-00002.safetensors\","
                + "\"b\":\"model-00002-of-00002.safetensors\",\"z\":\"model-00002-of-00002.safetensors\"}}");

        assertRefused().hasMessageStartingWith(shard(2) + ": lacks tensor 'z'");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "../model.safetensors",
                "/etc/passwd",
                "..",
                ".",
                "",
                "a/b.safetensors",
                "a\\\\b.safetensors",
                "C:b",
                "\\ud800",
                "a\\u0000"
            })
    void shardsOutsideTheFolderAreRefused(String shard) throws IOException {
        writeIndex("{\"weight_map\":{\"a\":\"" + shard + "\"}}");

        assertRefused().hasMessageStartingWith(index() + ": ");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "[]",
                "{}",
                "{\"weight_map\":[]}",
                "{\"weight_map\":{}}",
                "{\"weight_map\":{\"a\":1}}",
                "{\"weight_map\":{\"a\":\"x\",\"a\":\"y\"}}",
                "{\"weight_map\":{}} {}",
                "{\"weight_map\":{}",
                "{\"metadata\":{\"a\":1,\"a\":2},\"weight_map\":{}}",
                "{\"weight_map\":{},\"weight_map\":{}}",
                "{\"weight_map\":{\"\\ud800\":\"x\"}}"
            })
    void aBrokenIndexIsRefused(String json) throws IOException {
        writeIndex(json);

        assertRefused().hasMessageStartingWith(index() + ": ");
    }

    @Test
    void foldersWithoutWeightsAreRefused() {
        assertRefused().hasMessageContaining("expected model.safetensors or model.safetensors.index.json");
        assertThatThrownBy(() -> SafetensorsFolder.open(folder.resolve("none")))
                .isInstanceOf(InvalidInputException.class)
                .hasMessageContaining("nothing there");
    }

    private void write(long maxShardBytes, String... names) {
        try (SafetensorsFolderWriter writer =
                SafetensorsFolderWriter.create(folder, specs(names), SafetensorsWriter.PYTORCH, maxShardBytes)) {
            for (String name : names) {
                writer.write(name, tensor(name));
            }
            writer.commit();
        }
    }

    private static List<TensorSpec> specs(String... names) {
        return Stream.of(names).map(name -> TensorSpec.of(name, tensor(name))).toList();
    }

    private static HostTensor tensor(String name) {
        float[] values = new float[name.equals("large") ? 20 : 3];
        values[0] = name.charAt(0);
        return HostTensors.of(Shape.of(values.length), values);
    }

    private void writeIndex(String json) throws IOException {
        Files.writeString(index(), json);
    }

    private Path index() {
        return folder.resolve("model.safetensors.index.json");
    }

    private Path shard(int number) throws IOException {
        return folder.resolve(list().stream()
                .filter(name -> name.startsWith("model-0000" + number))
                .findFirst()
                .orElse("model-0000" + number + "-of-00002.safetensors"));
    }

    private List<String> list() throws IOException {
        try (Stream<Path> files = Files.list(folder)) {
            return new ArrayList<>(
                    files.map(file -> file.getFileName().toString()).sorted().toList());
        }
    }

    private AbstractThrowableAssert<?, ? extends Throwable> assertRefused() {
        return assertThatThrownBy(() -> TensorSource.open(folder)).isInstanceOf(InvalidInputException.class);
    }
}
