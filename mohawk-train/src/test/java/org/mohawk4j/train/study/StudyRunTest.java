package org.mohawk4j.train.study;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.mohawk4j.InvalidInputException;
import org.mohawk4j.io.Folders;
import org.mohawk4j.train.config.DistillConfig;
import org.mohawk4j.train.config.StageConfig;
import org.mohawk4j.train.config.StageObjective;
import org.mohawk4j.train.loop.TrainingListener;
import org.mohawk4j.train.sample.EmbeddedTeacher;
import org.mohawk4j.train.study.page.StudyPage;
import org.mohawk4j.train.study.page.Table;

/** What is measured is kept, and a folder of something else is refused. */
class StudyRunTest {
    @TempDir
    private Path folder;

    private final StringWriter out = new StringWriter();

    /** Three measurements, of which one may fail as a kill does. */
    private static final class Counting implements Study {
        private final List<String> taken = new ArrayList<>();
        private int failing = -1;

        @Override
        public String name() {
            return "counting";
        }

        @Override
        public Outcome run(Lab lab) {
            lab.expect(3);
            double sum = 0;
            for (int i = 0; i < 3; i++) {
                int index = i;
                Result result = lab.measure("m" + i, Map.of("index", i), lab.config(), (bench, work) -> {
                    if (index == failing) {
                        throw new IllegalStateException("killed");
                    }
                    taken.add("m" + index);
                    return Map.of("value", index - 1.5);
                });
                sum += result.value("value");
            }
            Table table = new Table("A <table>", "", List.of("sum"), List.of(List.of(String.valueOf(sum))));
            return new Outcome(new StudyPage("Counting", List.of(), List.of(table), List.of(), Map.of()), "sum=" + sum);
        }
    }

    private StudySettings settings(int seeds) {
        DistillConfig config = EmbeddedTeacher.config().toBuilder()
                .out(folder.resolve("study"))
                .tokens(512)
                .context(32)
                .batch(2)
                .threads(1)
                .evaluation(evaluation -> evaluation.withHeldOut(0.4).withWindows(2))
                .build();
        return new StudySettings(config, seeds, true, Map.of());
    }

    private StudyRun.Finished run(Study study, StudySettings settings) {
        return new StudyRun(study, settings).run(new PrintWriter(out, true));
    }

    @Test
    void aStudyThatWasKilledTakesOnlyWhatIsMissing() throws IOException {
        Counting first = new Counting();
        first.failing = 2;
        assertThatThrownBy(() -> run(first, settings(1))).hasMessage("killed");
        assertThat(first.taken).containsExactly("m0", "m1");
        Path results = folder.resolve("study/results.jsonl");
        // the kill came while the third line was written
        Files.writeString(results, Files.readString(results) + "{\"id\":\"m2\",\"conf");
        Counting second = new Counting();
        StudyRun.Finished finished = run(second, settings(1));
        assertThat(second.taken).containsExactly("m2");
        assertThat(finished.line()).isEqualTo("sum=-1.5");
        assertThat(Files.readAllLines(results))
                .hasSize(3)
                .allSatisfy(line -> assertThat(line)
                        .contains("\"configuration\":{\"index\":", "\"batch\":2", "\"values\":{\"value\":"));
        assertThat(finished.page())
                .content()
                .contains("A &lt;table&gt;", "shows the machinery", "-1.5")
                .doesNotContain("http://", "<script");
        Counting third = new Counting();
        run(third, settings(1));
        assertThat(third.taken).isEmpty();
    }

    @Test
    void aFolderWithOtherSettingsIsRefused() {
        run(new Counting(), settings(1));
        assertThatThrownBy(() -> run(new Counting(), settings(2)))
                .isInstanceOf(InvalidInputException.class)
                .hasMessageContainingAll("out ", "another seeds: 1, not 2");
        assertThatThrownBy(() -> run(new StagesStudy(), settings(1)))
                .isInstanceOf(InvalidInputException.class)
                .hasMessageContaining("another study: counting, not stages");
    }

