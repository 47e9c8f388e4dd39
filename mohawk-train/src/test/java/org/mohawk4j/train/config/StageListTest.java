package org.mohawk4j.train.config;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.groups.Tuple.tuple;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.mohawk4j.InvalidInputException;

/** Stages as a list, and the keys of when there were always three. */
class StageListTest {
    private static DistillConfig parse(String yaml) {
        return DistillConfigYaml.parse("my.yaml", yaml);
    }

    @Test
    void whatAStageDoesNotSayIsUsualForItsObjectiveOrTheRuns() {
        DistillConfig config = parse("""
            batch: 4
            context: 32
            tokens: 2560
            schedule: {kind: cosine, final-fraction: 0.1}
            stages:
              - objective: hidden-state-alignment
                learning-rate: 3e-3
              - objective: hidden-state-alignment
              - objective: knowledge-distillation
                tokens: 1024
                batch: 2
                context: 64
                schedule: {warmup-fraction: 0.5}
                trainable: ['*.mixer.*', lm_head.weight]
            """);

        ScheduleConfig run = config.learning().schedule();
        assertThat(config.activeStages())
                .containsExactly(
                        new ActiveStage(1, StageObjective.HIDDEN_STATE_ALIGNMENT, 10, 4, 32, 3e-3, run, List.of()),
                        new ActiveStage(2, StageObjective.HIDDEN_STATE_ALIGNMENT, 10, 4, 32, 2e-4, run, List.of()),
                        new ActiveStage(
                                3,
                                StageObjective.KNOWLEDGE_DISTILLATION,
                                8,
                                2,
                                64,
                                2e-4,
                                new ScheduleConfig(ScheduleConfig.Kind.COSINE, 0.5, 0.5, 0.1),
                                List.of("*.mixer.*", "lm_head.weight")));
        assertThat(parse(DistillConfigYaml.format(config))).isEqualTo(config);
    }

    @Test
    void aBuilderGivesWhatTheYamlGives() {
        DistillConfig built = DistillConfig.builder()
                .tokens(4096)
                .text("a.txt=0.5", "b.txt=0.5")
                .optimizer(adamW -> adamW.withClipNorm(0.5))
                .stages(
                        StageConfig.of(StageObjective.MATRIX_ORIENTATION).withShare(0.5),
                        StageConfig.of(StageObjective.KNOWLEDGE_DISTILLATION)
                                .withTokens(8192)
                                .withLearningRate(5e-4)
                                .withContext(512)
                                .withTrainable("*.mixer.*"))
                .build();

        assertThat(built).isEqualTo(parse("""
            tokens: 4096
            text: [a.txt=0.5, b.txt=0.5]
            optimizer: {clip-norm: 0.5}
            stages:
            - {objective: matrix-orientation, share: 0.5}
            - {objective: knowledge-distillation, tokens: 8192, learning-rate: 5e-4, context: 512, trainable: ['*.mixer.*']}
            """));
    }

    @Test
    void aStageWithAutomaticTokensKeepsItsShare() {
        DistillConfig config = parse("""
            auto-tokens: {share: 0.1, improvement: 0.02}
            stages:
            - {objective: hidden-state-alignment, tokens: auto}
            - {objective: hidden-state-alignment, tokens: auto, share: 0.5}
            - {objective: knowledge-distillation}
            """);

        assertThat(config)
                .isEqualTo(DistillConfig.builder()
                        .autoTokens(auto -> auto.withShare(0.1).withImprovement(0.02))
                        .stages(
                                StageConfig.of(StageObjective.HIDDEN_STATE_ALIGNMENT)
                                        .withAutoTokens(),
                                StageConfig.of(StageObjective.HIDDEN_STATE_ALIGNMENT)
                                        .withTokens(9)
                                        .withAutoTokens()
                                        .withShare(0.5),
                                StageConfig.of(StageObjective.KNOWLEDGE_DISTILLATION))
                        .build());
        assertThat(config.activeStages()).extracting(config::isAuto).containsExactly(true, true, false);
        assertThat(DistillConfigYaml.format(config)).contains("  tokens: auto\n  share: 0.2\n");
        assertThat(parse(DistillConfigYaml.format(config))).isEqualTo(config);
        assertThat(config.with(Map.of("split", List.of(0.25, 0.25, 0.5)))
                        .training()
                        .stages())
                .extracting(StageConfig::auto)
                .containsExactly(true, true, false);
        assertThat(ConfigChanges.between(
                        parse("stages: [{objective: knowledge-distillation}]"),
                        parse("stages: [{objective: knowledge-distillation, tokens: auto}]")))
                .containsExactly("stages[0].tokens was nothing, is 'auto'");
    }

