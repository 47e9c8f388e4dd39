package org.mohawk4j.dl4j.command;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class MohawkDl4jTest {
    private static String refusal(String... arguments) {
        StringWriter err = new StringWriter();
        int exitCode = MohawkDl4j.commandLine().setErr(new PrintWriter(err)).execute(arguments);
        assertThat(exitCode).isEqualTo(2);
        assertThat(err.toString().lines()).hasSize(1);
        return err.toString();
    }

    @Test
    void argumentsThatBeginWithAnAtSignAreTakenAsGiven(@TempDir Path folder) throws Exception {
        Path arguments = Files.writeString(folder.resolve("arguments"), "--help");

        assertThat(refusal("ui", "@" + arguments)).startsWith("mohawk ui: ").contains("@" + arguments);
        assertThat(refusal("ui", "@" + folder)).contains("@" + folder);
        assertThat(refusal("ui", "@@run")).contains("@@run");
    }

    @Test
    void whatCannotBeParsedIsOneLine() {
        assertThat(refusal("ui"))
                .isEqualToIgnoringNewLines("mohawk ui: missing required parameter: 'RUN_DIR' (see mohawk ui --help)");
        assertThat(refusal("ui", "run", "--prot", "1")).startsWith("mohawk ui: unknown options: '--prot'");
        assertThat(refusal("ui", "run", "--port", "x")).startsWith("mohawk ui: invalid value for option '--port'");
    }

    @Test
    void aTildeIsTheHomeFolder() {
        assertThat(refusal("ui", "~/no-such-run")).contains(System.getProperty("user.home") + "/no-such-run");
    }
}
