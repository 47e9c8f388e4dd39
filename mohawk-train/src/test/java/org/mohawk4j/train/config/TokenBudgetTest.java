package org.mohawk4j.train.config;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import org.junit.jupiter.api.Test;
import org.mohawk4j.InvalidInputException;

class TokenBudgetTest {
    @Test
    void dividesTheBudgetInWholeStepsWithoutExceedingIt() {
        TokenBudget budget = TokenBudget.of(300_000, List.of(0.1, 0.2, 0.7), 8, 256);

        assertThat(budget.tokensPerStep()).isEqualTo(2048);
        assertThat(budget.steps()).containsExactly(15, 29, 102);
        assertThat(budget.stepsOf(3)).isEqualTo(102);
        assertThat(budget.tokensOf(1)).isEqualTo(15 * 2048);
    }

    @Test
    void everyTokenThatMakesAStepIsUsed() {
        for (long tokens = 3 * 6; tokens < 600; tokens++) {
            TokenBudget budget = TokenBudget.of(tokens, List.of(0.15, 0.05, 0.8), 2, 3);

            long used = budget.tokensOf(1) + budget.tokensOf(2) + budget.tokensOf(3);
            assertThat(used).isEqualTo(tokens / 6 * 6);
            assertThat(budget.steps()).allMatch(steps -> steps >= 1);
        }
    }

    @Test
    void aStageWithoutAShareHasNoSteps() {
        assertThat(TokenBudget.of(1000, List.of(0.0, 0.0, 1.0), 1, 10).steps()).containsExactly(0, 0, 100);
        assertThat(TokenBudget.of(1000, List.of(0.5, 0.5, 0.0), 1, 10).steps()).containsExactly(50, 50, 0);
    }

    @Test
    void theBudgetOfPhiMambaDividesToTheStep() {
        TokenBudget budget = TokenBudget.of(3_000_000_000L, List.of(80 / 3000.0, 160 / 3000.0, 2760 / 3000.0), 2, 1);

        assertThat(budget.steps()).containsExactly(40_000_000, 80_000_000, 1_380_000_000);
    }

    @Test
    void tooFewTokensForTheStagesAreRefused() {
        assertThatThrownBy(() -> TokenBudget.of(4096, List.of(0.1, 0.2, 0.7), 8, 256))
                .isInstanceOf(InvalidInputException.class)
                .hasMessage("tokens: expected at least 6144, a step of batch 8 × context 256 in each of 3 stages,"
                        + " got 4096");
    }

    @Test
    void aSplitMustBeThreeSharesOfOne() {
        assertThatThrownBy(() -> TokenBudget.of(4096, List.of(0.5, 0.5), 1, 1))
                .isInstanceOf(InvalidInputException.class)
                .hasMessage("split: expected 3 numbers, got 2: [0.5, 0.5]");
        assertThatThrownBy(() -> TokenBudget.of(4096, List.of(0.5, 0.5, 0.5), 1, 1))
                .isInstanceOf(InvalidInputException.class)
                .hasMessage("split: expected shares with sum 1, got [0.5, 0.5, 0.5] with sum 1.5");
        assertThatThrownBy(() -> TokenBudget.of(4096, List.of(-0.5, 0.5, 1.0), 1, 1))
                .isInstanceOf(InvalidInputException.class)
                .hasMessageStartingWith("split: expected shares from 0 to 1");
    }
}