    @Test
    void theThreeStagesOfARunAreWrittenWithWhatTheySay() {
        assertThat(DistillConfigYaml.format(DistillConfig.defaults())).contains("""
            stages:
            - objective: matrix-orientation
              share: 0.0
              learning-rate: 2.0E-4
            - objective: hidden-state-alignment
              share: 0.0
              learning-rate: 2.0E-4
            - objective: knowledge-distillation
              share: 1.0
              learning-rate: 2.0E-4
            """);
    }

    @Test
    void oldKeysSayAValueOfEachStage() {
        DistillConfig config = parse("""
            lr: [1, 2]
            split: [0.25, 0.75]
            stages: [{objective: matrix-orientation}, {objective: knowledge-distillation, tokens: 8192}]
            """);

        assertThat(config.training().stages())
                .extracting(StageConfig::learningRate)
                .containsExactly(1.0, 2.0);
        assertThat(config.training().stages())
                .extracting(StageConfig::share)
                .containsExactly(Optional.of(0.25), Optional.of(0.75));
        assertThat(config.training().stages().get(1).tokens()).isEmpty();
        assertThat(config.with(Map.of("lr", List.of(3, 4))).training().stages())
                .extracting(StageConfig::learningRate)
                .containsExactly(3.0, 4.0);
    }

