package org.mohawk4j.data.source;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.mohawk4j.InvalidInputException;
import org.mohawk4j.data.TextFile;
import org.mohawk4j.data.file.Compression;

class ShardFinderTest {
    @TempDir
    private Path folder;

    @BeforeEach
    void writeFiles() throws IOException {
        for (String name : List.of(
                "b.txt",
                "a/2.json.gz",
                "a/10.json.gz",
                "a/x.jsonl.xz",
                "a/y.jsonl.zst",
                "a/.hidden.txt",
                ".cache/y.txt",
                "LICENSE",
                "c.md")) {
            Path file = folder.resolve(name);
            Files.createDirectories(file.getParent());
            Files.writeString(file, "text");
        }
    }

    private List<String> names(String location) {
        return ShardFinder.find(folder + "/" + location).stream()
                .map(Shard::name)
                .toList();
    }

    @Test
    void aFolderHasAllFilesThatSayWhatTheyHoldInOrderOfTheirNames() {
        assertThat(names("")).containsExactly("a/10.json.gz", "a/2.json.gz", "a/x.jsonl.xz", "a/y.jsonl.zst", "b.txt");
        assertThat(names("a")).containsExactly("10.json.gz", "2.json.gz", "x.jsonl.xz", "y.jsonl.zst");
    }

    @Test
    void aPatternHasTheFilesThatMatch() {
        assertThat(names("a/*.json.gz")).containsExactly("10.json.gz", "2.json.gz");
        assertThat(names("a/?.json.gz")).containsExactly("2.json.gz");
        assertThat(names("**.{txt,md}")).containsExactly("b.txt", "c.md");
        assertThat(names("**/*.gz")).containsExactly("a/10.json.gz", "a/2.json.gz");
    }

    @Test
    void aFileIsTextUnlessItsNameSaysOtherwise() {
        assertThat(ShardFinder.find(folder + "/LICENSE").get(0).format()).isEqualTo(FileFormat.TEXT);
        Shard lines = ShardFinder.find(folder + "/a/x.jsonl.xz").get(0);
        assertThat(lines.format()).isEqualTo(FileFormat.JSON_LINES);
        assertThat(lines.compression()).isEqualTo(Compression.XZ);
        assertThat(lines.bytes()).isEqualTo(4);
    }

    @Test
    void aFileWhoseNameLooksLikeAPatternIsThatFile() throws IOException {
        Files.writeString(folder.resolve("b[1].txt"), "text");

        assertThat(names("b[1].txt")).containsExactly("b[1].txt");
    }

    @Test
    void linksAreFollowed() throws IOException {
        Path links = Files.createDirectory(folder.resolve("links"));
        Files.createSymbolicLink(links.resolve("0.json.gz"), folder.resolve("a/2.json.gz"));
        Files.createSymbolicLink(links.resolve("more"), folder.resolve("a"));

        assertThat(names("links"))
                .containsExactly(
                        "0.json.gz", "more/10.json.gz", "more/2.json.gz", "more/x.jsonl.xz", "more/y.jsonl.zst");
    }

    @Test
    void filesOfAFolderThatAreOfNoKnownKindAreNamed() {
        assertThat(ShardFinder.skippedFiles(folder.toString()))
                .containsExactly(folder.resolve("LICENSE"), folder.resolve("c.md"));
        assertThat(ShardFinder.skippedFiles(folder + "/a")).isEmpty();
        assertThat(ShardFinder.skippedFiles(folder + "/LICENSE")).isEmpty();
        assertThat(ShardFinder.skippedFiles(folder + "/*.txt")).isEmpty();
    }

    @Test
    void whatIsNotThereIsRefused() {
        refused("none.txt", "expected a file, a folder or a pattern, found nothing there");
        refused("a/*.parquet", "expected files named .txt");
        refused("none/*.txt", "to search, found none");
        refused("b.txt/*", "to search, found none");
        refused("a/[", "a name that is none");
    }

    @Test
    void aPackedTableIsRefused() throws IOException {
        Files.writeString(folder.resolve("t.parquet.gz"), "text");

        refused("t.parquet.gz", "expected a file that is not packed");
    }

    @Test
    void aLoopOfLinksIsRefused() throws IOException {
        Files.createSymbolicLink(folder.resolve("a/loop"), folder);

        refused("", "cannot be read");
    }

    private void refused(String location, String message) {
        assertThatThrownBy(() -> names(location))
                .isInstanceOf(InvalidInputException.class)
                .hasMessageContaining(message);
    }

    /** As git clone leaves large files without git lfs: such a text of three lines would be trained on. */
    @ParameterizedTest
    @ValueSource(strings = {"a.txt", "a.jsonl", "a.json.gz", "a.txt.xz", "a.parquet", "a.tokens", "unnamed"})
    void aPointerOfGitLfsIsNoText(String name) throws IOException {
        Path file = folder.resolve(name);
        Files.writeString(
                file,
                "version https://git-lfs.github.com/spec/v1\noid sha256:" + "0123456789abcdef".repeat(4)
                        + "\nsize 12345\n");
        for (String location : List.of(file.toString(), folder.toString(), folder + "/*")) {
            if (!location.equals(folder.toString()) || !name.equals("unnamed")) {
                assertThatThrownBy(() -> ShardFinder.find(location))
                        .isInstanceOf(InvalidInputException.class)
                        .hasMessageContaining(name)
                        .hasMessageContaining("git lfs pull");
            }
        }
        assertThatThrownBy(() -> new TextFile(file).read())
                .isInstanceOf(InvalidInputException.class)
                .hasMessageContaining("git lfs pull");
    }
}
