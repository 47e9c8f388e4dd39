package org.mohawk4j.train.run;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.mohawk4j.backend.BackendOptions;
import org.mohawk4j.tensor.Engine;
import org.mohawk4j.tensor.types.HostTensors;
import org.mohawk4j.train.checkpoint.Checkpoint;
import org.mohawk4j.train.checkpoint.CheckpointStore;
import org.mohawk4j.train.checkpoint.Position;
import org.mohawk4j.train.distributed.DataParallel;
import org.mohawk4j.train.distributed.LocalProcessGroup;
import org.mohawk4j.train.loop.Parallelism;

/** Checkpoints of two ranks. */
@Timeout(60)
class CheckpointWriterTest {
    private static final int NUMBERS = 1000;
    private static final Position PLACE = new Position(1, 2);

    @TempDir
    private Path folder;

    /** What a rank does with its writer. */
    private interface Work {
        void run(CheckpointWriter writer, CheckpointWriter.Contents contents, Parallelism ranks) throws IOException;
    }

    private List<@Nullable Throwable> onTwo(long ofFirst, long ofSecond, Work work) throws InterruptedException {
        return LocalProcessGroup.run(2, group -> {
            try (Engine engine = Engine.open("nd4j", BackendOptions.defaults().withThreads(1));
                    Parallelism ranks = new DataParallel(engine, group);
                    CheckpointWriter writer = new CheckpointWriter(
                            new CheckpointStore(folder), ranks, () -> group.rank() == 0 ? ofFirst : ofSecond)) {
                ObjectNode state = JsonNodeFactory.instance.objectNode();
                if (group.rank() == 0) {
                    state.put("step", PLACE.step());
                }
                String file = "rank-" + group.rank() + ".safetensors";
                work.run(
                        writer,
                        new CheckpointWriter.Contents(
                                state, Map.of(file, Map.of("x", engine.full(group.rank() + 1, NUMBERS))), Map.of()),
                        ranks);
            }
        });
    }

    /** The rank that has memory would take its next step, while the other waits for it. */
    @Test
    void allRanksWaitForOneThatHasNoMemoryForACopy() throws Exception {
        List<@Nullable Throwable> thrown = onTwo(0, Long.MAX_VALUE, (writer, contents, ranks) -> {
            writer.write(PLACE, contents, List.of(), 1);
            assertThat(writer.isBusy()).isFalse();
            assertThat(ranks.exchange(new byte[] {1}))
                    .as("the next thing ranks do together")
                    .allSatisfy(own -> assertThat(own).containsExactly(1));
            writer.await();
            assertThat(writer.hasCheckpoints()).isTrue();
        });

        assertThat(thrown).containsOnlyNulls();
        Checkpoint written = new CheckpointStore(folder).newest().orElseThrow();
        assertThat(written.position()).isEqualTo(PLACE);
        for (int rank = 0; rank < 2; rank++) {
            assertThat(
                            HostTensors.toFloats(written.tensors("rank-" + rank + ".safetensors")
                                    .get("x"))[NUMBERS - 1])
                    .isEqualTo(rank + 1);
        }
    }

    /** The rank that has written its files finds them, whatever the other does with its own. */
    @Test
    void aDiskThatRefusesOneRankIsThatRanksMessageOnAll() throws Exception {
        List<@Nullable Throwable> thrown = onTwo(Long.MAX_VALUE, Long.MAX_VALUE, (writer, contents, ranks) -> {
            CheckpointWriter.Contents own = ranks.rank() == 0
                    ? contents
                    : new CheckpointWriter.Contents(
                            contents.state(),
                            Map.of("missing/x.safetensors", contents.arrays().get("rank-1.safetensors")),
                            Map.of());
            writer.write(PLACE, own, List.of(), 1);
            writer.await();
        });

        assertThat(thrown)
                .allSatisfy(end -> assertThat(end)
                        .isInstanceOf(IOException.class)
                        .hasMessageStartingWith("rank 1 (")
                        .hasMessageContaining("missing/x.safetensors"));
        assertThat(folder).isEmptyDirectory();
    }
}
