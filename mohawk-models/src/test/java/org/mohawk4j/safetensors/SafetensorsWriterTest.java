package org.mohawk4j.safetensors;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.mohawk4j.InvalidInputException;
import org.mohawk4j.StorageException;
import org.mohawk4j.io.InputFile;
import org.mohawk4j.tensor.types.DType;
import org.mohawk4j.tensor.types.HostTensor;
import org.mohawk4j.tensor.types.HostTensors;
import org.mohawk4j.tensor.types.Shape;

class SafetensorsWriterTest {
    private static final HostTensor ONE = HostTensors.of(Shape.of(1), 1f);

    @TempDir
    Path folder;

    @ParameterizedTest
    @ValueSource(
            strings = {
                "teacher/model.safetensors",
                "hybrid/model.safetensors",
                "teacher_expected.safetensors",
                "phi-mamba_stage3_adamw5.safetensors"
            })
    void whatThePythonLibraryWroteIsWrittenAgainByteForByte(String name) throws IOException {
        Path original = TestFiles.golden(name);
        Path copy = folder.resolve("copy.safetensors");

        try (SafetensorsFile source = SafetensorsFile.open(original)) {
            List<String> names = new ArrayList<>(source.names());
            Collections.reverse(names);
            List<TensorSpec> specs = names.stream()
                    .map(tensor -> TensorSpec.of(tensor, source.tensor(tensor)))
                    .toList();
            try (SafetensorsWriter writer = SafetensorsWriter.create(copy, specs, source.metadata())) {
                names.forEach(tensor -> writer.write(tensor, source.tensor(tensor)));
                writer.commit();
            }
        }

        assertThat(copy).hasSameBinaryContentAs(original);
    }

    @Test
    void everyBitOfFloatsAndDoublesComesBack() {
        Path file = folder.resolve("bits.safetensors");
        HostTensor floats = bits(DType.FLOAT32);
        HostTensor doubles = bits(DType.FLOAT64);
        List<TensorSpec> specs = List.of(TensorSpec.of("floats", floats), TensorSpec.of("doubles", doubles));
        try (SafetensorsWriter writer = SafetensorsWriter.create(file, specs, Map.of())) {
            writer.write("floats", floats);
            writer.write("doubles", doubles);
            writer.commit();
        }

        try (SafetensorsFile read = SafetensorsFile.open(file)) {
            assertThat(read.tensor("floats")).isEqualTo(floats);
            assertThat(read.tensor("doubles")).isEqualTo(doubles);
        }
    }

    /** Random bits: numbers of every size, subnormal ones, and NaNs with payloads. */
    private static HostTensor bits(DType dtype) {
        byte[] bytes = new byte[1000 * dtype.bytes()];
        new Random(1).nextBytes(bytes);
        return new HostTensor(dtype, Shape.of(1000), ByteBuffer.wrap(bytes));
    }

