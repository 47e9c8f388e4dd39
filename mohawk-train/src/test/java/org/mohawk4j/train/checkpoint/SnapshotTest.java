package org.mohawk4j.train.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import java.io.IOException;
import java.lang.management.BufferPoolMXBean;
import java.lang.management.ManagementFactory;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.function.LongSupplier;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.mohawk4j.backend.BackendOptions;
import org.mohawk4j.backend.HostMemory;
import org.mohawk4j.tensor.Engine;
import org.mohawk4j.tensor.Tensor;
import org.mohawk4j.tensor.types.HostTensors;

class SnapshotTest {
    private static final int NUMBERS = 1 << 22;
    private static final String ARRAYS = "arrays.safetensors";

    @TempDir
    private Path folder;

    private static Snapshot snapshot(int step, LongSupplier available) {
        return new Snapshot(new Position(1, step), JsonNodeFactory.instance.objectNode(), available);
    }

    private static long directBytes() {
        return ManagementFactory.getPlatformMXBeans(BufferPoolMXBean.class).stream()
                .filter(pool -> pool.getName().equals("direct"))
                .mapToLong(BufferPoolMXBean::getMemoryUsed)
                .sum();
    }

    private float written(Snapshot snapshot) throws IOException {
        CheckpointStore store = new CheckpointStore(folder.resolve("checkpoints"));
        store.write(snapshot, List.of(), 1);
        return HostTensors.toFloats(store.newest().orElseThrow().tensors(ARRAYS).get("x"))[NUMBERS - 1];
    }

    @Test
    void aCopyIsNotCountedAgainstTheLimitOfDirectBuffers() throws IOException {
        try (Engine engine = Engine.open("nd4j", BackendOptions.defaults());
                Snapshot snapshot = snapshot(1, HostMemory::availableBytes)) {
            Tensor x = engine.full(3, NUMBERS);
            long before = directBytes();

            snapshot.copy(ARRAYS, Map.of("x", x));

            assertThat(directBytes() - before).isLessThan(NUMBERS);
            assertThat(snapshot.isCopied()).isTrue();
            engine.backend()
                    .memory()
                    .copyInto(x.array(), engine.full(4, NUMBERS).array());
            assertThat(written(snapshot))
                    .as("what training changes afterwards is not seen")
                    .isEqualTo(3);
        }
    }

    @Test
    void whereMemoryIsShortArraysAreWrittenOneByOne() throws IOException {
        long[] available = {NUMBERS};
        try (Engine engine = Engine.open("nd4j", BackendOptions.defaults());
                Snapshot snapshot = snapshot(1, () -> available[0])) {
            Tensor x = engine.full(3, NUMBERS);

            snapshot.copy(ARRAYS, Map.of("x", x));

            assertThat(snapshot.isCopied()).isFalse();
            assertThat(written(snapshot)).isEqualTo(3);

            available[0] = Long.MAX_VALUE;
            snapshot.restart(new Position(1, 2), JsonNodeFactory.instance.objectNode());
            snapshot.copy(ARRAYS, Map.of("x", x));
            assertThat(snapshot.isCopied()).as("once there is memory").isTrue();

            available[0] = 0;
            snapshot.restart(new Position(1, 3), JsonNodeFactory.instance.objectNode());
            snapshot.copy(ARRAYS, Map.of("x", x));
            assertThat(snapshot.isCopied()).as("in the memory of before").isTrue();
        }
    }
}
