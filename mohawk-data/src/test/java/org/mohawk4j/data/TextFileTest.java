package org.mohawk4j.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.mohawk4j.InvalidInputException;

class TextFileTest {
    @TempDir
    private Path folder;

    @Test
    void readsUtf8AndDropsAByteOrderMark() throws IOException {
        Path file = folder.resolve("text.txt");
        Files.writeString(file, "\uFEFFÆsop’s 🦊\n", StandardCharsets.UTF_8);

        assertThat(new TextFile(file).read()).isEqualTo("Æsop’s 🦊\n");
    }

    @Test
    void anEmptyFileIsAnEmptyText() throws IOException {
        assertThat(new TextFile(Files.createFile(folder.resolve("empty.txt"))).read())
                .isEmpty();
    }

    @Test
    void namesTheFirstByteThatIsNotUtf8() throws IOException {
        Path file = folder.resolve("latin1.txt");
        Files.write(file, "caf\u00e9 noir".getBytes(StandardCharsets.ISO_8859_1));

        assertThatThrownBy(() -> new TextFile(file).read())
                .isInstanceOf(InvalidInputException.class)
                .hasMessageContaining("byte 0xe9 at offset 3");
    }

    @Test
    void refusesATextCutOffInsideACharacter() throws IOException {
        Path file = folder.resolve("cut.txt");
        Files.write(file, new byte[] {'a', (byte) 0xc3});

        assertThatThrownBy(() -> new TextFile(file).read())
                .isInstanceOf(InvalidInputException.class)
                .hasMessageContaining("offset 1");
    }

    @Test
    void refusesWhatIsNoTextFile() throws IOException {
        Path packed = Files.createFile(folder.resolve("train.txt.bz2"));

        assertThatThrownBy(() -> new TextFile(folder.resolve("missing.txt")).read())
                .isInstanceOf(InvalidInputException.class)
                .hasMessageContaining("missing.txt: expected a file of UTF-8 text, found nothing");
        assertThatThrownBy(() -> new TextFile(folder).read())
                .isInstanceOf(InvalidInputException.class)
                .hasMessageContaining("found a folder");
        assertThatThrownBy(() -> new TextFile(packed).read())
                .isInstanceOf(InvalidInputException.class)
                .hasMessageContaining("found a .bz2 file; unpack it first");
    }
}
