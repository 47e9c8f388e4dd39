package org.mohawk4j.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import com.google.common.jimfs.Configuration;
import com.google.common.jimfs.Jimfs;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.FileSystem;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.mohawk4j.StorageException;
import org.mohawk4j.backend.BackendOptions;
import org.mohawk4j.io.Folders;
import org.mohawk4j.models.CausalLm;
import org.mohawk4j.models.ModelFolder;
import org.mohawk4j.safetensors.SafetensorsFile;
import org.mohawk4j.tensor.Engine;
import org.mohawk4j.train.config.DistillConfig;
import org.mohawk4j.train.loop.StopSignal;
import org.mohawk4j.train.loop.TrainingListener;
import org.mohawk4j.train.metrics.StepMetrics;
import org.mohawk4j.train.report.RunResult;
import org.mohawk4j.train.run.RunFolder;

class FullDiskTest {
    private static final Path GOLDEN = Path.of(System.getProperty("mohawk.golden", "../src/test/golden"));
    private static final int BLOCK = 512;
    private static final int BLOCKS = 8_000;
    private static final Pattern ELSEWHERE = Pattern.compile("the student is in (\\S+) instead");

    private FileSystem disk;
    private Path root;

    @BeforeEach
    void open() {
        disk = Jimfs.newFileSystem(Configuration.unix().toBuilder()
                .setBlockSize(BLOCK)
                .setMaxSize((long) BLOCK * BLOCKS)
                .build());
        root = disk.getPath("/disk");
    }

    @AfterEach
    void close() throws IOException {
        disk.close();
    }

    /** Takes all room but some, as other programs do. */
    private void fill(long left) throws IOException {
        int taken = (int) (Files.getFileStore(root).getUsableSpace() - left);
        Files.write(root.resolve("other"), new byte[taken / BLOCK * BLOCK]);
    }

    private interface Disturbance {
        void happen() throws IOException;
    }

    private TrainingListener fillingAfter(int step, int blocks) {
        return after(step, () -> fill((long) blocks * BLOCK));
    }

    private static TrainingListener after(int step, Disturbance disturbance) {
        return new PatientListener() {
            private int taken;

            @Override
            public void iterationDone(StepMetrics metrics) {
                super.iterationDone(metrics);
                if (++taken == step) {
                    try {
                        disturbance.happen();
                    } catch (IOException e) {
                        throw new UncheckedIOException(e);
                    }
                }
            }
        };
    }

    /** A step of each stage, without checkpoints. */
    private TinyRun shortRun(String name, boolean report) {
        return new TinyRun(
                root.resolve(name),
                Map.of("checkpoint.every", 0, "report", report, "tokens", TinyRun.TOKENS_OF_STAGES));
    }

    private static List<String> names(Path folder) throws IOException {
        try (Stream<Path> files = Files.list(folder)) {
            return files.map(file -> file.getFileName().toString()).sorted().toList();
        }
    }

    @Test
    void whatAShortRunHasTrainedIsSavedElsewhere() throws IOException {
        TinyRun run = shortRun("run", false);

        StorageException failure =
                catchThrowableOfType(StorageException.class, () -> run.start(fillingAfter(3, 20), new StopSignal()));

        assertThat(failure).hasMessageContaining("model.safetensors: cannot be written: out of disk space; ");
        Matcher place = ELSEWHERE.matcher(failure.getMessage());
        assertThat(place.find()).as(failure.getMessage()).isTrue();
        Path student = Path.of(place.group(1));
        try (SafetensorsFile weights = SafetensorsFile.open(student.resolve("model.safetensors"))) {
            assertThat(weights.names()).isNotEmpty();
        } finally {
            Folders.delete(student);
        }
        assertThat(names(run.folder()))
                .containsExactly(".lock", "config.yaml", "inputs.json", "metrics.jsonl", "statistics.jsonl");
    }

    /** Weights fit, what comes beside them does not. */
    @ParameterizedTest
    @ValueSource(ints = {0, 1, 2})
    void whatIsTrainedIsSavedElsewhereWhateverDoesNotFit(int more) throws IOException {
        TinyRun run = shortRun("run", false);
        TinyRun other = shortRun("unhindered", false);
        other.start();
        int weights = other.student().length;
        Folders.delete(other.folder());

        StorageException failure = catchThrowableOfType(
                StorageException.class,
                () -> run.start(fillingAfter(3, (weights + BLOCK - 1) / BLOCK + more), new StopSignal()));

        assertThat(failure).hasMessageMatching("/disk/run/\\S+: cannot be written: out of disk space; .*");
        Matcher place = ELSEWHERE.matcher(failure.getMessage());
        assertThat(place.find()).as(failure.getMessage()).isTrue();
        Path student = Path.of(place.group(1));
        assertThat(names(student)).containsExactly("config.json", "model.safetensors", "tokenizer.json");
        Folders.delete(student);
        assertThat(run.folder().resolve("student")).doesNotExist();
    }

