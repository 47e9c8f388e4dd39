package org.mohawk4j.train.loop;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.mohawk4j.InvalidInputException;
import org.mohawk4j.train.loop.StepGuard.Fault;

class StepGuardTest {
    private final StepGuard guard = new StepGuard(10);

    private static void settle(StepGuard guard) {
        for (int i = 0; i < LossSpikeDetector.WINDOW; i++) {
            assertThat(guard.judge(4 + 0.01 * (i % 5), 1)).isEmpty();
        }
    }

    @Test
    void lossesAndNormsThatAreNoNumbersAreFaults() {
        assertThat(guard.judge(Double.NaN, 1).map(Fault::reason)).contains("the loss is NaN");
        assertThat(guard.judge(1, Double.POSITIVE_INFINITY).map(Fault::reason))
                .contains("the gradients' norm is Infinity");
        assertThat(guard.judge(1, 1)).isEmpty();
    }

    @Test
    void threeInARowAreLostAndTwoAreNot() {
        guard.judge(Double.NaN, 1);
        guard.judge(1, Double.NaN);
        assertThat(guard.isLost()).isFalse();
        guard.judge(1, 1);
        guard.judge(Double.NaN, 1);
        guard.judge(Double.NaN, 1);
        assertThat(guard.isLost()).isFalse();
        guard.judge(Double.NaN, 1);
        assertThat(guard.isLost()).isTrue();
    }

    @Test
    void threeSpikesInARowAreANewLevel() {
        settle(guard);

        assertThat(guard.judge(9, 1).map(Fault::kind)).contains(Fault.Kind.SPIKE);
        assertThat(guard.judge(9, 1).map(Fault::kind)).contains(Fault.Kind.SPIKE);
        assertThat(guard.judge(9, 1)).isEmpty();
        assertThat(guard.judge(9, 1)).isEmpty();
    }

    @Test
    void aSpikeIsNotRememberedAsALoss() {
        settle(guard);
        for (int i = 0; i < 200; i++) {
            Optional<Fault> fault = guard.judge(i % 2 == 0 ? 9 : 4, 1);
            assertThat(fault.isPresent()).as("step " + i).isEqualTo(i % 2 == 0);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"1.7", "\"1\"", "4294967297", "-1", "true"})
    void aStateWithWhatIsNoWholeNumberIsRefused(String value) throws IOException {
        for (String name : List.of("not_finite_in_a_row", "spikes_in_a_row")) {
            ObjectNode state = guard.state();
            state.set(name, new ObjectMapper().readTree(value));

            assertThatThrownBy(() -> new StepGuard(10).restore(state))
                    .isInstanceOf(InvalidInputException.class)
                    .hasMessageContaining(name + ": expected a whole number");
        }
    }

    @Test
    void itGoesOnFromItsState() {
        settle(guard);
        guard.judge(9, 1);
        StepGuard other = new StepGuard(10);
        other.restore(guard.state());

        assertThat(other.state()).isEqualTo(guard.state());
        assertThat(other.judge(9, 1)).isEqualTo(guard.judge(9, 1)).isPresent();
        assertThat(other.judge(9, 1)).isEqualTo(guard.judge(9, 1)).isEmpty();
    }
}
