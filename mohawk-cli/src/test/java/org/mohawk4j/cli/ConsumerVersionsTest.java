package org.mohawk4j.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assumptions.assumeThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/**
 * What this build's dependencyManagement says reaches nobody who depends on a module: Maven takes the version there that
 * the nearest POM asks for. So the one that is nearest must ask for the version that is tested here, as it does where the
 * library is a dependency of one of our modules. The build writes down both, in each module's dependencies.txt.
 */
class ConsumerVersionsTest {
    private static final Path PROJECT = CommandRun.golden("../../..");
    private static final Pattern MANAGED = Pattern.compile(
            "([\\w.-]+:[\\w.-]+):jar:(?:[\\w-]+:)?([\\w.-]+):\\w+ \\(.*version managed from ([\\w.-]+).*");

    /** Lines of libraries that come in another version than was asked for; of those in brackets a nearer one was taken. */
    private static List<String> otherVersions(Path list) throws IOException {
        try (Stream<String> lines = Files.lines(list)) {
            return lines.map(MANAGED::matcher)
                    .filter(Matcher::find)
                    .filter(line -> !line.group().contains("omitted for"))
                    .filter(line -> !line.group(2).equals(line.group(3)))
                    .map(line -> line.group(1) + ": " + line.group(2) + " here, " + line.group(3) + " elsewhere")
                    .toList();
        }
    }

    @Test
    void whoDependsOnAModuleHasTheVersionsThatAreTestedHere() throws IOException {
        assumeThat(Path.of("target/dependencies.txt")).as("written by Maven").exists();
        try (Stream<Path> modules = Files.list(PROJECT)) {
            for (Path module : modules.sorted().toList()) {
                Path list = module.resolve("target/dependencies.txt");
                if (Files.exists(list)) {
                    assertThat(list).content().contains("version managed from");
                    assertThat(otherVersions(list)).as(module.toString()).isEmpty();
                }
            }
        }
    }
}
