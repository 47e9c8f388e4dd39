package org.mohawk4j.train;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.mohawk4j.train.report.RunResult;

class SamplesTest {
    @TempDir
    Path folder;

    @Test
    void aSampleReadsAsOneTextWithItsPrompt() throws IOException {
        RunResult result =
                new TinyRun(folder.resolve("run"), Map.of()).withSamples().start();

        assertThat(result.samples()).hasSize(2).allSatisfy(sample -> {
            assertThat(sample.prompt().split(" ", -1)).hasSize(16);
            assertThat(sample.continuation()).startsWith(" ");
            assertThat((sample.prompt() + sample.continuation()).split(" ", -1)).hasSize(16 + 60);
        });
    }
}
