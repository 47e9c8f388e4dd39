package org.mohawk4j.models;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.mohawk4j.InvalidInputException;
import org.mohawk4j.io.InputFile;
import org.mohawk4j.safetensors.TensorSource;
import org.mohawk4j.tokenizer.TokenizerJson;

/** Folders as git clone leaves them without git lfs, and folders of older weights. */
class LfsPointerTest {
    private static final String POINTER_PLAIN = "version https://git-lfs.github.com/spec/v1\noid sha256:"
            + "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff\nsize 2836578304\n";
    private static final String POINTER_WINDOWS = "version https://git-lfs.github.com/spec/v1\r\noid sha256:"
            + "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff\r\nsize 2836578304\r\n";
    private static final String POINTER_EXTENDED = "version https://git-lfs.github.com/spec/v1\next-0-foo sha256:"
            + "ff112233445566778899aabbccddeeff00112233445566778899aabbccddeeff\noid sha256:"
            + "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff\nsize 2836578304\n";

    @TempDir
    Path folder;

    private void pointed(String file, ThrowingCallable reading) {
        assertThatThrownBy(reading)
                .isInstanceOf(InvalidInputException.class)
                .hasMessage(folder.resolve(file)
                        + ": expected a file of 2836578304 bytes, found a Git LFS pointer to it; run git lfs pull in"
                        + " its folder");
    }

    @ParameterizedTest
    @ValueSource(strings = {POINTER_PLAIN, POINTER_WINDOWS, POINTER_EXTENDED})
    void aPointerInThePlaceOfAnyFileOfAModelIsNamed(String pointer) throws IOException {
        for (String name : new String[] {"config.json", "tokenizer.json", "model.safetensors"}) {
            Files.writeString(folder.resolve(name), pointer);
        }

        pointed("config.json", () -> ModelFolder.config(folder));
        pointed("tokenizer.json", () -> TokenizerJson.load(folder));
        pointed("model.safetensors", () -> TensorSource.open(folder));
        pointed("model.safetensors", () -> TensorSource.open(folder.resolve("model.safetensors")));
    }

    @Test
    void anIndexOrAShardThatIsAPointerIsNamed() throws IOException {
        Path index = folder.resolve("model.safetensors.index.json");
        Files.writeString(index, POINTER_PLAIN);
        pointed("model.safetensors.index.json", () -> TensorSource.open(folder));

        Files.writeString(index, "{\"weight_map\": {\"x\": \"model-00001-of-00001.safetensors\"}}");
        Files.writeString(folder.resolve("model-00001-of-00001.safetensors"), POINTER_PLAIN);
        pointed("model-00001-of-00001.safetensors", () -> TensorSource.open(folder));
    }

    @Test
    void aTextAboutPointersIsNone() throws IOException {
        Path text = folder.resolve("text.txt");
        for (String about : new String[] {
            POINTER_PLAIN + "is what a pointer looks like", "A pointer:\n" + POINTER_PLAIN, POINTER_PLAIN.repeat(2)
        }) {
            Files.writeString(text, about);
            InputFile.requireRegular(text);
        }
        assertThat(text).exists();
    }

    @ParameterizedTest
    @ValueSource(strings = {"pytorch_model.bin", "pytorch_model.bin.index.json", "consolidated.00.pth", "model.pt"})
    void weightsOfPyTorchAreToBeConverted(String file) throws IOException {
        Files.write(folder.resolve(file), new byte[] {'P', 'K'});
        Files.write(folder.resolve("training_args.bin"), new byte[] {'P', 'K'});

        assertThatThrownBy(() -> TensorSource.open(folder))
                .isInstanceOf(InvalidInputException.class)
                .hasMessageStartingWith(folder + ": expected model.safetensors or model.safetensors.index.json, found "
                        + file + ", weights of PyTorch; convert them in Python: ")
                .hasMessageContaining("from_pretrained(FOLDER")
                .hasMessageContaining("save_pretrained(FOLDER)")
                .hasMessageNotContaining("\n");
    }
}