    @Test
    void aFolderThatIsGoneAfterTrainingDoesNotCostTheStudent() throws IOException {
        TinyRun run = shortRun("run", false);
        TrainingListener removing = after(3, () -> {
            Folders.delete(run.folder());
            Files.write(run.folder(), new byte[0]);
        });

        StorageException failure =
                catchThrowableOfType(StorageException.class, () -> run.start(removing, new StopSignal()));

        Matcher place = ELSEWHERE.matcher(failure.getMessage());
        assertThat(place.find()).as(failure.getMessage()).isTrue();
        Folders.delete(Path.of(place.group(1)));
    }

    @Test
    void aTokenizerThatIsGoneAfterTrainingIsSavedAllTheSame() throws IOException {
        TinyRun run = shortRun("run", false);

        run.start(after(3, () -> Files.delete(run.tokenizerFile())), new StopSignal());

        assertThat(names(run.folder().resolve("student")))
                .containsExactly("config.json", "model.safetensors", "tokenizer.json");
    }

    @Test
    void aModelIsSavedWholeOrNotAtAll() throws IOException {
        Path folder = Files.createDirectories(root.resolve("model"));
        Files.writeString(folder.resolve("config.json"), "as before");
        try (Engine engine = Engine.open("nd4j", BackendOptions.defaults());
                CausalLm model = ModelFolder.load(engine, GOLDEN.resolve("teacher"))) {
            long blocks = Files.size(GOLDEN.resolve("teacher/model.safetensors")) / BLOCK;
            boolean saved = false;
            for (long left = blocks - 2; !saved; left++) {
                fill(left * BLOCK);
                try {
                    ModelFolder.save(model, folder);
                    saved = true;
                } catch (StorageException e) {
                    assertThat(e)
                            .hasMessageMatching("/disk/model/(config.json|model.safetensors): cannot be written: .*");
                    assertThat(names(folder)).containsExactly("config.json");
                    assertThat(folder.resolve("config.json")).hasContent("as before");
                }
                Files.delete(root.resolve("other"));
            }
            assertThat(names(folder)).containsExactly("config.json", "model.safetensors");
            assertThat(ModelFolder.config(folder)).isEqualTo(model.config());
        }
    }

    @Test
    void withACheckpointItIsToldHowToGoOn() {
        TinyRun run = new TinyRun(root.resolve("run"), Map.of("checkpoint.every", 3));

        assertThatThrownBy(() -> run.start(fillingAfter(12, 20), new StopSignal()))
                .isInstanceOf(StorageException.class)
                .hasMessageContaining(
                        "model.safetensors: cannot be written: out of disk space; with more disk space, the run resumes"
                                + " from stage 3, step 3");
    }

    @Test
    void whereTheLastCheckpointDoesNotFitTheStudentMay() throws IOException {
        TinyRun run = new TinyRun(root.resolve("run"), Map.of("checkpoint.every", 3, "evaluation.windows", 1));

        run.start(fillingAfter(12, 1000), new StopSignal());

        assertThat(names(run.folder().resolve("student"))).contains("model.safetensors");
        assertThat(names(run.folder().resolve("checkpoints")))
                .containsExactly("stage-2-step-00000003", "stage-3-step-00000003");
    }

    @Test
    void aReportThatDoesNotFitCostsNeitherStudentNorScores() throws IOException {
        TinyRun run = shortRun("run", true);
        List<RunResult> told = new ArrayList<>();
        TrainingListener fillingBeforeTheReport = new TrainingListener() {
            @Override
            public void onEvaluated(RunResult result) {
                told.add(result);
                try {
                    fill(0);
                } catch (IOException e) {
                    throw new UncheckedIOException(e);
                }
            }
        };

        RunResult result = run.start(fillingBeforeTheReport, new StopSignal());

        assertThat(told).containsExactly(result);
        assertThat(result.student().nllPerToken()).isFinite();
        assertThat(names(run.folder()))
                .containsExactly(".lock", "config.yaml", "inputs.json", "metrics.jsonl", "statistics.jsonl", "student");
    }

    @Test
    void aDiskWithoutRoomForTheStudentIsFoundBeforeTraining() throws IOException {
        Files.createDirectories(root);
        fill(20 * BLOCK);
        TinyRun run = new TinyRun(root.resolve("run"), Map.of());

        assertThatThrownBy(run::start)
                .isInstanceOf(StorageException.class)
                .hasMessageMatching("out /disk/run: expected room for the student's \\d+ bytes, found " + 20 * BLOCK);
        assertThat(run.folder()).doesNotExist();
    }

    @Test
    void aFolderThatCannotEvenBeLockedHasNoLockLeft() throws IOException {
        Files.createDirectories(root);
        RunFolder run = RunFolder.at(root.resolve("run"));
        fill(0);

        assertThatThrownBy(() -> run.begin(DistillConfig.defaults()))
                .isInstanceOf(StorageException.class)
                .hasMessage("/disk/run/.lock: cannot be written: out of disk space");
        assertThat(names(run.path())).isEmpty();
    }
}
