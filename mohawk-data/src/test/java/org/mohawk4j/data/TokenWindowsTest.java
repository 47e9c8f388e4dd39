package org.mohawk4j.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.mohawk4j.InvalidInputException;

class TokenWindowsTest {
    private static TokenSequence counting(int length) {
        return TokenSequence.of("text", IntStream.range(0, length).toArray());
    }

    @Test
    void everyTokenAfterTheFirstIsPredictedOnceFromItsOwnWindow() {
        TokenWindows windows = new TokenWindows(counting(13), 4);

        TokenBatch all = windows.batch(0, windows.count());

        assertThat(windows.count()).isEqualTo(3);
        assertThat(all.inputs()).containsExactly(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11);
        assertThat(all.targets()).containsExactly(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12);
    }

    @Test
    void aRemainderShorterThanAWindowIsLeftOut() {
        assertThat(new TokenWindows(counting(12), 4).count()).isEqualTo(2);
        assertThat(new TokenWindows(counting(16), 4).count()).isEqualTo(3);
        assertThat(new TokenWindows(counting(17), 4).count()).isEqualTo(4);
    }

    @Test
    void selectedWindowsComeInTheOrderAskedFor() {
        TokenBatch batch = new TokenWindows(counting(20), 3).select(4, 0);

        assertThat(batch.batch()).isEqualTo(2);
        assertThat(batch.context()).isEqualTo(3);
        assertThat(batch.tokens()).isEqualTo(6);
        assertThat(batch.inputs()).containsExactly(12, 13, 14, 0, 1, 2);
        assertThat(batch.targets()).containsExactly(13, 14, 15, 1, 2, 3);
    }

    @Test
    void aTextShorterThanOneWindowIsRefusedWithBothCounts() {
        assertThat(new TokenWindows(counting(5), 4).count()).isEqualTo(1);
        assertThatThrownBy(() -> new TokenWindows(counting(4), 4))
                .isInstanceOf(InvalidInputException.class)
                .hasMessage("text text: expected at least 5 tokens, one window of context 4 + 1, found 4");
    }

    @Test
    void windowsBeyondTheTextAreRefused() {
        TokenWindows windows = new TokenWindows(counting(13), 4);

        assertThatThrownBy(() -> windows.batch(2, 2)).isInstanceOf(IndexOutOfBoundsException.class);
        assertThatThrownBy(() -> windows.select(3)).isInstanceOf(IndexOutOfBoundsException.class);
    }
}
