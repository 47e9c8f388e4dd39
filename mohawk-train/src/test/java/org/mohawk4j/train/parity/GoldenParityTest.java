package org.mohawk4j.train.parity;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.mohawk4j.InvalidInputException;
import org.mohawk4j.backend.BackendOptions;
import org.mohawk4j.tensor.Engine;
import org.mohawk4j.tensor.types.DType;

class GoldenParityTest {
    private static final Path GOLDEN = Path.of(System.getProperty("mohawk.golden", "../src/test/golden"));

    private static final Path FAMILIES = GOLDEN.resolveSibling("golden-families");

    @TempDir
    Path folder;

    @ParameterizedTest
    @CsvSource({"FLOAT64, 1e-5", "FLOAT32, 1e-3"})
    void everyTensorOfPyTorchsIsReproduced(DType type, double tolerance) {
        List<GoldenParity.FileResult> results = run(GOLDEN, type);

        assertThat(results).hasSize(19);
        assertThat(results).allSatisfy(result -> {
            assertThat(result.tensors()).isPositive();
            assertThat(result.error()).as(result.toString()).isLessThanOrEqualTo(tolerance);
        });
    }

    /** Each family as the older schema of transformers describes it, and as the newer one does. */
    @ParameterizedTest
    @CsvSource({
        "gemma2, 1, 4",
        "gemma3, 1, 4",
        "gemma3-linear, 1, 4",
        "llama, 7, 134",
        "llama-bias, 1, 4",
        "llama-linear, 1, 4",
        "llama-tied, 1, 1",
        "mistral, 1, 4",
        "olmo2, 1, 4",
        "phi3, 1, 4",
        "phi3-longrope, 1, 4",
        "phi3-longrope-short, 1, 4",
        "qwen2, 3, 41",
        "qwen2-window, 1, 4",
        "qwen2-yarn, 1, 4",
        "qwen3, 6, 107",
        "smollm3, 1, 4"
    })
    void everyTensorOfOtherFamiliesIsReproduced(String family, int files, int tensors) throws IOException {
        copy(FAMILIES.resolve(family), folder);
        assertReproduced(run(folder, DType.FLOAT64), 1e-5, files, tensors);
        Files.copy(
                folder.resolve("teacher-config-transformers5.json"),
                folder.resolve("teacher/config.json"),
                StandardCopyOption.REPLACE_EXISTING);
        assertReproduced(run(folder, DType.FLOAT32), 1e-3, files, tensors);
    }

    private static void assertReproduced(
            List<GoldenParity.FileResult> results, double tolerance, int files, int tensors) {
        assertThat(results).hasSize(files);
        assertThat(results.stream().mapToInt(GoldenParity.FileResult::tensors).sum())
                .isEqualTo(tensors);
        assertThat(results)
                .allSatisfy(result ->
                        assertThat(result.error()).as(result.toString()).isLessThanOrEqualTo(tolerance));
    }

    /** Whoever adds golden data is to have it compared. */
    @Test
    void allFamiliesAreThere() throws IOException {
        try (Stream<Path> families = Files.list(FAMILIES)) {
            assertThat(families.filter(Files::isDirectory)).hasSize(17);
        }
    }

    /** A tensor that nothing is compared with would look like one that agrees. */
    @Test
    void aTensorOfALayerThatIsNotThereIsRefused() throws IOException {
        copy(FAMILIES.resolve("llama"), folder);
        Path file = folder.resolve("teacher_expected.safetensors");
        String bytes = Files.readString(file, ISO_8859_1);
        Files.writeString(file, bytes.replace("attention.0", "attention.9"), ISO_8859_1);

        assertThatThrownBy(() -> run(folder, DType.FLOAT64))
                .isInstanceOf(InvalidInputException.class)
                .hasMessageContaining("found also [attention.9]");
    }

    /** The check must be able to fail. */
    @Test
    void oneWrongNumberIsFound() throws IOException {
        copy(GOLDEN, folder);
        Path file = folder.resolve("grouped_stage1.safetensors");
        byte[] bytes = Files.readAllBytes(file);
        ByteBuffer.wrap(bytes).putInt(bytes.length - 4, 0x0000c842);
        Files.write(file, bytes);

        List<GoldenParity.FileResult> results = run(folder, DType.FLOAT64);

        assertThat(results)
                .filteredOn(result -> result.error() > 1e-5)
                .singleElement()
                .satisfies(result -> assertThat(result.file()).isEqualTo("grouped_stage1.safetensors"));
    }

    @Test
    void aFolderWithoutATeacherIsRefused() {
        assertThatThrownBy(() -> run(folder, DType.FLOAT64))
                .isInstanceOf(InvalidInputException.class)
                .hasMessageContaining("teacher");
    }

    private static List<GoldenParity.FileResult> run(Path folder, DType type) {
        try (Engine engine = Engine.open("nd4j", BackendOptions.defaults().withParameterType(type))) {
            return new GoldenParity(engine, folder).run();
        }
    }

    private static void copy(Path from, Path to) throws IOException {
        try (Stream<Path> all = Files.walk(from)) {
            for (Path path : all.toList()) {
                Path target = to.resolve(from.relativize(path).toString());
                if (Files.isDirectory(path)) {
                    Files.createDirectories(target);
                } else {
                    Files.copy(path, target, StandardCopyOption.REPLACE_EXISTING);
                }
            }
        }
    }
}