    @Test
    void theHeaderIsSortedByDtypeAndBytesOfTheNameAndPaddedWithSpaces() throws IOException {
        HostTensor half = HostTensors.convert(ONE, DType.FLOAT16);
        HostTensor wide = HostTensors.of(Shape.of(), 1L);
        Map<String, HostTensor> tensors =
                Map.of("b", ONE, "\ud83d\ude00", half, "\uffee", half, "a\"\n\u001f", ONE, "i", wide);

        byte[] bytes = Files.readAllBytes(write(tensors, SafetensorsWriter.PYTORCH));
        int headerLength = bytes.length - 8 - 20;

        assertThat(ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN).getLong())
                .isEqualTo(headerLength);
        assertThat(headerLength % 8).isZero();
        assertThat(new String(bytes, 8, headerLength, UTF_8).replaceAll(" +$", ""))
                .isEqualTo("{\"__metadata__\":{\"format\":\"pt\"},"
                        + "\"i\":{\"dtype\":\"I64\",\"shape\":[],\"data_offsets\":[0,8]},"
                        + "\"a\\\"\\n\\u001f\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[8,12]},"
                        + "\"b\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[12,16]},"
                        + "\"\uffee\":{\"dtype\":\"F16\",\"shape\":[1],\"data_offsets\":[16,18]},"
                        + "\"\ud83d\ude00\":{\"dtype\":\"F16\",\"shape\":[1],\"data_offsets\":[18,20]}}");
    }

    @Test
    void aFileWithoutTensorsAndMetadataIsTheSmallestOne() throws IOException {
        assertThat(write(Map.of(), Map.of()))
                .hasBinaryContent(new byte[] {8, 0, 0, 0, 0, 0, 0, 0, '{', '}', ' ', ' ', ' ', ' ', ' ', ' '});
    }

    @Test
    void nothingIsVisibleBeforeTheCommitAndNothingIsLeftWithoutIt() throws IOException {
        Path file = Files.writeString(folder.resolve("x.safetensors"), "old");

        try (SafetensorsWriter writer = writer(file, "a", "b")) {
            writer.write("a", ONE);
            assertThatThrownBy(writer::commit)
                    .isInstanceOf(IllegalStateException.class)
                    .hasMessageContaining("1 declared tensors are not written, 'b'");
            assertThat(file).hasContent("old");
        }

        assertThat(list()).containsExactly("x.safetensors");
        assertThat(file).hasContent("old");
    }

    @Test
    void writesAreCheckedAgainstTheDeclaration() {
        try (SafetensorsWriter writer = writer(folder.resolve("x"), "a", "b")) {
            assertThatThrownBy(() -> writer.write("c", ONE)).hasMessageContaining("'c' was not declared");
            assertThatThrownBy(() -> writer.write("a", HostTensors.of(Shape.of(1), 1)))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessage("tensor 'a' was declared as FLOAT32 [1], not INT32 [1]");
            assertThatThrownBy(() -> writer.write("a", HostTensors.of(Shape.of(1, 1), 1f)))
                    .hasMessage("tensor 'a' was declared as FLOAT32 [1], not FLOAT32 [1, 1]");
            writer.write("a", ONE);
            assertThatThrownBy(() -> writer.write("a", ONE)).hasMessageContaining("written twice");
            writer.write("b", ONE);
            writer.commit();
            assertThatThrownBy(writer::commit).hasMessageContaining("is closed");
            assertThatThrownBy(() -> writer.write("a", ONE)).hasMessageContaining("is closed");
        }
    }

    @Test
    void badNamesAreRefused() {
        for (String name : List.of("__metadata__", "\ud800")) {
            assertThatThrownBy(() -> writer(folder.resolve("x"), name)).isInstanceOf(IllegalArgumentException.class);
        }
        assertThatThrownBy(() -> writer(folder.resolve("x"), "a", "a")).hasMessageContaining("declared twice");
        assertThat(folder).isEmptyDirectory();
    }

    @Test
    void placesThatCannotBeWrittenAreNamed() {
        assertThatThrownBy(() -> writer(folder.resolve("none/x"), "a"))
                .isInstanceOf(InvalidInputException.class)
                .hasMessage(folder.resolve("none/x") + ": cannot be written: it does not exist");
        assertThatThrownBy(() -> writer(folder, "a"))
                .isInstanceOf(InvalidInputException.class)
                .hasMessageContaining("found a folder");
    }

    @Test
    void aDiskThatIsFullIsNotTheFaultOfThePath() {
        assertThat(InputFile.unwritable(folder, new FileSystemException("x", null, "No space left on device")))
                .isInstanceOf(StorageException.class)
                .hasMessage(folder + ": cannot be written: No space left on device");
        assertThat(InputFile.unwritable(folder, new IOException("Input/output error")))
                .isInstanceOf(StorageException.class);
        assertThat(InputFile.unwritable(folder, new FileSystemException("x", null, "File name too long")))
                .isInstanceOf(InvalidInputException.class);
    }

    private Path write(Map<String, HostTensor> tensors, Map<String, String> metadata) {
        Path file = folder.resolve("x.safetensors");
        List<TensorSpec> specs = tensors.entrySet().stream()
                .map(entry -> TensorSpec.of(entry.getKey(), entry.getValue()))
                .toList();
        try (SafetensorsWriter writer = SafetensorsWriter.create(file, specs, metadata)) {
            tensors.forEach(writer::write);
            writer.commit();
        }
        return file;
    }

    private static SafetensorsWriter writer(Path file, String... names) {
        List<TensorSpec> specs =
                Stream.of(names).map(name -> TensorSpec.of(name, ONE)).toList();
        return SafetensorsWriter.create(file, specs, SafetensorsWriter.PYTORCH);
    }

    private List<String> list() throws IOException {
        try (Stream<Path> files = Files.list(folder)) {
            return files.map(file -> file.getFileName().toString()).toList();
        }
    }
}
