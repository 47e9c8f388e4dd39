package org.mohawk4j.cli;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.mohawk4j.models.CausalLm;
import org.mohawk4j.models.ModelFolder;
import org.mohawk4j.models.testing.Gpu;
import org.mohawk4j.tensor.Engine;

/** Runs on a GPU in mixed precision, with accumulation, recomputed blocks and replayed teacher states, interrupted. */
@Tag("gpu")
class CudaInterruptionTest {
    private static final int STEPS = 60;
    private static final int BATCH = 4;

    @TempDir
    private static Path folder;

    private static InterruptedRuns runs;

    @BeforeAll
    static void runWithoutInterruption() throws IOException, InterruptedException {
        Gpu.require();
        Path teacher = folder.resolve("teacher");
        try (Engine engine = Gpu.open();
                CausalLm model = Gpu.teacher(engine)) {
            ModelFolder.save(model, teacher);
        }
        InterruptedRuns.numberedWords(Gpu.VOCABULARY, teacher.resolve("tokenizer.json"));
        Path text = InterruptedRuns.text(Gpu.VOCABULARY, 20_000, folder.resolve("text.txt"));
        List<String> options = new ArrayList<>();
        options.addAll(List.of("--backend", "cuda", "--dtype", "bf16", "--teacher", teacher.toString()));
        options.addAll(List.of("--text", text.toString(), "--held-out", "0.1", "--state-size", "64"));
        options.addAll(List.of("--context", String.valueOf(Gpu.CONTEXT), "--batch", String.valueOf(BATCH)));
        options.addAll(List.of("--accumulate", "2", "--recompute", "--teacher-cache", folder.resolve("states") + ""));
        options.addAll(List.of("--tokens", String.valueOf((long) STEPS * BATCH * Gpu.CONTEXT)));
        options.addAll(List.of("--split", "0.3,0.3,0.4", "--checkpoint-every", "3"));
        options.addAll(List.of("--windows", "1", "--report", "false"));
        runs = new InterruptedRuns(folder, options, STEPS);
    }

    @Test
    void twelveKillsChangeNothing() throws IOException, InterruptedException {
        runs.killAndCompare(12, 4, 11);
    }

    @Test
    void aSignalSavesAndEndsTheRunWithItsExitCode() throws IOException, InterruptedException {
        runs.stopAndCompare(30);
    }
}
