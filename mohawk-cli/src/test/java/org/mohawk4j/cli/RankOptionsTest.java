package org.mohawk4j.cli;

import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Options of several GPUs that contradict each other, which are refused before a process is started. */
class RankOptionsTest {
    @TempDir
    private Path folder;

    private CommandRun distill(String... options) {
        String[] arguments = new String[options.length + 3];
        arguments[0] = "distill";
        System.arraycopy(options, 0, arguments, 1, options.length);
        arguments[options.length + 1] = "--out";
        arguments[options.length + 2] = folder.resolve("run").toString();
        return CommandRun.of(arguments);
    }

    @Test
    void contradictionsAreRefused() {
        distill("--gpus", "0").refuses("gpus: expected a whole number of at least 1, got 0");
        distill("--gpus", "2", "--device", "1")
                .refuses("--device: expected none beside 2 ranks, each of which has a device of its own, found 1");
        distill("--restarts", "2").refuses("--restarts: expected --gpus of at least 2, found 1");
        distill("--gpus", "2", "--restarts", "-1").refuses("--restarts: expected at least 0, found -1");
        distill("--gpus", "2", "--rank-timeout", "0").refuses("--rank-timeout: expected at least 1, found 0");
        distill("--gpus", "2", "--join-timeout", "0").refuses("--join-timeout: expected at least 1, found 0");
    }

    @Test
    void wrongOptionsAreRefusedBeforeAProcessIsStarted() {
        distill("--gpus", "2", "--batch", "0").refuses("batch: expected a whole number of at least 1, got 0");
    }
}
