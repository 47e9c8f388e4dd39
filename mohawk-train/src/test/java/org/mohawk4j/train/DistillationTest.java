package org.mohawk4j.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.mohawk4j.InvalidInputException;
import org.mohawk4j.mixer.DiscreteMamba2;
import org.mohawk4j.models.MixerPlan;
import org.mohawk4j.train.config.AutoAttention;
import org.mohawk4j.train.config.DistillConfig;
import org.mohawk4j.train.config.DistillConfigYaml;
import org.mohawk4j.train.console.ConsoleProgressListener;
import org.mohawk4j.train.loop.StopSignal;
import org.mohawk4j.train.loop.StoppedException;
import org.mohawk4j.train.metrics.StepMetrics;
import org.mohawk4j.train.report.RunResult;
import org.mohawk4j.train.run.RunInputs;
import org.mohawk4j.train.sample.EmbeddedTeacher;
import org.mohawk4j.train.yaml.ConfigMapper;

/** Runs of a program that has nothing but a configuration. */
class DistillationTest {
    @TempDir
    private Path folder;

    private DistillConfig config(String name) {
        return EmbeddedTeacher.config().toBuilder()
                .out(folder.resolve(name))
                .tokens(384)
                .context(16)
                .batch(4)
                .threads(1)
                .report(false)
                .evaluation(held -> held.withHeldOut(0.2))
                .checkpoint(when -> when.withMinutes(0))
                .build()
                .with(Map.of("split", List.of(0.1, 0.2, 0.7)));
    }

    /** The layers that keep their attention are chosen when the run begins. */
    private DistillConfig ranked(String name) {
        return config(name).toBuilder().keepAttention(AutoAttention.of(2)).build();
    }

    private List<Integer> keptAttention(String name) throws IOException {
        assertThat(folder.resolve(name).resolve("config.yaml")).content().containsPattern("^# .* attention kept: \\[");
        return DistillConfigYaml.read(folder.resolve(name).resolve("config.yaml"))
                .training()
                .keepAttention();
    }

    /** On a text that is there, which takes less time than one that the teacher writes. */
    private DistillConfig readingConfig(String name) throws IOException {
        Path text = Files.writeString(folder.resolve("text.txt"), "The mill by the river had been still. ".repeat(60));
        return config(name).toBuilder().text(text.toString()).build();
    }

    private static byte[] student(RunResult result) throws IOException {
        return Files.readAllBytes(result.studentFolder().resolve("model.safetensors"));
    }

    private void stopAfter(int steps, Distillation distillation) {
        StopSignal stop = new StopSignal();
        PatientListener stopping = new PatientListener() {
            private int taken;

            @Override
            public void iterationDone(StepMetrics metrics) {
                super.iterationDone(metrics);
                if (++taken == steps) {
                    stop.request();
                }
            }
        };
        assertThatThrownBy(() -> distillation.stop(stop).listener(stopping).run())
                .isInstanceOfSatisfying(
                        StoppedException.class,
                        stopped -> assertThat(stopped.isSaved()).isTrue());
    }

    @Test
    void aRunThatWasStoppedIsResumedFromItsFolderAlone() throws IOException {
        ByteArrayOutputStream told = new ByteArrayOutputStream();
        RunResult whole;
        try (ConsoleProgressListener progress = new ConsoleProgressListener(new PrintStream(told))) {
            whole = Distillation.of(ranked("whole")).listener(progress).run();
        }
        assertThat(told.toString(StandardCharsets.UTF_8))
                .contains("teacher   the tiny one that is shipped", "run       " + folder.resolve("whole"))
                .contains("writing 100%", "text      192 tokens to train on, 48 held out", "stage 3 100% 4/4")
                .contains("knowledge distillation");
        assertThat(folder.resolve("whole/config.yaml"))
                .content()
                .startsWith("# Every value of this run; to repeat it: Distillation.of(")
                .contains("(THIS_FILE).with(Map.of(\"out\", NEW_FOLDER)))");
        assertThat(told.toString(StandardCharsets.UTF_8)).containsPattern("attention \\[\\d, \\d]; nats that .*: 0: ");
        stopAfter(3, Distillation.of(ranked("run")));
        assertThat(keptAttention("run")).hasSize(2).isEqualTo(keptAttention("whole"));
        assertThatThrownBy(() -> Distillation.resume(folder.resolve("run"))
                        .changes(Map.of("keep-attention", List.of("auto:2")))
                        .acceptChanges()
                        .run())
                .isInstanceOf(InvalidInputException.class)
                .hasMessageContaining("keep-attention: expected layers, which the run has chosen when it began");

        RunResult resumed = Distillation.resume(folder.resolve("run")).run();

        assertThat(student(resumed)).isEqualTo(student(whole));
        assertThat(resumed.student().nllPerToken()).isEqualTo(whole.student().nllPerToken());
        assertThat(resumed.stages()).extracting("steps").containsExactly(1, 1, 4);
    }

