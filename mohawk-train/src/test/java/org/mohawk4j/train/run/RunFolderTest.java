package org.mohawk4j.train.run;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.mohawk4j.InvalidInputException;
import org.mohawk4j.StorageException;
import org.mohawk4j.train.checkpoint.Position;
import org.mohawk4j.train.config.DistillConfig;
import org.mohawk4j.train.config.DistillConfigYaml;
import org.mohawk4j.train.metrics.MetricsReader;
import org.mohawk4j.train.metrics.MetricsWriter;
import org.mohawk4j.train.metrics.StepMetrics;

class RunFolderTest {
    @TempDir
    private Path folder;

    private static List<String> names(Path folder) throws IOException {
        try (Stream<Path> files = Files.list(folder)) {
            return files.map(file -> file.getFileName().toString())
                    .filter(name -> !name.equals(".lock"))
                    .sorted()
                    .toList();
        }
    }

    @Test
    void lookingTouchesNothing() throws IOException {
        RunFolder.at(folder.resolve("runs/one"));

        assertThat(names(folder)).isEmpty();
    }

    @Test
    void beginningMakesTheFolderWithItsConfiguration() throws IOException {
        DistillConfig config = DistillConfig.defaults().with(Map.of("seed", 5));
        RunFolder run = RunFolder.at(folder.resolve("runs/one"));

        run.begin(config);

        assertThat(names(run.path())).containsExactly("config.yaml");
        assertThat(DistillConfigYaml.read(run.config())).isEqualTo(config);
    }

    @Test
    void anEmptyFolderIsAcceptedAndAFullOneRefused() throws IOException {
        RunFolder.at(folder).begin(DistillConfig.defaults());

        assertThatThrownBy(() -> RunFolder.at(folder))
                .isInstanceOf(InvalidInputException.class)
                .hasMessage("out " + folder + ": expected a new or empty folder, found config.yaml in it");
    }

    @Test
    void aFolderFilledMeanwhileIsRefusedAtTheBeginning() throws IOException {
        RunFolder run = RunFolder.at(folder.resolve("run"));
        RunFolder other = RunFolder.at(folder.resolve("run"));
        run.begin(DistillConfig.defaults());

        assertThatThrownBy(() -> other.begin(DistillConfig.defaults())).isInstanceOf(InvalidInputException.class);
    }

    @Test
    void aFileInTheWayIsRefused() throws IOException {
        Path file = Files.createFile(folder.resolve("file"));

        assertThatThrownBy(() -> RunFolder.at(file))
                .isInstanceOf(InvalidInputException.class)
                .hasMessageContaining("found a file");
        assertThatThrownBy(() -> RunFolder.at(file.resolve("run")))
                .isInstanceOf(InvalidInputException.class)
                .hasMessageContaining("found the file " + file);
    }

    @Test
    void aStudentAppearsOnlyWhenWhole() throws IOException {
        RunFolder run = RunFolder.at(folder.resolve("run"));
        run.begin(DistillConfig.defaults());

        run.writeStudent(student -> {
            Files.writeString(student.resolve("config.json"), "{}");
            assertThat(run.student()).doesNotExist();
        });

        assertThat(names(run.student())).containsExactly("config.json");
        assertThat(names(run.path())).containsExactly("config.yaml", "student");
    }

    @Test
    void aLaterStudentReplacesTheEarlierWhole() throws IOException {
        RunFolder run = RunFolder.at(folder.resolve("run"));
        run.begin(DistillConfig.defaults());
        run.writeStudent(student -> Files.writeString(student.resolve("old"), ""));

        run.writeStudent(student -> Files.writeString(student.resolve("new"), ""));

        assertThat(names(run.student())).containsExactly("new");
        assertThat(names(run.path())).containsExactly("config.yaml", "student");
    }

    @Test
    void aStudentThatFailsLeavesTheEarlierAndNoRemains() throws IOException {
        RunFolder run = RunFolder.at(folder.resolve("run"));
        run.begin(DistillConfig.defaults());
        run.writeStudent(student -> Files.writeString(student.resolve("old"), ""));

        assertThatThrownBy(() -> run.writeStudent(student -> {
                    Files.createDirectories(student.resolve("deep/er"));
                    Files.writeString(student.resolve("deep/er/half"), "");
                    throw new IOException("disk full");
                }))
                .isInstanceOf(StorageException.class)
                .hasMessage(run.student() + ": cannot be written: disk full");

        assertThat(names(run.student())).containsExactly("old");
        assertThat(names(run.path())).containsExactly("config.yaml", "student");
    }

    @Test
    void whatAKilledRunLeftHalfWrittenIsReplaced() throws IOException {
        RunFolder run = RunFolder.at(folder.resolve("run"));
        run.begin(DistillConfig.defaults());
        Files.createDirectories(run.path().resolve(".report.partial/deep"));

        run.writeReport(report -> Files.writeString(report.resolve("index.html"), ""));

        assertThat(names(run.report())).containsExactly("index.html");
        assertThat(names(run.path())).containsExactly("config.yaml", "report");
    }

    @Test
    void aFolderInUseIsRefusedToASecondWriter() throws IOException {
        RunFolder run = RunFolder.at(folder.resolve("run"));
        run.begin(DistillConfig.defaults());

        assertThatThrownBy(() -> RunFolder.existing(run.path()))
                .isInstanceOf(InvalidInputException.class)
                .hasMessageContaining("expected no other writer, found process "
                        + ProcessHandle.current().pid());
        run.close();
        RunFolder.existing(run.path()).close();
    }

    @Test
    void onlyARunFolderCanBeGoneOnWith() {
        assertThatThrownBy(() -> RunFolder.existing(folder.resolve("none")))
                .isInstanceOf(InvalidInputException.class)
                .hasMessageEndingWith("expected a run folder with its config.yaml, found nothing there");
        assertThatThrownBy(() -> RunFolder.existing(folder))
                .isInstanceOf(InvalidInputException.class)
                .hasMessageEndingWith("found none in it");
    }

    @Test
    void whatARunLeftThatWasKilledWhileItBeganIsNoObstacle() throws IOException {
        Files.writeString(folder.resolve(".lock"), "process 1");
        Files.writeString(folder.resolve(".config.yaml.0.tmp"), "tok");

        try (RunFolder run = RunFolder.at(folder)) {
            run.begin(DistillConfig.defaults());
            assertThat(DistillConfigYaml.read(run.config())).isEqualTo(DistillConfig.defaults());
        }
    }

    @Test
    void metricsAreThereFromTheFirstStep() throws IOException {
        RunFolder run = RunFolder.at(folder.resolve("run"));
        run.begin(DistillConfig.defaults());
        try (MetricsWriter metrics = run.openMetrics()) {
            metrics.write(new StepMetrics(new Position(1, 1), 1, 1, 1, List.of(), 1, 1, Map.of()));

            assertThat(MetricsReader.read(run.metrics())).hasSize(1);
        }
    }
}