    @Test
    void aTeachersTokensAreSettingsUnlessAnEarlierVersionDidNotRecordThem() throws IOException {
        Path teacher = Files.move(EmbeddedTeacher.unpack(), folder.resolve("teacher"));
        Path tokens = teacher.resolve("tokenizer_config.json");
        StudySettings own = new StudySettings(
                settings(1).config().toBuilder().teacher(teacher).build(), 1, true, Map.of());
        run(new Counting(), own);
        Files.writeString(tokens, "{}");
        Counting resumed = new Counting();
        run(resumed, own);
        assertThat(resumed.taken).isEmpty();

        Folders.delete(folder.resolve("study"));
        run(new Counting(), own);
        Files.writeString(tokens, "{\"add_bos_token\":false}");
        assertThatThrownBy(() -> run(new Counting(), own))
                .isInstanceOf(InvalidInputException.class)
                .hasMessageContaining("another inputs.teacher.tokenizer_config.json");
    }

    @Test
    void aFolderOfSomethingElseIsRefusedAndLeftAlone() throws IOException {
        Path study = Files.createDirectory(folder.resolve("study"));
        Files.writeString(study.resolve("notes.txt"), "mine");
        assertThatThrownBy(() -> run(new Counting(), settings(1)))
                .isInstanceOf(InvalidInputException.class)
                .hasMessageContaining("found notes.txt in it");
        assertThat(study).isDirectoryContaining("glob:**notes.txt");
    }

    @Test
    void aResultThatIsDamagedIsRefused() throws IOException {
        run(new Counting(), settings(1));
        Path results = folder.resolve("study/results.jsonl");
        Files.writeString(results, "{\"id\":1}\n");
        assertThatThrownBy(() -> run(new Counting(), settings(1)))
                .isInstanceOf(InvalidInputException.class)
                .hasMessageContaining("results.jsonl: line 1: expected a result with");
    }

    @Test
    @Tag("slow")
    void aRunInsideAStudyGoesOnAsIfItHadNotBeenEnded() throws IOException {
        DistillConfig config = settings(1).config().toBuilder()
                .stages(StageConfig.of(StageObjective.KNOWLEDGE_DISTILLATION).withTokens(256))
                .checkpoint(checkpoint -> checkpoint.withEvery(3))
                .build();
        try (Bench bench = Bench.open(config, EmbeddedTeacher.unpack(), new TrainingListener() {})) {
            // what a kill before config.yaml leaves
            Path run = Files.createDirectory(folder.resolve("run"));
            Files.writeString(run.resolve("leftover"), "of another attempt");
            Map<String, Double> expected = Distiller.run(bench, run, config);
            assertThat(run.resolve("leftover")).doesNotExist();
            // what a kill after the last checkpoint leaves
            Folders.delete(run.resolve("student"));
            assertThat(Distiller.run(bench, run, config)).isEqualTo(expected);
        }
    }

    @Test
    void spreadsHaveTheDeviationOfASample() {
        Spread spread = Spread.of(List.of(1.0, 2.0, 3.0));
        assertThat(spread.mean()).isEqualTo(2);
        assertThat(spread.deviation()).isEqualTo(1);
        assertThat(Spread.of(List.of(4.0)).deviation()).isZero();
    }

    @Test
    void choicesOfLayers() {
        assertThat(Layers.choices(4, 2))
                .containsExactlyInAnyOrder(
                        List.of(0, 1), List.of(0, 2), List.of(1, 2), List.of(0, 3), List.of(1, 3), List.of(2, 3));
        assertThat(Layers.evenlySpaced(24, 4)).containsExactly(3, 9, 15, 21);
        assertThat(Layers.evenlySpaced(4, 1)).containsExactly(2);
        assertThat(Layers.last(4, 2)).containsExactly(2, 3);
    }
}
