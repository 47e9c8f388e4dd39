package org.mohawk4j.train.run;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.mohawk4j.InvalidInputException;
import org.mohawk4j.train.checkpoint.Position;
import org.mohawk4j.train.metrics.MetricsReader;
import org.mohawk4j.train.metrics.MetricsWriter;
import org.mohawk4j.train.metrics.StepMetrics;

class MetricsTest {
    private static final StepMetrics FIRST =
            new StepMetrics(new Position(1, 1), 2048, 2.3, 3.25, List.of(1.25, 2.0), 1e-4, 0.5, Map.of());

    @TempDir
    private Path folder;

    private Path file;

    @BeforeEach
    void nameFile() {
        file = folder.resolve("metrics.jsonl");
    }

    @Test
    void stepsReadBackAsWritten() throws IOException {
        StepMetrics second = new StepMetrics(
                new Position(3, 7),
                1L << 40,
                3e5,
                8.5,
                List.of(),
                1e-3,
                1.5,
                Map.of("note", "a \"b\"\n", "skipped", true));
        try (MetricsWriter writer = new MetricsWriter(file)) {
            writer.write(FIRST);
            writer.write(second);
        }

        assertThat(MetricsReader.read(file)).containsExactly(FIRST, second);
    }

    @Test
    void aLineIsOneJsonObjectInSnakeCaseWrittenAtOnce() throws IOException {
        try (MetricsWriter writer = new MetricsWriter(file)) {
            writer.write(FIRST);

            List<String> lines = Files.readAllLines(file);
            assertThat(lines).hasSize(1);
            JsonNode line = new ObjectMapper().readTree(lines.get(0));
            assertThat(line.fieldNames())
                    .toIterable()
                    .containsExactly(
                            "stage",
                            "step",
                            "tokens",
                            "loss",
                            "layer_losses",
                            "learning_rate",
                            "gradient_norm",
                            "tokens_per_second",
                            "seconds");
            assertThat(line.get("layer_losses").get(1).asDouble()).isEqualTo(2.0);
        }
    }

    @Test
    void numbersThatAreNotFiniteAreNullAndReadAsNaN() throws IOException {
        try (MetricsWriter writer = new MetricsWriter(file)) {
            writer.write(new StepMetrics(
                    new Position(2, 1),
                    1,
                    1,
                    Double.NaN,
                    List.of(1.0, Double.POSITIVE_INFINITY),
                    1,
                    Double.NEGATIVE_INFINITY,
                    Map.of("x", Float.NaN)));
        }

        assertThat(Files.readString(file))
                .contains("\"loss\":null", "[1.0,null]", "\"gradient_norm\":null", "\"x\":null");
        StepMetrics read = MetricsReader.read(file).get(0);
        assertThat(read.loss()).isNaN();
        assertThat(read.layerLosses().get(1)).isNaN();
        assertThat(read.gradientNorm()).isNaN();
        assertThat(read.extra()).containsEntry("x", Double.NaN);
    }

    @Test
    void aLineStillBeingWrittenIsLeftOut() throws IOException {
        try (MetricsWriter writer = new MetricsWriter(file)) {
            writer.write(FIRST);
        }
        Files.writeString(file, "{\"stage\":1,\"st", StandardOpenOption.APPEND);

        assertThat(MetricsReader.read(file)).containsExactly(FIRST);
    }

    @ParameterizedTest
    @CsvSource({
        "stage,1.7",
        "stage,1.0",
        "stage,4294967297",
        "stage,-1",
        "stage,'\"1\"'",
        "stage,true",
        "stage,null",
        "step,1e0",
        "step,2147483648",
        "tokens,1.5",
        "tokens,9223372036854775808"
    })
    void aWholeNumberIsNothingElse(String name, String value) throws IOException {
        try (MetricsWriter writer = new MetricsWriter(file)) {
            writer.write(FIRST);
        }
        String line = Files.readString(file);
        String changed = line.replaceFirst("(\"" + name + "\":)[^,]+", "$1" + value);
        assertThat(changed).isNotEqualTo(line);
        Files.writeString(file, changed);

        assertThatThrownBy(() -> MetricsReader.read(file))
                .isInstanceOf(InvalidInputException.class)
                .hasMessageContaining("line 1: expected a whole number " + name + ", found ");
    }

    @Test
    void aLossOfALayerThatIsNoNumberIsRefused() throws IOException {
        try (MetricsWriter writer = new MetricsWriter(file)) {
            writer.write(FIRST);
        }
        Files.writeString(file, Files.readString(file).replaceFirst("(\"layer_losses\":\\[)[^\\]]*", "$1\"3.5\""));

        assertThatThrownBy(() -> MetricsReader.read(file))
                .isInstanceOf(InvalidInputException.class)
                .hasMessageContaining("line 1: expected numbers layer_losses, found \"3.5\"");
    }

    @Test
    void aWrongLineIsNamedByItsNumber() throws IOException {
        Files.writeString(file, "nonsense\n{}\n");
        assertThatThrownBy(() -> MetricsReader.read(file))
                .isInstanceOf(InvalidInputException.class)
                .hasMessageContaining("line 1: expected a JSON object");

        Files.writeString(file, "{\"stage\":\"one\"}\n");
        assertThatThrownBy(() -> MetricsReader.read(file))
                .isInstanceOf(InvalidInputException.class)
                .hasMessageContaining("line 1: expected a whole number stage, found \"one\"");

        assertThatThrownBy(() -> MetricsReader.read(folder.resolve("none"))).isInstanceOf(InvalidInputException.class);
    }

    @Test
    void aRunThatGoesOnCutsOffWhatItsCheckpointDoesNotKnow() throws IOException {
        long known;
        try (MetricsWriter writer = new MetricsWriter(file)) {
            writer.write(FIRST);
            known = writer.length();
            writer.write(FIRST);
        }
        Files.writeString(file, "{\"stage\":1,\"st", StandardOpenOption.APPEND);

        try (MetricsWriter writer = MetricsWriter.continued(file, known)) {
            writer.write(FIRST);
            assertThat(writer.length()).isEqualTo(Files.size(file));
        }

        assertThat(MetricsReader.read(file)).containsExactly(FIRST, FIRST);
        assertThatThrownBy(() -> MetricsWriter.continued(file, 10_000))
                .isInstanceOf(InvalidInputException.class)
                .hasMessageContaining("expected at least the 10000 bytes that the checkpoint knows");
    }

    @Test
    void anExistingFileIsNotOverwritten() throws IOException {
        Files.writeString(file, "precious");

        assertThatThrownBy(() -> new MetricsWriter(file)).isInstanceOf(FileAlreadyExistsException.class);
        assertThat(file).hasContent("precious");
    }

    @Test
    void extraValuesMustNotShadowOthersNorBeObjects() {
        assertThatThrownBy(() -> new StepMetrics(new Position(1, 1), 1, 1, 1, List.of(), 1, 1, Map.of("loss", 2)))
                .isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> new StepMetrics(new Position(1, 1), 1, 1, 1, List.of(), 1, 1, Map.of("x", List.of())))
                .isInstanceOf(IllegalArgumentException.class);
    }
}
