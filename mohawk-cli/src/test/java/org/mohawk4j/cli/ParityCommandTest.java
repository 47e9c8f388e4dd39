package org.mohawk4j.cli;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class ParityCommandTest {
    private final String golden = CommandRun.golden("").toString();

    @Test
    void thisBuildComputesWhatTheOtherImplementationDid() {
        CommandRun run = CommandRun.of("parity", golden, "--dtype", "double", "--threads", "1")
                .succeeds();

        assertThat(run.lines()).hasSize(20).first().asString().startsWith("teacher_expected.safetensors");
        assertThat(run.value("worst_relative_error")).isBetween(0.0, 1e-5);
        assertThat(run.value("tolerance")).isEqualTo(1e-5);
    }

    @Test
    void anErrorBeyondTheToleranceIsExitCodeOne() {
        CommandRun run = CommandRun.of("parity", golden, "--tolerance", "1e-12", "--threads", "1");

        assertThat(run.exitCode()).isEqualTo(1);
        assertThat(run.out()).contains("BEYOND TOLERANCE");
        assertThat(run.value("beyond_tolerance")).isPositive();
    }
}
