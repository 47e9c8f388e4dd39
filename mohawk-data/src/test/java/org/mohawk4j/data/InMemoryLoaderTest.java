package org.mohawk4j.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.mohawk4j.InvalidInputException;

class InMemoryLoaderTest {
    private static final int WINDOWS = 10;

    /** Window w of this text starts with token 2·w. */
    private static TokenWindows windows(int count) {
        return new TokenWindows(
                TokenSequence.of("text", IntStream.rangeClosed(0, 2 * count).toArray()), 2);
    }

    private static List<Integer> draw(InMemoryLoader sampler, int batches) {
        List<Integer> drawn = new ArrayList<>();
        for (int i = 0; i < batches; i++) {
            TokenBatch batch = sampler.next();
            for (int b = 0; b < batch.batch(); b++) {
                drawn.add(batch.inputs()[b * batch.context()] / 2);
            }
        }
        return drawn;
    }

    @Test
    void everyEpochHasEachWindowOnceAlsoWhenBatchesDoNotDivideIt() {
        List<Integer> drawn = draw(new InMemoryLoader(windows(WINDOWS), 3, 1), 10);

        for (int epoch = 0; epoch < 3; epoch++) {
            assertThat(drawn.subList(epoch * WINDOWS, (epoch + 1) * WINDOWS))
                    .containsExactlyInAnyOrder(0, 1, 2, 3, 4, 5, 6, 7, 8, 9);
        }
    }

    @Test
    void epochsAndSeedsDifferInOrderAndTheSameSeedRepeats() {
        List<Integer> first = draw(new InMemoryLoader(windows(WINDOWS), 5, 1), 4);

        assertThat(first.subList(0, 10)).isNotEqualTo(first.subList(10, 20));
        assertThat(draw(new InMemoryLoader(windows(WINDOWS), 5, 2), 4)).isNotEqualTo(first);
        assertThat(draw(new InMemoryLoader(windows(WINDOWS), 5, 1), 4)).isEqualTo(first);
    }

    @Test
    void neighboringSeedsDoNotShareTheirFirstWindow() {
        Set<Integer> firsts = new HashSet<>();
        for (int seed = 0; seed < 20; seed++) {
            firsts.addAll(draw(new InMemoryLoader(windows(1000), 1, seed), 1));
        }

        assertThat(firsts).hasSizeGreaterThan(15);
    }

    @Test
    void aBatchLargerThanTheTextRepeatsIt() {
        List<Integer> drawn = draw(new InMemoryLoader(windows(2), 5, 3), 1);

        assertThat(drawn).hasSize(5).containsOnly(0, 1);
    }

    @Test
    void epochsCountPartsOfAPass() {
        InMemoryLoader sampler = new InMemoryLoader(windows(WINDOWS), 5, 1);

        assertThat(sampler.epochs()).isZero();
        draw(sampler, 3);
        assertThat(sampler.epochs()).isEqualTo(1.5);
    }

    @Test
    void aRestoredStreamContinuesAsIfNeverInterrupted() {
        for (int before = 0; before < 8; before++) {
            InMemoryLoader sampler = new InMemoryLoader(windows(WINDOWS), 3, 7);
            draw(sampler, before);
            InMemoryLoader restored = new InMemoryLoader(windows(WINDOWS), 3, 99);
            restored.restore(sampler.state());

            assertThat(draw(restored, 9)).isEqualTo(draw(sampler, 9));
            assertThat(restored.state()).isEqualTo(sampler.state());
        }
    }

    @Test
    void aStateOfAnotherTextIsRefused() {
        ObjectNode state = new InMemoryLoader(windows(WINDOWS), 3, 7).state();

        assertThatThrownBy(() -> new InMemoryLoader(windows(WINDOWS + 1), 3, 7).restore(state))
                .isInstanceOf(InvalidInputException.class)
                .hasMessage("batch sampler: expected a state with windows 11, found 10");
    }

    @Test
    void aWrongStateIsRefusedAndChangesNothing() {
        InMemoryLoader sampler = new InMemoryLoader(windows(WINDOWS), 3, 7);
        ObjectNode before = sampler.state();

        for (ObjectNode wrong : List.of(
                sampler.state().put("position", WINDOWS + 1),
                sampler.state().put("epoch", -1),
                sampler.state().put("seed", "seven"),
                sampler.state().without("seed"))) {
            assertThatThrownBy(() -> sampler.restore(wrong)).isInstanceOf(InvalidInputException.class);
            assertThat(sampler.state()).isEqualTo(before);
        }
    }
}
