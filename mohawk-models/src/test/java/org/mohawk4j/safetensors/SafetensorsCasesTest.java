package org.mohawk4j.safetensors;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.stream.Stream;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.mohawk4j.InvalidInputException;

/** The collection of valid and broken files that comes with verdicts. */
@Timeout(60)
class SafetensorsCasesTest {
    private static final String FOLDER = "/safetensors-cases/";

    @TempDir
    Path folder;

    static Stream<JsonNode> cases() throws IOException {
        try (InputStream json = SafetensorsCasesTest.class.getResourceAsStream(FOLDER + "cases.json")) {
            return new ObjectMapper().readTree(json).valueStream().toList().stream();
        }
    }

    @ParameterizedTest
    @MethodSource("cases")
    void everyCaseHasItsVerdict(JsonNode entry) throws IOException {
        String name = entry.path("file").asText();
        Path file = entry.path("case").asText().equals("name 1MB") ? nameOfOneMegabyte() : copy(name);

        switch (entry.path("expect").asText()) {
            case "accept" -> {
                try (SafetensorsFile opened = SafetensorsFile.open(file)) {
                    opened.names().forEach(opened::info);
                }
            }
            case "reject" ->
                assertThatThrownBy(() -> SafetensorsFile.open(file))
                        .isInstanceOf(InvalidInputException.class)
                        .satisfies(e -> assertThat(e.getMessage())
                                .startsWith(file + ": ")
                                .doesNotContain("\n")
                                .hasSizeLessThan(500));
            default -> {
                try (SafetensorsFile opened = SafetensorsFile.open(file)) {
                    assertThat(opened.path()).isEqualTo(file);
                } catch (InvalidInputException e) {
                    assertThat(e).hasMessageStartingWith(file + ": ");
                }
            }
        }
    }

    private Path copy(String name) throws IOException {
        Path file = folder.resolve(name);
        try (InputStream bytes = getClass().getResourceAsStream(FOLDER + name)) {
            Files.copy(bytes, file);
        }
        return file;
    }

    private Path nameOfOneMegabyte() throws IOException {
        char[] name = new char[1_000_000];
        Arrays.fill(name, 'a');
        return TestFiles.write(
                folder.resolve("long.safetensors"),
                "{\"" + new String(name) + "\":{\"dtype\":\"F32\",\"shape\":[2,2],\"data_offsets\":[0,16]}}",
                16);
    }
}