    /** What a study of hybrids with the shipped teacher leaves. */
    private Path study(DistillConfig config) throws IOException {
        ObjectNode settings = ConfigMapper.empty().put("seeds", 1);
        settings.set(
                "inputs",
                ConfigMapper.tree(RunInputs.of(EmbeddedTeacher.unpack(), config).files()));
        Path study = Files.createDirectory(folder.resolve("study"));
        Files.writeString(study.resolve("study.json"), settings.toPrettyString());
        Files.write(
                study.resolve("results.jsonl"),
                IntStream.range(-1, 4)
                        .mapToObj(
                                layer -> LayerRanking.result(Optional.of(layer).filter(own -> own >= 0), 0))
                        .map(id ->
                                "{\"id\":\"" + id + "\",\"values\":{\"kl\":" + (id.contains("2") ? 0.25 : 0.5) + "}}")
                        .toList());
        return study;
    }

    @Test
    void theRankingOfAStudyIsTakenIfItIsOfTheRunsTeacher() throws IOException {
        DistillConfig config = readingConfig("run");
        Path study = study(config);
        DistillConfig ranked = config.toBuilder()
                .keepAttention(new AutoAttention(1, Optional.of(study)))
                .build();
        Path settings = study.resolve("study.json");
        String own = Files.readString(settings);
        Files.writeString(settings, own.replaceFirst("(?s)(\"model.safetensors\".*?\"bytes\" : )", "$11"));
        assertThatThrownBy(() -> Distillation.of(ranked).run())
                .isInstanceOf(InvalidInputException.class)
                .hasMessageContainingAll(
                        "study " + study + ": expected a ranking of the run's teacher, found one of another:"
                                + " teacher model.safetensors had 1",
                        " bytes, has ");
        assertThat(folder.resolve("run")).doesNotExist();

        Files.writeString(settings, own);
        Distillation.of(ranked).run();

        assertThat(keptAttention("run")).containsExactly(2);
    }

    @Test
    void changesOfARunAreRefusedUnlessAccepted() throws IOException {
        stopAfter(3, Distillation.of(readingConfig("run")));
        Path run = folder.resolve("run");
        Map<String, ?> changes = Map.of("lr", List.of(2e-4, 2e-4, 1e-4));

        assertThatThrownBy(() -> Distillation.resume(run).changes(changes).run())
                .isInstanceOf(ChangedRunException.class)
                .hasMessage("run " + run + ": expected the configuration that it was begun with, found changes:"
                        + " stages[2].learning-rate was 2.0E-4, is 1.0E-4");

        RunResult result =
                Distillation.resume(run).changes(changes).acceptChanges().run();
        assertThat(result.stages()).extracting("steps").containsExactly(1, 1, 4);
    }

    @Test
    void aRunWithMixersOfAProgramNeedsThemAgain() throws IOException {
        Distillation.Mixers own = (config, teacher) -> MixerPlan.replacing(
                teacher, layer -> new DiscreteMamba2.Config(layer.width(), 4, 4, 8, 2, 16), List.of(0));
        stopAfter(2, Distillation.of(readingConfig("run")).mixers(own));
        Path run = folder.resolve("run");
        assertThat(run.resolve("config.yaml")).content().contains("A program gave it its teacher, texts or mixers");

        assertThatThrownBy(() -> Distillation.resume(run).run())
                .isInstanceOf(ChangedRunException.class)
                .hasMessageContaining("expected the student's mixers that it was begun with");

        assertThat(Distillation.resume(run).mixers(own).run().stages())
                .extracting("steps")
                .containsExactly(1, 1, 4);
    }

    @Test
    void whatIsRefusedLeavesNothingBehind() {
        DistillConfig config =
                config("run").toBuilder().context(100_000).tokens(10_000_000).build();

        assertThatThrownBy(() -> Distillation.of(config).run())
                .isInstanceOf(InvalidInputException.class)
                .hasMessageMatching("context: expected at most \\d+, the teacher's positions, got 100000");
        assertThat(folder).isEmptyDirectory();
    }
}
