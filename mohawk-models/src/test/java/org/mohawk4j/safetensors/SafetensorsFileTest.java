package org.mohawk4j.safetensors;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assumptions.assumeThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.assertj.core.api.AbstractThrowableAssert;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.mohawk4j.InvalidInputException;
import org.mohawk4j.tensor.types.DType;
import org.mohawk4j.tensor.types.HostTensor;
import org.mohawk4j.tensor.types.HostTensors;
import org.mohawk4j.tensor.types.Shape;

@Timeout(60)
class SafetensorsFileTest {
    private static final String T = "\"t\":{\"dtype\":\"F32\",\"shape\":[2,2],\"data_offsets\":[0,16]}";

    @TempDir
    Path folder;

    @ParameterizedTest
    @ValueSource(
            strings = {
                "{\"t\":{\"dtype\":\"F32\",\"shape\":[2,2],\"data_offsets\":[0,16],\"new\":[1.5,{\"a\":null}]}}",
                "{\"__metadata__\":null," + T + "}",
                "{\"__metadata__\":{}," + T + "}",
                "{\"\\u0000\":{\"dtype\":\"U8\",\"shape\":[16],\"data_offsets\":[0,16]}}",
                "{\"\\ud83d\\ude00\":{\"dtype\":\"I8\",\"shape\":[16],\"data_offsets\":[0,16]}}",
                "{\"a\":{\"dtype\":\"F8_E8M0\",\"shape\":[4,4],\"data_offsets\":[0,16]}}",
                "{\"a\":{\"dtype\":\"F6_E2M3\",\"shape\":[4],\"data_offsets\":[0,3]},"
                        + "\"b\":{\"dtype\":\"F4\",\"shape\":[26],\"data_offsets\":[3,16]}}",
                "{\"a\":{\"dtype\":\"C64\",\"shape\":[2],\"data_offsets\":[0,16]}}",
                "{\"z\":{\"dtype\":\"U8\",\"shape\":[8],\"data_offsets\":[8,16]},"
                        + "\"e\":{\"dtype\":\"U8\",\"shape\":[0,9223372036854775807,3],\"data_offsets\":[8,8]},"
                        + "\"a\":{\"dtype\":\"U8\",\"shape\":[8],\"data_offsets\":[0,8]}}",
                "{\"e\":{\"dtype\":\"U8\",\"shape\":[4611686018427387904,2,0],\"data_offsets\":[0,0]}," + T + "}",
                "{" + T + "} \t\r\n ",
            })
    void acceptsWhatTheReferenceAccepts(String header) throws IOException {
        try (SafetensorsFile file = SafetensorsFile.open(TestFiles.write(file(), header, 16))) {
            assertThat(file.names())
                    .isNotEmpty()
                    .allSatisfy(name -> assertThat(file.info(name).name()).isEqualTo(name));
        }
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "null",
                "\"t\"",
                "{" + T,
                "{" + T + "}}",
                "{" + T + "} x",
                "{" + T + "}\u0000",
                "{" + T + "} // comment",
                "{'t':{}}",
                "{\"t\":null}",
                "{\"t\":[\"F32\",[2,2],[0,16]]}",
                "{\"t\":{\"dtype\":{\"F32\":null},\"shape\":[2,2],\"data_offsets\":[0,16]}}",
                "{\"t\":{\"dtype\":\"f32\",\"shape\":[2,2],\"data_offsets\":[0,16]}}",
                "{\"t\":{\"dtype\":null,\"shape\":[2,2],\"data_offsets\":[0,16]}}",
                "{\"t\":{\"dtype\":\"F32\",\"shape\":null,\"data_offsets\":[0,16]}}",
                "{\"t\":{\"dtype\":\"F32\",\"shape\":[2,[2]],\"data_offsets\":[0,16]}}",
                "{\"t\":{\"dtype\":\"F32\",\"shape\":[2,\"2\"],\"data_offsets\":[0,16]}}",
                "{\"t\":{\"dtype\":\"F32\",\"shape\":[02,2],\"data_offsets\":[0,16]}}",
                "{\"t\":{\"dtype\":\"F32\",\"shape\":[+2,2],\"data_offsets\":[0,16]}}",
                "{\"t\":{\"dtype\":\"F32\",\"shape\":[NaN],\"data_offsets\":[0,16]}}",
                "{\"t\":{\"dtype\":\"F32\",\"shape\":[4e0],\"data_offsets\":[0,16]}}",
                "{\"t\":{\"dtype\":\"F32\",\"shape\":[2,2],\"data_offsets\":[-0,16]}}",
                "{\"t\":{\"dtype\":\"F32\",\"shape\":[2,2],\"data_offsets\":[0,99999999999999999999]}}",
                "{\"t\":{\"dtype\":\"F32\",\"shape\":[2,2],\"data_offsets\":[0,18446744073709551632]}}",
                "{\"t\":{\"dtype\":\"F32\",\"shape\":[2,2],\"data_offsets\":{}}}",
                "{\"t\":{\"dtype\":\"F32\",\"shape\":[2,2],\"data_offsets\":[]}}",
                "{\"t\":{\"dtype\":\"F32\",\"shape\":[2,2]}}",
                "{\"t\":{\"dtype\":\"F32\",\"data_offsets\":[0,16]}}",
                "{\"t\":{\"dtype\":\"F32\",\"dtype\":\"F32\",\"shape\":[2,2],\"data_offsets\":[0,16]}}",
                "{\"t\":{\"dtype\":\"F32\",\"shape\":[2,2],\"data_offsets\":[0,16],\"x\":1,\"x\":1}}",
                "{\"t\":{\"dtype\":\"F32\",\"shape\":[2,2],\"data_offsets\":[0,16],\"x\":{\"a\":1,\"\\u0061\":1}}}",
                "{" + T + ",\"\\u0074\":{\"dtype\":\"F32\",\"shape\":[0],\"data_offsets\":[16,16]}}",
                "{\"\\ud800\":{\"dtype\":\"F32\",\"shape\":[2,2],\"data_offsets\":[0,16]}}",
                "{\"\\ude00\\ud83d\":{\"dtype\":\"F32\",\"shape\":[2,2],\"data_offsets\":[0,16]}}",
                "{\"__metadata__\":{\"a\":\"\\udc00\"}," + T + "}",
                "{\"__metadata__\":{\"a\":null}," + T + "}",
                "{\"__metadata__\":{\"a\":\"1\",\"\\u0061\":\"2\"}," + T + "}",
                "{\"__metadata__\":\"pt\"," + T + "}",
                "{\"t\u0001\":{\"dtype\":\"F32\",\"shape\":[2,2],\"data_offsets\":[0,16]}}",
                "{\"a\":{\"dtype\":\"U8\",\"shape\":[16],\"data_offsets\":[0,16]},"
                        + "\"b\":{\"dtype\":\"U8\",\"shape\":[0],\"data_offsets\":[4,4]}}",
                "{\"a\":{\"dtype\":\"U8\",\"shape\":[9],\"data_offsets\":[0,9]},"
                        + "\"b\":{\"dtype\":\"U8\",\"shape\":[8],\"data_offsets\":[8,16]}}",
                "{\"a\":{\"dtype\":\"U8\",\"shape\":[8],\"data_offsets\":[0,8]}}",
                "{\"a\":{\"dtype\":\"U8\",\"shape\":[17],\"data_offsets\":[0,17]}}",
            })
    void refusesWithOneLine(String header) throws IOException {
        assertRefused(TestFiles.write(file(), header, 16));
    }

    @Test
    void refusesBytesThatAreNotUtf8() throws IOException {
        byte[] surrogate = "{\"x\":{\"dtype\":\"U8\",\"shape\":[16],\"data_offsets\":[0,16]}}".getBytes(UTF_8);
        for (byte[] bad :
                new byte[][] {{(byte) 0xed, (byte) 0xa0, (byte) 0x80}, {(byte) 0xf4, (byte) 0x90, -128, -128}}) {
            byte[] header = new byte[surrogate.length + bad.length];
            System.arraycopy(surrogate, 0, header, 0, 2);
            System.arraycopy(bad, 0, header, 2, bad.length);
            System.arraycopy(surrogate, 2, header, 2 + bad.length, surrogate.length - 2);

            assertRefused(TestFiles.write(file(), header, 16)).hasMessageContaining("not UTF-8");
        }
    }

    @ParameterizedTest
    @ValueSource(longs = {0, 3, 1000, 100_000_001, Long.MAX_VALUE, Long.MIN_VALUE, -1})
    void refusesWrongHeaderLengths(long length) throws IOException {
        assertRefused(TestFiles.write(file(), length, ("{" + T + "}").getBytes(UTF_8), 16));
    }

    @Test
    void refusesNestingWithoutEnd() throws IOException {
        assertRefused(TestFiles.write(file(), "{\"t\":{\"x\":" + "[".repeat(100_000), 0))
                .hasMessageContaining("nesting");
    }

    @Test
    void namesInMessagesAreShortAndPrintable() throws IOException {
        String header = "{\"" + "\\n".repeat(500) + "\":{\"dtype\":\"X\",\"shape\":[],\"data_offsets\":[0,1]}}";

        assertRefused(TestFiles.write(file(), header, 16)).hasMessageContaining("'\\u000a\\u000a");
    }

    @Test
    void refusesEmptyFilesFoldersAndNothing() throws IOException {
        Files.createFile(file());

        assertRefused(file()).hasMessageContaining("found 0 bytes");
        assertRefused(folder).hasMessageContaining("found a folder");
        assertRefused(folder.resolve("none")).hasMessageContaining("does not exist");
        for (String below : List.of("below", "below/it")) {
            Path path = file().resolve(below);
            assertRefused(path).hasMessage(path + ": cannot be read: a file is where a folder should be");
        }
    }

    @Test
    @EnabledOnOs(OS.LINUX)
    void refusesLinksInACircleDevicesAndPipesWithoutOpeningThem() throws IOException, InterruptedException {
        Path circle = Files.createSymbolicLink(folder.resolve("circle"), folder.resolve("circle"));
        Path pipe = folder.resolve("pipe");
        assertThat(new ProcessBuilder("mkfifo", pipe.toString()).start().waitFor())
                .isZero();

        assertRefused(circle).hasMessageContaining("cannot be read");
        assertRefused(pipe).hasMessageContaining("pipe");
        assertRefused(Path.of("/dev/zero")).hasMessageContaining("device");
    }

    @Test
    @EnabledOnOs({OS.LINUX, OS.MAC})
    void refusesFilesWithoutPermission() throws IOException {
        TestFiles.write(file(), "{}", 0);
        Files.setPosixFilePermissions(file(), PosixFilePermissions.fromString("---------"));
        assumeThat(Files.isReadable(file())).as("the super-user may read all").isFalse();

        assertRefused(file()).hasMessageContaining("permission denied");
    }

    @Test
    void tensorsAreWhatTheFileSays() throws IOException {
        String header = "{\"__metadata__\":{\"z\":\"1\",\"a\":\"2\"},"
                + "\"b\":{\"dtype\":\"F32\",\"shape\":[1,2],\"data_offsets\":[9,17]},"
                + "\"e\":{\"dtype\":\"BF16\",\"shape\":[3,0],\"data_offsets\":[9,9]},"
                + "\"s\":{\"dtype\":\"I64\",\"shape\":[],\"data_offsets\":[0,8]},"
                + "\"u\":{\"dtype\":\"BOOL\",\"shape\":[1],\"data_offsets\":[8,9]}}";

        try (SafetensorsFile file = SafetensorsFile.open(TestFiles.write(file(), header, 17))) {
            assertThat(file.names()).containsExactly("s", "u", "e", "b");
            assertThat(file.metadata().entrySet().toString()).isEqualTo("[z=1, a=2]");
            assertThat(file.info("b"))
                    .isEqualTo(new TensorInfo(
                            "b", SafetensorsDtype.F32, Shape.of(1, 2), file(), 8 + header.length() + 9, 8));
            HostTensor scalar = file.tensor("s");
            assertThat(scalar.dtype()).isEqualTo(DType.INT64);
            assertThat(scalar.shape()).isEqualTo(Shape.of());
            assertThat(scalar.data().getLong()).isEqualTo(0x0706050403020100L);
            assertThat(file.tensor("b").data().isReadOnly()).isTrue();
            assertThat(file.tensor("b").data().getInt(4)).isEqualTo(0x100f0e0d);
            assertThat(file.tensor("e").data().remaining()).isZero();
            assertThat(file.contains("u")).isTrue();
            assertThat(file.contains("nope")).isFalse();
            assertThatThrownBy(() -> file.tensor("u"))
                    .isInstanceOf(InvalidInputException.class)
                    .hasMessage(file() + ": tensor 'u': expected dtype F64, F32, F16, BF16, I64 or I32, found BOOL");
            assertThatThrownBy(() -> file.tensor("nope"))
                    .isInstanceOf(InvalidInputException.class)
                    .hasMessage(file() + ": has no tensor 'nope'");
        }
    }

    @Test
    void tensorsOutliveTheFile() throws IOException {
        SafetensorsFile file = SafetensorsFile.open(TestFiles.write(file(), "{" + T + "}", 16));
        HostTensor tensor = file.tensor("t");
        file.close();

        assertThat(tensor.data().getInt(0)).isEqualTo(0x03020100);
        assertThatThrownBy(() -> file.tensor("t")).isInstanceOf(IllegalStateException.class);
    }

    @Test
    void readsBeyondTwoGibibytesAndRefusesASingleTensorOfThatSize() throws IOException {
        long large = 3L << 30;
        String header = "{\"large\":{\"dtype\":\"F32\",\"shape\":[" + large / 4 + "],\"data_offsets\":[0," + large
                + "]},\"last\":{\"dtype\":\"F32\",\"shape\":[3],\"data_offsets\":[" + large + "," + (large + 12)
                + "]}}";

        try (SafetensorsFile file = SafetensorsFile.open(TestFiles.writeSparse(file(), header, large + 12))) {
            assertThat(HostTensors.toFloats(file.tensor("last"))).containsExactly(0, 0, 0);
            assertThatThrownBy(() -> file.tensor("large"))
                    .isInstanceOf(InvalidInputException.class)
                    .hasMessageContaining("tensor 'large'")
                    .hasMessageContaining("found " + large);
        }
    }

    @Test
    void manyTensorsInAnyOrderAreFound() throws IOException {
        int count = 20_000;
        List<Integer> order = new ArrayList<>(IntStream.range(0, count).boxed().toList());
        java.util.Collections.shuffle(order, new java.util.Random(1));
        String header = order.stream()
                .map(i ->
                        "\"t" + i + "\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[" + i + "," + (i + 1) + "]}")
                .collect(Collectors.joining(",", "{", "}"));

        try (SafetensorsFile file = SafetensorsFile.open(TestFiles.write(file(), header, count))) {
            assertThat(file.names()).hasSize(count).element(777).isEqualTo("t777");
            assertThat(file.info("t19999").offset()).isEqualTo(8L + header.length() + 19_999);
            assertThat(file.contains("t20000")).isFalse();
        }
    }

    @Test
    void moreTensorsThanAnyModelHasAreRefused() throws IOException {
        String header = IntStream.rangeClosed(1, SafetensorsHeader.MAX_TENSORS)
                .mapToObj(i -> ",\"" + i + "\":{\"dtype\":\"U8\",\"shape\":[0],\"data_offsets\":[0,0]}")
                .collect(Collectors.joining("", "{\"0\":{\"dtype\":\"U8\",\"shape\":[0],\"data_offsets\":[0,0]}", "}"));

        assertRefused(TestFiles.write(file(), header, 0)).hasMessageEndingWith("at most 500000 tensors, found more");
    }

    private Path file() {
        return folder.resolve("x.safetensors");
    }

    private static AbstractThrowableAssert<?, ? extends Throwable> assertRefused(Path path) {
        return assertThatThrownBy(() -> SafetensorsFile.open(path))
                .isInstanceOf(InvalidInputException.class)
                .hasMessageStartingWith(path + ": ")
                .satisfies(e -> assertThat(e.getMessage()).doesNotContain("\n").hasSizeLessThan(500));
    }
}
