package org.mohawk4j.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.File;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.jar.Attributes;
import java.util.jar.JarOutputStream;
import java.util.jar.Manifest;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import javax.tools.ToolProvider;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledForJreRange;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;
import org.mohawk4j.models.mixer.MixerFormat;

/** The script {@code mohawk} in a project of its own, whose Maven and, mostly, whose Java write down what they are told. */
@EnabledOnOs({OS.LINUX, OS.MAC})
class MohawkScriptTest {
    private static final Path JAVA_HOME = Path.of(System.getProperty("java.home"));

    @TempDir
    private Path folder;

    private Path project;
    private Path source;
    private Path builds;
    private Path javaHome;

    @BeforeEach
    void makeProject() throws IOException {
        project = Files.createDirectory(folder.resolve("pro ject"));
        Files.copy(CommandRun.golden("../../../mohawk"), project.resolve("mohawk"));
        Files.writeString(project.resolve("pom.xml"), "<project/>");
        source = project.resolve("mohawk-cli/src/main/java/Source.java");
        Files.createDirectories(source.getParent());
        Files.writeString(source, "class Source {}");
        Files.writeString(project.resolve("mohawk-cli/pom.xml"), "<project/>");
        for (Path old : List.of(project.resolve("pom.xml"), project.resolve("mohawk-cli/pom.xml"), source)) {
            Files.setLastModifiedTime(old, FileTime.from(Instant.now().minus(Duration.ofDays(2))));
        }
        try (Stream<Path> folders = Files.walk(project.resolve("mohawk-cli/src"))) {
            for (Path each : folders.filter(Files::isDirectory).toList()) {
                Files.setLastModifiedTime(each, FileTime.from(Instant.now().minus(Duration.ofDays(2))));
            }
        }
        builds = folder.resolve("builds");
        javaHome = folder.resolve("java");
        program(
                "bin/mvn",
                "echo \"$MAVEN_OPTS\" >> '" + builds + "'; cp source.jar mohawk-cli/target/command/mohawk-cli.jar");
        program("java/bin/java", "printf '%s\\n' \"$@\"");
        jar(project.resolve("source.jar"));
    }

    private void program(String name, String body) throws IOException {
        Path file = folder.resolve(name);
        Files.createDirectories(file.getParent());
        Files.writeString(file, "#!/bin/sh\n" + body + "\n");
        assertThat(file.toFile().setExecutable(true)).isTrue();
    }

    /** The command with the class path of this test. */
    private static void jar(Path file) throws IOException {
        Manifest manifest = new Manifest();
        manifest.getMainAttributes().put(Attributes.Name.MANIFEST_VERSION, "1.0");
        manifest.getMainAttributes().put(Attributes.Name.MAIN_CLASS, Mohawk.class.getName());
        String classPath = Arrays.stream(System.getProperty("java.class.path").split(File.pathSeparator))
                .filter(entry -> !entry.isEmpty())
                .map(entry -> Path.of(entry).toUri().toString())
                .collect(Collectors.joining(" "));
        manifest.getMainAttributes().put(Attributes.Name.CLASS_PATH, classPath);
        try (OutputStream out = Files.newOutputStream(file);
                JarOutputStream jar = new JarOutputStream(out, manifest)) {
            jar.finish();
        }
    }

    private CommandRun run(Map<String, String> environment, String... arguments)
            throws IOException, InterruptedException {
        List<String> words =
                new ArrayList<>(List.of("bash", project.resolve("mohawk").toString()));
        words.addAll(List.of(arguments));
        Path err = folder.resolve("err");
        ProcessBuilder builder =
                new ProcessBuilder(words).directory(folder.toFile()).redirectError(err.toFile());
        builder.environment().put("PATH", folder.resolve("bin") + File.pathSeparator + System.getenv("PATH"));
        builder.environment().put("JAVA_HOME", javaHome.toString());
        List.of("MAVEN_OPTS", "MOHAWK_JAVA_OPTS", "MOHAWK_MAVEN_ARGS", "MOHAWK_CLASSPATH", "JAVA_TOOL_OPTIONS")
                .forEach(builder.environment()::remove);
        builder.environment().putAll(environment);
        Process process = builder.start();
        String out = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        return new CommandRun(process.waitFor(), out, Files.readString(err));
    }

    private int builds() throws IOException {
        return Files.readAllLines(builds).size();
    }

    private int buildsAfterTwoRuns() throws IOException, InterruptedException {
        for (int i = 0; i < 2; i++) {
            assertThat(run(Map.of(), "x").exitCode()).isZero();
        }
        return builds();
    }

    @Test
    void buildsOnFirstUseAndWhenASourceIsNewer() throws IOException, InterruptedException {
        assertThat(buildsAfterTwoRuns()).isEqualTo(1);

        Files.writeString(source, "class Source { }");
        Files.setLastModifiedTime(source, FileTime.from(Instant.now().plusSeconds(2)));

        assertThat(run(Map.of(), "x").exitCode()).isZero();
        assertThat(builds()).isEqualTo(2);
    }

