package org.mohawk4j.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.mohawk4j.InvalidInputException;
import org.mohawk4j.train.run.FileFingerprint;
import org.mohawk4j.train.run.RunInputs;

/** The ranking that a study of hybrids has left. */
class LayerRankingTest {
    @TempDir
    private Path study;

    private static String line(String id, double kl) {
        return String.format(Locale.ROOT, "{\"id\":\"%s\",\"configuration\":{},\"values\":{\"kl\":%.3f}}", id, kl);
    }

    private void write(String... more) throws IOException {
        List<String> lines = new ArrayList<>(List.of(
                "{\"id\":\"base.seed0\",\"values\":{\"nll\":4.0}}",
                line("restored-none.seed0", 0.5),
                line("restored-layer0.seed0", 0.45),
                line("restored-layer1.seed0", 0.3),
                line("restored-none.seed1", 0.6),
                line("restored-layer0.seed1", 0.4),
                line("restored-layer1.seed1", 0.5)));
        lines.addAll(List.of(more));
        Files.write(study.resolve("results.jsonl"), lines);
        writeSettings(2);
    }

    private void writeSettings(int seeds) throws IOException {
        Files.writeString(
                study.resolve("study.json"),
                "{\"study\":\"hybrids\",\"seeds\":" + seeds + ",\"inputs\":{\"teacher\":{\"model.safetensors\":"
                        + "{\"bytes\":7,\"sha256\":\"a1\",\"sampled\":false}},\"text\":{}}}");
    }

    private LayerRanking ranking(int layers) {
        return LayerRanking.of(RankedStudy.of(study), layers);
    }

    private static RunInputs run(String file, long bytes, String sha256) {
        return new RunInputs(Map.of(
                "teacher",
                Map.of(file, new FileFingerprint(bytes, sha256, false)),
                "text",
                Map.of("a.txt", new FileFingerprint(1, "b2", false))));
    }

    @Test
    void layersAreRankedByTheMeanOfWhatTheyRecover() throws IOException {
        write(line("restored-layer2.seed0", 0.2), line("restored-layer2.seed1", 0.55));

        LayerRanking ranking = ranking(3);

        List<Double> expected = List.of(0.125, 0.15, 0.175);
        for (int layer = 0; layer < 3; layer++) {
            assertThat(ranking.recovered().get(layer)).isCloseTo(expected.get(layer), within(1e-9));
        }
        assertThat(ranking.best(1)).containsExactly(2);
        assertThat(ranking.best(2)).containsExactly(1, 2);
        assertThat(new LayerRanking(List.of(1.0, 2.0, 2.0)).best(1)).containsExactly(1);
        assertThat(ranking).hasToString("0: 0.1250, 1: 0.1500, 2: 0.1750");
    }

    @Test
    void aStudyThatIsNotFinishedOrOfOtherLayersIsRefused() throws IOException {
        write(line("restored-layer2.seed0", 0.2));
        assertThatThrownBy(() -> ranking(3))
                .isInstanceOf(InvalidInputException.class)
                .hasMessage("study " + study + ": expected a finished ranking of hybrids, found no result"
                        + " restored-layer2.seed1");
        write(line("restored-layer2.seed0", 0.2), line("restored-layer2.seed1", 0.55));
        assertThatThrownBy(() -> ranking(2))
                .isInstanceOf(InvalidInputException.class)
                .hasMessage("study " + study + ": expected results of the teacher's 2 layers, found others as well");
        Files.writeString(study.resolve("results.jsonl"), line("m0", 1));
        assertThatThrownBy(() -> ranking(2))
                .isInstanceOf(InvalidInputException.class)
                .hasMessageEndingWith("found no result restored-none.seed0");
        assertThatThrownBy(() -> RankedStudy.of(study.resolve("none"))).isInstanceOf(InvalidInputException.class);
    }

    @Test
    void aStudyThatHasNotBegunItsLastSeedsIsRefused() throws IOException {
        write();
        writeSettings(3);
        assertThatThrownBy(() -> ranking(2))
                .isInstanceOf(InvalidInputException.class)
                .hasMessage("study " + study + ": expected a finished ranking of hybrids, found no result"
                        + " restored-none.seed2");
    }

    @Test
    void aStudyOfAnotherTeacherIsRefused() throws IOException {
        write();
        RankedStudy found = RankedStudy.of(study);
        assertThatCode(() -> found.requireTeacher(run("model.safetensors", 7, "a1")))
                .doesNotThrowAnyException();
        assertThatThrownBy(() -> found.requireTeacher(run("model.safetensors", 7, "a2")))
                .isInstanceOf(InvalidInputException.class)
                .hasMessage("study " + study + ": expected a ranking of the run's teacher, found one of another:"
                        + " teacher model.safetensors has other contents");
        assertThatThrownBy(() -> found.requireTeacher(run("other.safetensors", 7, "a1")))
                .isInstanceOf(InvalidInputException.class)
                .hasMessageEndingWith("teacher model.safetensors is gone; teacher other.safetensors is new");
    }
}
