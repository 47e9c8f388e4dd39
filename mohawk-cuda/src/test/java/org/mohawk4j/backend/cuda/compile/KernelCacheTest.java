package org.mohawk4j.backend.cuda.compile;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class KernelCacheTest {
    private static final byte[] CODE = {1, 2, 3, 4, 5};

    @TempDir
    private Path temporary;

    private Path folder() {
        return temporary.resolve("a/b");
    }

    private List<Path> files() throws IOException {
        try (Stream<Path> all = Files.list(folder())) {
            return all.toList();
        }
    }

    private KernelCache filled() {
        KernelCache cache = new KernelCache(folder());
        cache.keep("text", CODE);
        return cache;
    }

    @Test
    void whatIsKeptIsReadBackForTheSameTextAlone() {
        KernelCache cache = filled();

        assertThat(cache.read("text"))
                .hasValueSatisfying(code -> assertThat(code).isEqualTo(CODE));
        assertThat(new KernelCache(folder()).read("text")).isPresent();
        assertThat(cache.read("another text")).isEmpty();
    }

    @Test
    void keepingLeavesOneFileAndNoPartOfOne() throws IOException {
        filled().keep("text", CODE);

        assertThat(files()).hasSize(1);
    }

    @Test
    void aFileThatWasCutOffOrChangedIsDeleted() throws IOException {
        KernelCache cache = filled();
        Path file = files().get(0);
        byte[] whole = Files.readAllBytes(file);
        byte[] changed = whole.clone();
        changed[changed.length - 1]++;
        for (byte[] damaged :
                List.of(new byte[0], Arrays.copyOf(whole, 20), Arrays.copyOf(whole, whole.length - 1), changed)) {
            Files.write(file, damaged);

            assertThat(cache.read("text")).isEmpty();
            assertThat(file).doesNotExist();
        }
        cache.keep("text", CODE);
        assertThat(cache.read("text")).isPresent();
    }

    @Test
    void whatIsDroppedIsGone() {
        KernelCache cache = filled();

        cache.drop("text");
        cache.drop("text");

        assertThat(cache.read("text")).isEmpty();
    }

    @Test
    void aFolderThatCannotBeMadeCostsNothingButTheCache() throws IOException {
        Files.createFile(temporary.resolve("a"));
        KernelCache cache = new KernelCache(folder());

        assertThatCode(() -> {
                    cache.keep("text", CODE);
                    cache.keep("text", CODE);
                    cache.drop("text");
                })
                .doesNotThrowAnyException();
        assertThat(cache.read("text")).isEmpty();
    }

    @Test
    void aWriteThatFailsLeavesNoPartBehind() throws IOException {
        KernelCache cache = filled();
        Path file = files().get(0);
        Files.delete(file);
        Files.createDirectory(file);
        Files.createFile(file.resolve("in the way"));

        cache.keep("text", CODE);

        assertThat(files()).containsExactly(file);
        assertThat(cache.read("text")).isEmpty();
    }

    @Test
    void theFolderIsTheChosenOneOrTheUsers() {
        Path home = Path.of("/home/user/.cache/mohawk4j/cuda");

        assertThat(KernelCache.folder("/chosen", "/caches", "/home/user")).isEqualTo(Path.of("/chosen"));
        assertThat(KernelCache.folder(null, "/caches", "/home/user")).isEqualTo(Path.of("/caches/mohawk4j/cuda"));
        assertThat(KernelCache.folder(null, null, "/home/user")).isEqualTo(home);
        assertThat(KernelCache.folder(null, "", "/home/user")).isEqualTo(home);
        assertThat(KernelCache.folder("", "", "/home/user")).isEqualTo(home);
    }
}
