package org.mohawk4j.cli;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.mohawk4j.models.testing.Gpu;

/** On a GPU, what the other implementation computed, within the tolerance of each type. */
@Tag("gpu")
class CudaParityTest {
    @BeforeAll
    static void requireGpu() {
        Gpu.require();
    }

    @ParameterizedTest
    @CsvSource({"double, 1e-5", "float, 1e-3", "bf16, 2e-1"})
    void aGpuComputesWhatTheOtherImplementationDid(String dtype, double tolerance) {
        CommandRun run = CommandRun.of(
                        "parity", CommandRun.golden("").toString(), "--backend", "cuda", "--dtype", dtype)
                .succeeds();

        assertThat(run.lines()).hasSize(20);
        assertThat(run.value("worst_relative_error")).isBetween(0.0, tolerance);
        assertThat(run.value("tolerance")).isEqualTo(tolerance);
    }
}
