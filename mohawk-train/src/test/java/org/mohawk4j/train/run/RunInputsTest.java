package org.mohawk4j.train.run;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.mohawk4j.InvalidInputException;
import org.mohawk4j.train.config.DistillConfig;

class RunInputsTest {
    /** More than a sample has. */
    private static final int LARGE = 3_000_000;

    @TempDir
    private Path folder;

    private Path teacher;
    private Path text;
    private Path stream;
    private DistillConfig config;

    @BeforeEach
    void writeFiles() throws IOException {
        teacher = Files.createDirectory(folder.resolve("teacher"));
        for (String name : List.of(
                "config.json", "tokenizer.json", "model.safetensors.index.json", "a.safetensors", "README.md")) {
            Files.writeString(teacher.resolve(name), "contents of " + name);
        }
        text = Files.writeString(folder.resolve("text.txt"), "one text");
        stream = Files.createDirectory(folder.resolve("stream"));
        for (int i = 0; i < 8; i++) {
            Files.writeString(stream.resolve(i + ".jsonl"), "{\"text\":\"" + i + "\"}\n");
        }
        config = DistillConfig.defaults().with(Map.of("text", text.toString(), "valid", stream.toString()));
    }

    private RunInputs now() {
        return RunInputs.of(teacher, config);
    }

    @Test
    void nothingIsSaidWhereNothingChanged() {
        assertThat(now().changesTo(now())).isEmpty();
        assertThat(RunInputs.parse("inputs.json", now().format())).isEqualTo(now());
    }

    @Test
    void eachFileThatChangedIsNamed() throws IOException {
        RunInputs before = now();
        Files.writeString(teacher.resolve("a.safetensors"), "contents 0f a.safetensors");
        Files.delete(teacher.resolve("tokenizer.json"));
        Files.writeString(teacher.resolve("b.safetensors"), "");
        Files.writeString(teacher.resolve("README.md"), "is not read");
        Files.writeString(text, "one text more");

        assertThat(before.changesTo(now()))
                .containsExactly(
                        "teacher a.safetensors has other contents",
                        "teacher b.safetensors is new",
                        "teacher tokenizer.json is gone",
                        "text " + text + " had 8 bytes, has 13");
    }

    @Test
    void aFileThatNamesBosAndEndOfTextIsComparedToo() throws IOException {
        Files.writeString(teacher.resolve("tokenizer_config.json"), "{\"add_bos_token\":true}");
        Files.writeString(teacher.resolve("generation_config.json"), "{\"eos_token_id\":1}");
        RunInputs before = now();
        Files.writeString(teacher.resolve("tokenizer_config.json"), "{\"add_bos_token\":false}");
        Files.writeString(teacher.resolve("special_tokens_map.json"), "{}");
        Files.delete(teacher.resolve("generation_config.json"));

        assertThat(before.changesTo(now()))
                .containsExactly(
                        "teacher generation_config.json is gone",
                        "teacher special_tokens_map.json is new",
                        "teacher tokenizer_config.json had 22 bytes, has 23");
    }

    @Test
    void ofARunThatRecordedNoneOfThemNoneIsNew() throws IOException {
        RunInputs before = now();
        Files.writeString(teacher.resolve("tokenizer_config.json"), "{}");
        assertThat(before.changesTo(now())).isEmpty();
        Files.writeString(teacher.resolve("b.safetensors"), "");
        assertThat(before.changesTo(now())).containsExactly("teacher b.safetensors is new");
    }

    @Test
    void ofManyChangesTheFirstAreTold() throws IOException {
        RunInputs before = now();
        for (int i = 0; i < 8; i++) {
            Files.delete(stream.resolve(i + ".jsonl"));
        }
        Files.writeString(stream.resolve("other.jsonl"), "{}\n");

        assertThat(before.changesTo(now()))
                .hasSize(6)
                .contains("and 4 files more")
                .first()
                .isEqualTo("valid " + stream.resolve("0.jsonl") + " is gone");
    }

    @Test
    void aTextThatComesToTheOthersIsToldToo() {
        config = DistillConfig.defaults().with(Map.of("text", text.toString()));
        RunInputs before = now();
        config = config.with(Map.of("valid", text.toString()));

        assertThat(before.changesTo(now())).containsExactly("valid " + text + " is new");
        assertThat(now().changesTo(before)).containsExactly("valid " + text + " is gone");
    }

    @Test
    void whatIsReadAsAWholeIsComparedAsAWholeAndAStreamBySamples() throws IOException {
        byte[] bytes = new byte[LARGE];
        new Random(1).nextBytes(bytes);
        Path weights = Files.write(teacher.resolve("a.safetensors"), bytes);
        Path large = Files.write(stream.resolve("0.jsonl"), bytes);
        RunInputs before = now();

        for (int at : new int[] {0, 20_000, LARGE - 1}) {
            bytes[at] ^= 1;
            Files.write(weights, bytes);
            assertThat(before.changesTo(now())).containsExactly("teacher a.safetensors has other contents");
            bytes[at] ^= 1;
        }
        Files.write(weights, bytes);
        for (int at : new int[] {0, (LARGE - (1 << 14)) / 15 * 7, LARGE - 1}) {
            bytes[at] ^= 1;
            Files.write(large, bytes);
            assertThat(before.changesTo(now())).containsExactly("valid " + large + " has other contents");
            bytes[at] ^= 1;
        }
    }

    @Test
    void whatIsFoundBehindOtherWorkIsTheSame() {
        assertThat(new PendingInputs(teacher, config).get()).isEqualTo(now());
        assertThatThrownBy(() -> new PendingInputs(folder.resolve("no"), config).get())
                .isInstanceOf(InvalidInputException.class)
                .hasMessageContaining("no: expected a model's folder, found none");
    }

    @Test
    void damageIsOneLine() {
        for (String json : List.of(
                "{}",
                "[",
                "{\"teacher\":{\"config.json\":{\"bytes\":3}}}",
                "",
                "{\"teacher\":{\"config.json\":{\"bytes\":18446744073709551616,\"sha256\":\"0\"}}}",
                "{\"teacher\":{\"config.json\":{\"bytes\":1.5,\"sha256\":\"0\"}}}")) {
            assertThatThrownBy(() -> RunInputs.parse("run/inputs.json", json))
                    .isInstanceOf(InvalidInputException.class)
                    .hasMessageStartingWith("run/inputs.json: ")
                    .hasMessageNotContaining("\n");
        }
    }

    @Test
    void aRunFolderHasThemFromItsBeginningOn() throws IOException {
        RunFolder run = RunFolder.at(folder.resolve("run"));
        run.reads(this::now);
        run.begin(config);
        assertThat(run.readInputs()).contains(now());
        run.close();

        Path begun = Files.createDirectory(folder.resolve("killed"));
        Files.copy(folder.resolve("run/inputs.json"), begun.resolve("inputs.json"));
        Files.createFile(begun.resolve(".inputs.json.1.tmp"));
        RunFolder again = RunFolder.at(begun);
        again.begin(config);
        assertThat(again.hasBegun()).isTrue();
        again.close();
    }
}
