package org.mohawk4j.train;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.mohawk4j.InvalidInputException;
import org.mohawk4j.train.config.DistillConfig;
import org.mohawk4j.train.distributed.LocalProcessGroup;
import org.mohawk4j.train.distributed.RankDevices;
import org.mohawk4j.train.distributed.RefusedRanksException;
import org.mohawk4j.train.loop.StoppedException;
import org.mohawk4j.train.run.FileFingerprint;
import org.mohawk4j.train.run.RunInputs;

/** Ranks of which one is given something else. */
@Timeout(120)
class RankStartTest {
    private static void allRefuse(int ranks, String line, Consumer<RankStart> rank) throws InterruptedException {
        assertThat(LocalProcessGroup.run(ranks, group -> rank.accept(new RankStart(group))))
                .hasSize(ranks)
                .allSatisfy(thrown -> assertThat(thrown)
                        .isInstanceOf(RefusedRanksException.class)
                        .isInstanceOf(InvalidInputException.class)
                        .hasMessage(line));
    }

    private static RunInputs inputs(String teacher, String text) {
        return new RunInputs(Map.of(
                "teacher", Map.of("model.safetensors", new FileFingerprint(10, teacher, false)),
                "text", Map.of("train.txt", new FileFingerprint(20, text, true))));
    }

    @Test
    void sameConfigurationPassesWhereverItsFilesAre() throws InterruptedException {
        assertThat(LocalProcessGroup.run(
                        3,
                        group -> new RankStart(group)
                                .requireSame(DistillConfig.builder()
                                        .out(Path.of("run-" + group.rank()))
                                        .teacher(Path.of("teacher-" + group.rank()))
                                        .device(group.rank())
                                        .gpus(1 + group.rank())
                                        .build())))
                .containsOnlyNulls();
    }

    @Test
    void otherConfigurationIsNamedByItsKey() throws InterruptedException {
        allRefuse(
                3,
                "rank 2 on this process: batch: expected 8 as on rank 0, found 16",
                rank -> rank.requireSame(DistillConfig.builder()
                        .batch(rank.group().rank() == 2 ? 16 : 8)
                        .build()));
        allRefuse(
                2,
                "rank 1 on this process: optimizer.epsilon: expected 1.0E-8 as on rank 0, found 1.0E-6",
                rank -> rank.requireSame(DistillConfig.defaults()
                        .with(Map.of("optimizer.epsilon", rank.group().rank() == 1 ? 1e-6 : 1e-8))));
    }

    @Test
    void otherTeacherAndTextAreNamedByTheirFile() throws InterruptedException {
        allRefuse(
                2,
                "rank 1 on this process: teacher model.safetensors: expected sha256 aa of 10 bytes as on rank 0, found"
                        + " sha256 bb of 10 bytes",
                rank -> rank.requireSame(() -> inputs(rank.group().rank() == 0 ? "aa" : "bb", "cc")));
        allRefuse(
                2,
                "rank 1 on this process: text train.txt: expected sha256 cc of 20 bytes as on rank 0, found sha256 dd of"
                        + " 20 bytes",
                rank -> rank.requireSame(() -> inputs("aa", rank.group().rank() == 0 ? "cc" : "dd")));
    }

    @Test
    void fileThatOneRankLacksIsNamed() throws InterruptedException {
        allRefuse(
                2,
                "rank 1 on this process: text train.txt: expected sha256 cc of 20 bytes as on rank 0, found nothing",
                rank -> rank.requireSame(() -> rank.group().rank() == 0
                        ? inputs("aa", "cc")
                        : new RunInputs(
                                Map.of("teacher", inputs("aa", "cc").files().get("teacher")))));
    }

    @Test
    void deviceThatTwoRanksHaveAndBackendsThatDifferAreNamed() throws InterruptedException {
        allRefuse(
                3,
                "rank 2 on this process: expected a GPU of its own, found GPU-1, which rank 0 has",
                rank -> RankDevices.require(
                        rank.group(),
                        List.of("GPU-1", "GPU-2", "GPU-1").get(rank.group().rank()),
                        "cuda",
                        ""));
        allRefuse(
                2,
                "rank 1 on this process: backend: expected cuda as of rank 0, found nd4j",
                rank -> RankDevices.require(rank.group(), "", rank.group().rank() == 0 ? "cuda" : "nd4j", ""));
        allRefuse(
                2,
                "rank 1 on this process: no GPU",
                rank -> RankDevices.require(
                        rank.group(), "", "cuda", rank.group().rank() == 0 ? "" : "no GPU"));
    }

    @Test
    void whatOneRankThrowsIsWhatAllEndWith() throws InterruptedException {
        List<Throwable> thrown = LocalProcessGroup.run(2, group -> {
            if (group.rank() == 1) {
                throw new RankStart(group).failed(new IllegalStateException("a\n b"));
            }
            group.exchange(new byte[1]);
        });

        assertThat(thrown.get(0)).hasMessageContaining("rank 1").hasMessageContaining("a b");
        assertThat(thrown.get(1)).isInstanceOf(IllegalStateException.class);
    }

    @Test
    void stoppedRunIsNoFailure() throws InterruptedException {
        List<Throwable> thrown = LocalProcessGroup.run(1, group -> {
            StoppedException stopped = new StoppedException("stopped", true);
            assertThat(new RankStart(group).failed(stopped)).isSameAs(stopped);
            assertThat(group.failure()).isEqualTo(Optional.empty());
            group.progress();
        });

        assertThat(thrown).containsOnlyNulls();
    }
}
