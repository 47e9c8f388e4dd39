package org.mohawk4j.train.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.google.common.jimfs.Configuration;
import com.google.common.jimfs.Jimfs;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.FileSystem;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.mohawk4j.InvalidInputException;
import org.mohawk4j.backend.HostMemory;
import org.mohawk4j.tensor.types.DType;
import org.mohawk4j.tensor.types.HostTensor;
import org.mohawk4j.tensor.types.Shape;

class CheckpointStoreTest {
    private static final String ARRAYS = "arrays.safetensors";

    @TempDir
    private Path folder;

    private CheckpointStore store;

    @BeforeEach
    void open() {
        store = new CheckpointStore(folder);
    }

    private static Snapshot snapshot(int stage, int step, int numbers) {
        Snapshot snapshot = new Snapshot(
                new Position(stage, step),
                JsonNodeFactory.instance.objectNode().put("step", step),
                HostMemory::availableBytes);
        byte[] bytes = new byte[4 * numbers];
        new Random(step).nextBytes(bytes);
        HostTensor tensor = new HostTensor(DType.FLOAT32, Shape.of(numbers), ByteBuffer.wrap(bytes));
        snapshot.put(ARRAYS, Map.of("x", tensor));
        return snapshot;
    }

    private void write(int stage, int step) throws IOException {
        store.write(snapshot(stage, step, 25), List.of(), 3);
    }

    private static List<String> names(Path folder) throws IOException {
        try (Stream<Path> files = Files.list(folder)) {
            return files.map(file -> file.getFileName().toString()).sorted().toList();
        }
    }

    private static void flipBit(Path file, long bit) throws IOException {
        byte[] bytes = Files.readAllBytes(file);
        bytes[(int) (bit / 8)] ^= (byte) (1 << (bit % 8));
        Files.write(file, bytes);
    }

    @Test
    void whatIsWrittenIsRead() throws IOException {
        write(2, 40);

        Checkpoint found = store.newest().orElseThrow();
        assertThat(found.position()).isEqualTo(new Position(2, 40));
        assertThat(found.state().path("step").asInt()).isEqualTo(40);
        assertThat(found.tensors(ARRAYS)).isEqualTo(snapshot(2, 40, 25).files().get(ARRAYS));
        assertThat(found.tensors("other.safetensors")).isEmpty();
        assertThat(names(found.folder())).containsExactly("COMPLETE", ARRAYS, "manifest.json", "state.json");
    }

    @Test
    void theNewestIsTheOneFurthestInTheRun() throws IOException {
        assertThat(store.newest()).isEmpty();
        write(2, 3);
        write(1, 100);
        write(2, 20);

        assertThat(store.newest().orElseThrow().position()).isEqualTo(new Position(2, 20));
    }

    @Test
    void onlyTheNewestStay() throws IOException {
        for (int step = 1; step <= 5; step++) {
            write(1, step);
        }

        assertThat(names(folder))
                .containsExactly("stage-1-step-00000003", "stage-1-step-00000004", "stage-1-step-00000005");
    }

    @Test
    void aDamagedOneIsPassedOver() throws IOException {
        write(1, 1);
        write(1, 2);
        flipBit(folder.resolve("stage-1-step-00000002").resolve(ARRAYS), 900);

        Checkpoint found = store.newest().orElseThrow();
        assertThat(found.position()).isEqualTo(new Position(1, 1));

        store.clearBehind(found.position());
        assertThat(names(folder)).containsExactly("damaged-stage-1-step-00000002", "stage-1-step-00000001");
    }

    @Test
    void aRunDoesNotStartOverBecauseAllAreDamaged() throws IOException {
        write(1, 1);
        Files.delete(folder.resolve("stage-1-step-00000001").resolve(ARRAYS));

        assertThatThrownBy(() -> store.newest())
                .isInstanceOf(InvalidInputException.class)
                .hasMessageContaining("stage-1-step-00000001 is damaged: " + ARRAYS + " is missing");
    }

    @Test
    void oneWithoutItsMarkIsUnfinishedAndCleared() throws IOException {
        write(1, 1);
        write(1, 2);
        Files.delete(folder.resolve("stage-1-step-00000002/COMPLETE"));
        Files.createDirectory(folder.resolve(".stage-1-step-00000003.partial"));

        Checkpoint found = store.newest().orElseThrow();
        assertThat(found.position()).isEqualTo(new Position(1, 1));
        store.clearBehind(found.position());

        assertThat(names(folder)).containsExactly("stage-1-step-00000001");
    }

    @Test
    void onePositionIsWrittenAgain() throws IOException {
        write(1, 1);
        store.write(snapshot(1, 1, 7), List.of(), 3);

        assertThat(store.newest().orElseThrow().tensors(ARRAYS).get("x").shape())
                .isEqualTo(Shape.of(7));
    }

    @Test
    void everyFlippedBitAndEveryTruncationIsFound() throws IOException {
        write(3, 7);
        Checkpoint checkpoint = store.newest().orElseThrow();
        List<String> files = names(checkpoint.folder());
        Random random = new Random(4);
        for (int i = 0; i < 1000; i++) {
            Path file = checkpoint.folder().resolve(files.get(random.nextInt(files.size())));
            byte[] whole = Files.readAllBytes(file);
            if (i % 2 == 0) {
                flipBit(file, random.nextInt(8 * whole.length));
            } else {
                try (FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE)) {
                    channel.truncate(random.nextInt(whole.length));
                }
            }
            assertThat(Manifest.damage(checkpoint.folder()))
                    .as("change " + i + " of " + file)
                    .isPresent();
            Files.write(file, whole);
        }
        assertThat(Manifest.damage(checkpoint.folder())).isEmpty();
    }

    @Test
    void aFullDiskLeavesTheCheckpointsBefore() throws IOException {
        Configuration small = Configuration.unix().toBuilder()
                .setBlockSize(512)
                .setMaxSize(40 * 512)
                .build();
        try (FileSystem disk = Jimfs.newFileSystem(small)) {
            Path root = disk.getPath("/run/checkpoints");
            CheckpointStore full = new CheckpointStore(root);
            full.write(snapshot(1, 1, 1000), List.of(), 2);
            full.write(snapshot(1, 2, 1000), List.of(), 2);

            assertThatThrownBy(() -> full.write(snapshot(1, 3, 2000), List.of(), 2))
                    .isInstanceOf(IOException.class)
                    .hasMessageContaining("out of disk space");

            assertThat(names(root)).containsExactly("stage-1-step-00000001", "stage-1-step-00000002");
            for (String name : names(root)) {
                assertThat(Manifest.damage(root.resolve(name))).isEmpty();
            }
        }
    }
}
