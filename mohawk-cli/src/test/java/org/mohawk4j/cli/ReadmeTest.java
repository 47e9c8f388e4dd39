package org.mohawk4j.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

/** What a reader copies from README.md and builds. */
class ReadmeTest {
    private static final Path PROJECT = CommandRun.golden("../../..");
    private static final Pattern JAVADOC = Pattern.compile("(?s) */\\*\\*.*?\\*/\\n");

    private static String readme() throws IOException {
        return Files.readString(PROJECT.resolve("README.md"));
    }

    /** The version after an artifact's name. */
    private static String version(String pom, String artifact) {
        Matcher version = Pattern.compile("<artifactId>" + artifact + "</artifactId>\\s*<version>(.*?)</version>")
                .matcher(pom);
        assertThat(version.find()).as("a version of " + artifact).isTrue();
        return version.group(1);
    }

    /** Maven 3.8 has a compiler plugin of its own, which passes over maven.compiler.release. */
    @Test
    void itsPomAsksForTheVersionsOfThisBuild() throws IOException {
        String build = Files.readString(PROJECT.resolve("pom.xml"));

        assertThat(build)
                .contains("<maven-compiler-plugin.version>" + version(readme(), "maven-compiler-plugin") + "<")
                .contains("<slf4j.version>" + version(readme(), "slf4j-simple") + "<");
    }

    @Test
    void itsMixerIsThatOfTheExamples() throws IOException {
        Path example = PROJECT.resolve("examples/src/main/java/org/mohawk4j/examples/OwnMixer.java");
        String source = Files.readString(example);

        assertThat(readme())
                .contains(JAVADOC.matcher(source.substring(source.indexOf("import")))
                        .replaceAll(""));
    }
}