    /** Columns: YAML; how the message begins; what it contains. */
    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "stages: [{objective: matrix-orientation}, {objective: align}] | stages[1].objective: expected one of"
                        + " matrix-orientation, hidden-state-alignment, knowledge-distillation, | got 'align'",
                "stages: [{tokens: 5000}] | stages[0].objective: expected one of matrix-orientation | got nothing",
                "stages: [{objective: 3}] | stages[0].objective: expected one of matrix-orientation | got 3",
                "stages: [{objectiv: x}] | stages[0].objectiv: expected one of the keys objective, tokens, | unknown",
                "stages: [{objective: matrix-orientation, lr: 1}] | stages[0].lr: expected one of the keys objective |"
                        + " learning-rate, schedule, batch, context, trainable, got an unknown key",
                "stages: [{objective: matrix-orientation, schedule: {decay: 1}}] | stages[0].schedule.decay: expected"
                        + " one of the keys kind, | got an unknown key",
                "stages: [{objective: matrix-orientation, schedule: cosine}] | stages[0].schedule: expected the keys"
                        + " kind, | got 'cosine'",
                "stages: [{objective: matrix-orientation, schedule: {kind: x}}] | stages[0].schedule.kind: expected"
                        + " one of warmup-stable-decay, cosine | got 'x'",
                "stages: [{objective: matrix-orientation, schedule: {decay-fraction: 0.95}}] |"
                        + " stages[0].schedule.decay-fraction: expected at most 1 together with | got 0.95",
                "stages: [{objective: matrix-orientation, tokens: many}] | stages[0].tokens: expected a whole number or"
                        + " auto | got 'many'",
                "stages: [{objective: matrix-orientation, tokens: auto, schedule: {kind: cosine}}] |"
                        + " stages[0].schedule.kind: expected warmup-stable-decay with tokens auto | got cosine",
                "stages: [{objective: matrix-orientation, tokens: [auto]}] | stages[0].tokens: expected a whole number |"
                        + " got [\"auto\"]",
                "auto-tokens: {share: 0} | auto-tokens.share: expected a number above 0 and at most 0.25 | got 0.0",
                "auto-tokens: {improvement: 2} | auto-tokens.improvement: expected a number from 0 to 1 | got 2.0",
                "auto-tokens: {windows: 0} | auto-tokens.windows: expected a whole number of at least 1 | got 0",
                "auto-tokens: auto | auto-tokens: expected the keys share, improvement, windows | got 'auto'",
                "tokens: auto | tokens: expected a whole number, | got 'auto'",
                "stages: [{objective: matrix-orientation, tokens: 0}] | stages[0].tokens: expected a whole number of at"
                        + " least 1 | got 0",
                "stages: [{objective: matrix-orientation, tokens: 9, share: 0.5}] | stages[0].share: expected none"
                        + " beside tokens 9 | got 0.5",
                "stages: [{objective: matrix-orientation, share: -1}] | stages[0].share: expected a number of at least"
                        + " 0 | got -1.0",
                "stages: [{objective: matrix-orientation, learning-rate: 0}] | stages[0].learning-rate: expected a"
                        + " number above 0 | got 0.0",
                "stages: [{objective: matrix-orientation, learning-rate: }] | stages[0].learning-rate: expected a value"
                        + " | got nothing",
                "stages: [{objective: matrix-orientation, context: 2.5}] | stages[0].context: expected a whole number |"
                        + " got 2.5",
                "{accumulate: 4, stages: [{objective: matrix-orientation, batch: 6}]} | stages[0].batch: expected a"
                        + " multiple of accumulate 4 | got 6",
                "stages: [{objective: matrix-orientation, trainable: ['']}] | stages[0].trainable: expected names of"
                        + " parameters | got an empty one",
                "stages: [matrix-orientation] | stages[0]: expected the keys objective, | got 'matrix-orientation'",
                "stages: matrix-orientation | stages: expected a list | got 'matrix-orientation'",
                "stages: | stages: expected a list | got nothing",
                "stages: [] | stages: expected at least one with a share or tokens | got none",
                "stages: [{objective: matrix-orientation, share: 0}] | stages: expected at least one with a share or"
                        + " tokens | got none of 1",
                "{stages: [{objective: matrix-orientation}], lr: [1, 2, 3]} | lr: expected 1 number, got 3 | [1.0, 2.0, 3.0]",
            })
    void aWrongStageIsOneLineWithKeyExpectedAndActual(String yaml, String start, String end) {
        assertThatThrownBy(() -> parse(yaml))
                .isInstanceOf(InvalidInputException.class)
                .hasMessageStartingWith("my.yaml: " + start)
                .hasMessageContaining(end)
                .hasMessageNotContaining("\n")
                .hasMessageNotContaining("fasterxml");
    }

    @Test
    void changesOfStagesAreToldByStage() {
        DistillConfig before = DistillConfig.defaults();
        DistillConfig one = parse("stages: [{objective: knowledge-distillation}]");

        assertThat(ConfigChanges.between(before, before.with(Map.of("lr", List.of(2e-4, 2e-4, 0.5)))))
                .containsExactly("stages[2].learning-rate was 2.0E-4, is 0.5");
        assertThat(ConfigChanges.between(before, one))
                .containsExactly("stages was [matrix-orientation, hidden-state-alignment, knowledge-distillation],"
                        + " is [knowledge-distillation]");
        assertThat(ConfigChanges.between(one, parse("stages: [{objective: knowledge-distillation, context: 99}]")))
                .containsExactly("stages[0].context was nothing, is 99");
    }

    @Test
    void theConfigurationThatAnOldVersionWroteMeansTheSame() throws IOException {
        String old = new String(
                StageListTest.class.getResourceAsStream("config-b11d4d2.yaml").readAllBytes(), StandardCharsets.UTF_8);

        DistillConfig config = DistillConfigYaml.parse("config.yaml", old);

        assertThat(config.activeStages())
                .extracting(ActiveStage::objective, ActiveStage::steps, ActiveStage::learningRate)
                .containsExactly(
                        tuple(StageObjective.MATRIX_ORIENTATION, 5, 1e-3),
                        tuple(StageObjective.HIDDEN_STATE_ALIGNMENT, 4, 3e-3),
                        tuple(StageObjective.KNOWLEDGE_DISTILLATION, 14, 1e-3));
        assertThat(config.training().freeze()).containsExactly("*.mlp.*");
        assertThat(config.student().mixerOptions()).containsEntry("groups", 2);
        assertThat(DistillConfigYaml.parse("now", DistillConfigYaml.format(config)))
                .isEqualTo(config);
    }
}