    @Test
    void aSourceDatedInTheFutureIsBuiltOnceForEachChange() throws IOException, InterruptedException {
        FileTime future = FileTime.from(Instant.now().plus(Duration.ofDays(400)));
        Files.setLastModifiedTime(source, future);
        Files.setLastModifiedTime(source.getParent(), future);
        assertThat(buildsAfterTwoRuns()).isEqualTo(1);

        Files.writeString(source, "class Other {}");
        Files.setLastModifiedTime(source, future);
        assertThat(buildsAfterTwoRuns()).isEqualTo(2);

        program("bin/mvn", "echo failed >> '" + builds + "'; exit 1");
        Files.writeString(source, "class Third {}");
        Files.setLastModifiedTime(source, future);
        assertThat(run(Map.of(), "x").exitCode()).isEqualTo(1);
        assertThat(run(Map.of(), "x").exitCode()).isEqualTo(1);
        assertThat(builds()).isEqualTo(4);
    }

    @Test
    void argumentsArePassedAsTheyAre() throws IOException, InterruptedException {
        CommandRun run = run(Map.of(), "generate", "--prompt", "@team  \"x\" *");

        assertThat(run.lines()).endsWith("generate", "--prompt", "@team  \"x\" *");
        assertThat(run.lines())
                .contains("-Dmohawk.command=" + project.toRealPath().resolve("mohawk"));
    }

    @Test
    void ownMixersAreFoundOnTheClassPathOfTheEnvironment() throws IOException, InterruptedException {
        Path classes = ownMixer();
        javaHome = JAVA_HOME;
        Path text = CommandRun.text(folder.resolve("text.txt"), 300);
        Path student = folder.resolve("run/student");
        Map<String, String> own = Map.of("MOHAWK_CLASSPATH", ":" + classes + ":");
        String options = "--mixer smoothing --mixer-option scale=2 --context 16 --batch 2 --tokens 96 --threads 1"
                + " --held-out 0.1 --report false --out run --text " + text;

        assertThat(run(own, "mixers").lines())
                .contains(
                        "smoothing: a scaled mean over the past",
                        "  scale: a number from 0.0 to 10.0 (default: 0.5), of the mean, at the start");
        CommandRun distilled = run(own, ("distill " + options).split(" "));
        assertThat(distilled.exitCode()).as(distilled.err()).isZero();
        assertThat(student.resolve("config.json")).content().contains("org.example.smoothing", "\"scale\" : 2.0");
        assertThat(run(Map.of(), "distill", "--mixer", "smoothing").err())
                .isEqualTo(
                        "mohawk distill: mixer: expected one of attention, discrete-mamba2, linear-attention, toeplitz,"
                                + " got 'smoothing'\n");
        run(Map.of("MOHAWK_CLASSPATH", classes + "/none"), "mixers").refuses("found nothing at " + classes + "/none");
    }

    /** A folder of classes with a mixer, as a user compiles one against the command's jar. */
    private Path ownMixer() throws IOException {
        Path classes = Files.createDirectories(folder.resolve("own classes"));
        Path services = Files.createDirectories(classes.resolve("META-INF/services"));
        Files.writeString(services.resolve(MixerFormat.class.getName()), "org.example.Smoothing$Format");
        Path own = Files.createDirectories(folder.resolve("own/org/example")).resolve("Smoothing.java");
        try (InputStream text = MohawkScriptTest.class.getResourceAsStream("/own-mixer/Smoothing.java.txt")) {
            Files.copy(Objects.requireNonNull(text), own);
        }
        String classPath = System.getProperty("java.class.path");
        assertThat(ToolProvider.getSystemJavaCompiler()
                        .run(
                                null,
                                null,
                                null,
                                "-proc:none",
                                "-cp",
                                classPath,
                                "-d",
                                classes.toString(),
                                own.toString()))
                .isZero();
        return classes;
    }

    @Test
    void whoHasNoEntryInPasswdHasTheHomeFolderOfTheEnvironment() throws IOException, InterruptedException {
        assertThat(run(Map.of(), "x").out()).doesNotContain("user.home");
        program("bin/id", "echo 'id: cannot find name for user ID 4711' >&2; exit 1");
        Files.delete(builds);
        Files.delete(project.resolve("mohawk-cli/target/command/mohawk.jar"));
        String temporary = folder.resolve("bin").toString();

        String home = folder.toString();
        assertThat(run(Map.of("HOME", home), "x").lines()).contains("-Duser.home=" + home);
        assertThat(builds).content().startsWith("-Duser.home=" + home);
        assertThat(run(Map.of("HOME", "", "TMPDIR", temporary), "x").lines()).contains("-Duser.home=" + temporary);
        assertThat(run(Map.of("HOME", home + "/none", "TMPDIR", temporary), "x").lines())
                .contains("-Duser.home=" + temporary);
    }

    /** Java from 24 on warns of natives and memory that libraries use, if it is not told that they may. */
    @Test
    @EnabledForJreRange(minVersion = 24)
    void javaDoesNotWarnOfWhatLibrariesDo() throws IOException, InterruptedException {
        javaHome = JAVA_HOME;
        Path text = CommandRun.text(folder.resolve("text.txt"), 300);
        String options = "--context 32 --batch 2 --tokens 192 --backend nd4j";
        Stream<String> arguments = Stream.concat(
                Stream.of(
                        "distill",
                        "--text",
                        text.toString(),
                        "--out",
                        folder.resolve("run").toString()),
                Stream.of(options.split(" ")));
        assertThat(run(Map.of(), "--version").exitCode()).isZero();

        CommandRun run = run(Map.of(), arguments.toArray(String[]::new));

        assertThat(run.exitCode()).as(run.err()).isZero();
        assertThat(run.out()).contains("student.nll_per_token=");
        assertThat(run.err()).doesNotContain("WARNING:");
    }
}
