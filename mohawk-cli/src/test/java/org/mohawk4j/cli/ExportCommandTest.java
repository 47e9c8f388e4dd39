package org.mohawk4j.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.mohawk4j.train.config.DistillConfigYaml;
import org.mohawk4j.train.sample.EmbeddedTeacher;

class ExportCommandTest {
    @TempDir
    Path folder;

    private CommandRun export(Path model, String... options) {
        String[] arguments = new String[options.length + 4];
        arguments[0] = "export";
        arguments[1] = model.toString();
        arguments[2] = "--out";
        arguments[3] = folder.resolve("out").toString();
        System.arraycopy(options, 0, arguments, 4, options.length);
        return CommandRun.of(arguments);
    }

    /** The teacher that is shipped has a tokenizer, whose end of text is id 0. */
    @Test
    void aModelIsWrittenForTransformers() throws IOException {
        CommandRun run = export(EmbeddedTeacher.unpack()).succeeds();

        assertThat(run.lines())
                .containsExactly(
                        "written   config.json configuration_mohawk.py generation_config.json model.safetensors"
                                + " modeling_mohawk.py tokenizer.json tokenizer_config.json",
                        "format=transformers files=7 out=" + folder.resolve("out"));
        assertThat(Files.readString(folder.resolve("out/generation_config.json")))
                .contains("\"eos_token_id\" : 0");
        assertThat(Files.readString(folder.resolve("out/tokenizer_config.json")))
                .contains("\"eos_token\" : \"<|endoftext|>\"");
        CommandRun.of(
                        "evaluate",
                        "--model",
                        folder.resolve("out").toString(),
                        "--text",
                        CommandRun.text(folder.resolve("text.txt"), 400).toString(),
                        "--context",
                        "32")
                .succeeds();
    }

    @Test
    void theTeacherOfAModelsRunLendsItsLicense() throws IOException {
        Path teacher = Files.createDirectory(folder.resolve("teacher"));
        Files.writeString(teacher.resolve("LICENSE.txt"), "the license");
        Path run = Files.createDirectories(folder.resolve("run/student")).getParent();
        for (String file : new String[] {"config.json", "model.safetensors"}) {
            Files.copy(
                    CommandRun.golden("phi-mamba").resolve(file),
                    run.resolve("student").resolve(file));
        }
        Files.writeString(run.resolve("metrics.jsonl"), "");
        Files.writeString(
                run.resolve("config.yaml"),
                DistillConfigYaml.format(
                        DistillConfigYaml.parse("config.yaml", "teacher: " + teacher + "\ntext: a.txt\n")));

        export(run.resolve("student"), "--format", "goombalab").succeeds();

        assertThat(folder.resolve("out/LICENSE.txt")).hasContent("the license");
    }

    @Test
    void whatCannotBeExportedIsOneLine() {
        export(CommandRun.golden("hybrid"), "--format", "llamba")
                .refuses("the model cannot be exported as llamba: its blocks are not Llama's");
        export(folder.resolve("nowhere")).refuses("nowhere: expected a model folder, found nothing");
        export(CommandRun.golden("hybrid"), "--teacher", folder.resolve("gone").toString())
                .refuses("gone: expected a model folder, found nothing");
        export(CommandRun.golden("hybrid"), "--format", "gguf")
                .refuses("'--format': expected one of transformers, goombalab, llamba, got 'gguf'");
        assertThat(folder.resolve("out")).doesNotExist();
    }
}
