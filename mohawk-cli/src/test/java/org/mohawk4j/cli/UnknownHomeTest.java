package org.mohawk4j.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.mohawk4j.backend.BackendOptions;
import org.mohawk4j.tensor.Engine;
import org.mohawk4j.tokenizer.TokenizerJson;
import org.mohawk4j.train.sample.EmbeddedTeacher;

/** A program that uses the library in a process whose user has no entry in passwd, so that Java knows no home folder. */
class UnknownHomeTest {
    @Test
    void nativesAreKeptInTheHomeFolderOfTheEnvironment(@TempDir Path folder) throws IOException, InterruptedException {
        ProcessBuilder builder = new ProcessBuilder(
                        ProcessHandle.current().info().command().orElse("java"),
                        "-cp",
                        System.getProperty("java.class.path"),
                        "-Duser.home=?",
                        "-Dai.djl.offline=true",
                        Program.class.getName())
                .directory(folder.toFile())
                .redirectErrorStream(true);
        builder.environment().put("HOME", System.getProperty("user.home"));
        Process process = builder.start();
        String out = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);

        assertThat(process.waitFor()).as(out).isZero();
        assertThat(folder).isEmptyDirectory();
        assertThat(out.lines()).last().isEqualTo(System.getProperty("user.home"));
    }

    /** Loads the natives of the backend and of the tokenizer. */
    static final class Program {
        private Program() {}

        public static void main(String[] args) {
            TokenizerJson.load(EmbeddedTeacher.unpack()).encode("text");
            Engine.open("nd4j", BackendOptions.defaults()).close();
            System.out.println(System.getProperty("user.home"));
        }
    }
}
