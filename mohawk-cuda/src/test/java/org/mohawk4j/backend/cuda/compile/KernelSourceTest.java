package org.mohawk4j.backend.cuda.compile;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

class KernelSourceTest {
    private static KernelSource read(Map<String, String> files) {
        return KernelSource.read("a.cu", name -> Objects.requireNonNull(files.get(name), name));
    }

    @Test
    void findsHeadersOfHeadersOnce() {
        KernelSource source = read(Map.of(
                "a.cu", "#include \"b.cuh\"\n#include \"c.cuh\"\n// #include \"d.cuh\"\n",
                "b.cuh", "#pragma once\n  # include \"c.cuh\"\nint b;\n",
                "c.cuh", "#pragma once\n#include \"b.cuh\"\nint c;\n"));
        assertThat(source.headers()).containsOnlyKeys("b.cuh", "c.cuh");
    }

    @Test
    void contentDependsOnHeaders() {
        String source = "#include \"b.cuh\"\nint a = B;\n";
        assertThat(read(Map.of("a.cu", source, "b.cuh", "#define B 1\n")).content())
                .isEqualTo(
                        read(Map.of("a.cu", source, "b.cuh", "#define B 1\n")).content())
                .isNotEqualTo(
                        read(Map.of("a.cu", source, "b.cuh", "#define B 2\n")).content());
    }

    @Test
    void contentTellsWhichFileATextIsOf() {
        String includes = "#include \"b.cuh\"\n#include \"c.cuh\"\n";
        assertThat(read(Map.of("a.cu", includes, "b.cuh", "int x;\n", "c.cuh", ""))
                        .content())
                .isNotEqualTo(read(Map.of("a.cu", includes, "b.cuh", "", "c.cuh", "int x;\n"))
                        .content());
    }

    @Test
    void everySourceFindsItsHeaders() throws IOException, URISyntaxException {
        Path root = Path.of(Objects.requireNonNull(KernelSource.class.getResource("/org/mohawk4j/backend/cuda/include"))
                        .toURI())
                .getParent();
        try (Stream<Path> files = Files.walk(root)) {
            List<String> sources = files.map(
                            file -> root.relativize(file).toString().replace('\\', '/'))
                    .filter(name -> name.endsWith(".cu"))
                    .toList();
            assertThat(sources)
                    .isNotEmpty()
                    .allSatisfy(source ->
                            assertThat(KernelSource.read(source).headers()).containsKey("common.cuh"));
        }
    }
}
