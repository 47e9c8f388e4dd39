package org.mohawk4j.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.mohawk4j.models.CausalLm;
import org.mohawk4j.models.ModelFolder;
import org.mohawk4j.models.testing.Gpu;
import org.mohawk4j.tensor.Engine;

/** The command on two GPUs, with NCCL. */
@Tag("gpu")
class CudaRanksTest {
    private static final int STEPS = 24;
    private static final int BATCH = 4;
    private static final int CONTEXT = 64;

    @TempDir
    private Path folder;

    private RankCommands commands;

    @BeforeEach
    void begin() throws IOException {
        Gpu.require();
        commands = new RankCommands(folder);
    }

    @AfterEach
    void end() {
        commands.close();
    }

    private List<String> options() throws IOException {
        Path teacher = folder.resolve("teacher");
        try (Engine engine = Gpu.open();
                CausalLm model = Gpu.teacher(engine)) {
            ModelFolder.save(model, teacher);
        }
        InterruptedRuns.numberedWords(Gpu.VOCABULARY, teacher.resolve("tokenizer.json"));
        Path text = InterruptedRuns.text(Gpu.VOCABULARY, 20_000, folder.resolve("text.txt"));
        List<String> options = new ArrayList<>(List.of("--backend", "cuda", "--dtype", "bf16"));
        options.addAll(List.of("--teacher", teacher.toString(), "--text", text.toString(), "--held-out", "0.1"));
        options.addAll(List.of("--context", String.valueOf(CONTEXT), "--batch", String.valueOf(BATCH)));
        options.addAll(List.of("--tokens", String.valueOf(STEPS * BATCH * CONTEXT), "--split", "0.4,0.2,0.4"));
        options.addAll(List.of("--checkpoint-every", "2", "--windows", "1", "--report", "false"));
        return options;
    }

    @Test
    void tenKilledRanksAreNamedAndTheRunsResumeToTheSameBits() throws IOException, InterruptedException {
        Gpu.requireTwo();

        new KilledRanks(commands, folder, options(), STEPS)
                .killAndCompare(10, System.nanoTime(), Duration.ofSeconds(25));
    }

    /** NCCL's communicators wait for each other when they close: a rank that fails must not wait there. */
    @Test
    void aRankThatFailsIsNamedWithItsReasonAtOnce() throws IOException, InterruptedException {
        Gpu.requireTwo();
        options();
        List<String> arguments = Stream.of("teacher", "text.txt", "run")
                .map(name -> folder.resolve(name).toString())
                .toList();
        List<Process> ranks = new ArrayList<>();
        for (int rank = 0; rank < 2; rank++) {
            ranks.add(commands.start(
                    "console-" + rank,
                    Map.of(
                            "RANK", String.valueOf(rank),
                            "WORLD_SIZE", "2",
                            "LOCAL_RANK", String.valueOf(Gpu.deviceOf(rank)),
                            "MASTER_ADDR", "127.0.0.1",
                            "MASTER_PORT", "28412"),
                    FailingRank.class,
                    arguments));
        }

        for (int rank = 0; rank < 2; rank++) {
            assertThat(RankCommands.await(ranks.get(rank)))
                    .as(commands.read("console-" + rank))
                    .isEqualTo(1);
        }
        assertThat(commands.read("console-0")).contains("IllegalStateException: " + FailingRank.REASON);
        assertThat(commands.read("console-1"))
                .containsPattern("RankFailedException: rank 0 on .*: " + FailingRank.REASON);
        long failed = time("console-0", "fails at ");
        assertThat(time("console-0", "ends at ") - failed).isLessThan(5_000);
        assertThat(time("console-1", "ends at ") - failed).isLessThan(5_000);
    }

    private long time(String console, String event) throws IOException {
        return commands.read(console)
                .lines()
                .filter(line -> line.startsWith(event))
                .mapToLong(line -> Long.parseLong(line.substring(event.length())))
                .findFirst()
                .orElseThrow();
    }

    @Test
    void moreRanksThanGpusAreRefused() throws IOException, InterruptedException {
        assumeTrue(!Gpu.availability(2).usable(), "expected two GPUs at most, found more");
        assumeTrue(Gpu.deviceOf(2) == 2, "ranks may share a GPU");
        List<String> options = new ArrayList<>(options());
        options.addAll(List.of("--gpus", "3", "--out", folder.resolve("run").toString()));

        assertThat(RankCommands.await(commands.start("console", Map.of(), options)))
                .isEqualTo(2);
        assertThat(commands.read("console").lines().filter(line -> line.startsWith("mohawk distill")))
                .singleElement()
                .asString()
                .contains("expected a GPU for each of 3 ranks, found: ", "found device ");
    }

    @Test
    void aGpuTakenTwiceIsRefused() throws IOException, InterruptedException {
        List<String> options = new ArrayList<>(options());
        options.addAll(List.of("--out", folder.resolve("run").toString()));
        List<Process> ranks = new ArrayList<>();
        for (int rank = 0; rank < 2; rank++) {
            // a local rank of 0 for both, as where a launcher does not set it
            ranks.add(commands.start(
                    "console-" + rank,
                    Map.of(
                            "RANK", String.valueOf(rank),
                            "WORLD_SIZE", "2",
                            "NCCL_MULTI_RANK_GPU_ENABLE", "0",
                            "MASTER_ADDR", "127.0.0.1",
                            "MASTER_PORT", "28411"),
                    options));
        }

        for (int rank = 0; rank < 2; rank++) {
            assertThat(RankCommands.await(ranks.get(rank))).isEqualTo(2);
            assertThat(commands.read("console-" + rank).lines().filter(line -> line.startsWith("mohawk distill")))
                    .singleElement()
                    .asString()
                    .contains("expected a GPU of its own, found GPU-", ", which rank 0 has");
        }
    }
}
