package org.mohawk4j.train.config;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.mohawk4j.InvalidInputException;

class TokenBudgetTest {
    private static final StageConfig ALIGNMENT = StageConfig.of(StageObjective.HIDDEN_STATE_ALIGNMENT);
    private static final StageConfig DISTILLATION = StageConfig.of(StageObjective.KNOWLEDGE_DISTILLATION);

    private static List<Integer> steps(long tokens, List<Double> split, int batch, int context) {
        DistillConfig config = DistillConfig.defaults()
                .with(Map.of("tokens", tokens, "split", split, "batch", batch, "context", context));
        return TokenBudget.of(config.training()).steps();
    }

    private static List<Integer> steps(long tokens, StageConfig... stages) {
        DistillConfig config = DistillConfig.builder()
                .tokens(tokens)
                .batch(2)
                .context(5)
                .stages(stages)
                .build();
        return TokenBudget.of(config.training()).steps();
    }

    @Test
    void dividesTheBudgetInWholeStepsWithoutExceedingIt() {
        assertThat(steps(300_000, List.of(0.1, 0.2, 0.7), 8, 256)).containsExactly(15, 29, 102);
    }

    @Test
    void everyTokenThatMakesAStepIsUsed() {
        for (long tokens = 3 * 6; tokens < 600; tokens++) {
            List<Integer> steps = steps(tokens, List.of(0.15, 0.05, 0.8), 2, 3);

            assertThat(steps.stream().mapToInt(Integer::intValue).sum()).isEqualTo((int) (tokens / 6));
            assertThat(steps).allMatch(some -> some >= 1);
        }
    }

    @Test
    void aStageWithoutAShareHasNoSteps() {
        assertThat(steps(1000, List.of(0.0, 0.0, 1.0), 1, 10)).containsExactly(0, 0, 100);
        assertThat(steps(1000, List.of(0.5, 0.5, 0.0), 1, 10)).containsExactly(50, 50, 0);
    }

    @Test
    void theBudgetOfPhiMambaDividesToTheStep() {
        assertThat(steps(3_000_000_000L, List.of(80 / 3000.0, 160 / 3000.0, 2760 / 3000.0), 2, 1))
                .containsExactly(40_000_000, 80_000_000, 1_380_000_000);
    }

    @Test
    void sharesAreRelativeToThoseOfAllStages() {
        assertThat(steps(1000, DISTILLATION)).containsExactly(100);
        assertThat(steps(1000, ALIGNMENT, ALIGNMENT, DISTILLATION.withShare(0.4)))
                .containsExactly(25, 25, 50);
    }

    @Test
    void aStageWithTokensOfItsOwnTakesNoneOfTheOthers() {
        assertThat(steps(1000, ALIGNMENT.withTokens(79), DISTILLATION)).containsExactly(7, 100);
        assertThat(steps(1, ALIGNMENT.withTokens(79), DISTILLATION.withTokens(10)))
                .containsExactly(7, 1);
    }

    @Test
    void allTokensAreThoseSharedAndThoseOfStages() {
        DistillConfig.Builder run = DistillConfig.builder().tokens(1000);

        assertThat(run.build().training().allTokens()).isEqualTo(1000);
        assertThat(run.stages(ALIGNMENT.withTokens(9000), DISTILLATION)
                        .build()
                        .training()
                        .allTokens())
                .isEqualTo(10_000);
        assertThat(run.stages(ALIGNMENT.withTokens(9000)).build().training().allTokens())
                .isEqualTo(9000);
    }

    @Test
    void stepsOfAnotherSizeAreCountedInTokens() {
        assertThat(steps(
                        1000,
                        ALIGNMENT.withShare(0.4),
                        DISTILLATION.withShare(0.6).withContext(20)))
                .containsExactly(40, 15);
        assertThat(steps(1000, ALIGNMENT.withTokens(100).withBatch(4).withContext(5)))
                .containsExactly(5);
    }

    @Test
    void tooFewTokensForTheStagesAreRefused() {
        assertThatThrownBy(() -> steps(4096, List.of(0.1, 0.2, 0.7), 8, 256))
                .isInstanceOf(InvalidInputException.class)
                .hasMessage("tokens: expected at least 6144, a step of batch 8 × context 256 in each of 3 stages,"
                        + " got 4096");
        assertThatThrownBy(() -> steps(1000, ALIGNMENT.withTokens(9)))
                .isInstanceOf(InvalidInputException.class)
                .hasMessage("stages[0].tokens: expected at least 10, a step of batch 2 × context 5, got 9");
        assertThatThrownBy(() -> steps(
                        100,
                        ALIGNMENT.withShare(0.5),
                        DISTILLATION.withShare(0.5).withContext(30)))
                .isInstanceOf(InvalidInputException.class)
                .hasMessage("tokens: expected at least 120, a step of batch 2 × context 30, got 100");
    }

    @Test
    void aSplitHasAShareForEachStageWithSumOne() {
        assertThatThrownBy(() -> steps(4096, List.of(0.5, 0.5), 1, 1))
                .isInstanceOf(InvalidInputException.class)
                .hasMessage("split: expected 3 numbers, of stages 1, 2, 3, got 2: [0.5, 0.5]");
        assertThatThrownBy(() -> steps(4096, List.of(0.5, 0.5, 0.5), 1, 1))
                .isInstanceOf(InvalidInputException.class)
                .hasMessage("split: expected shares with sum 1, got [0.5, 0.5, 0.5] with sum 1.5");
        assertThatThrownBy(() -> steps(4096, List.of(-0.5, 0.5, 1.0), 1, 1))
                .isInstanceOf(InvalidInputException.class)
                .hasMessageStartingWith("split: expected shares from 0 to 1");
    }
}
