package org.mohawk4j.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.mohawk4j.InvalidInputException;

class TokenSequenceTest {
    @Test
    void anEncoderOfManyTokensACharacterFits() {
        TokenSequence tokens = TokenSequence.encode(
                "text", "ab", text -> IntStream.range(0, 5000).toArray());

        assertThat(tokens.length()).isEqualTo(5000);
        assertThat(tokens.get(4999)).isEqualTo(4999);
    }

    @Test
    void slicesAreRelativeToTheirSource() {
        TokenSequence tokens = TokenSequence.of("text", 5, 6, 7, 8, 9);
        TokenSequence slice = tokens.slice(1, 4).slice(1, 3);

        assertThat(slice.toArray()).containsExactly(7, 8);
        assertThat(slice.get(0)).isEqualTo(7);
        assertThatThrownBy(() -> slice.get(2)).isInstanceOf(IndexOutOfBoundsException.class);
        assertThatThrownBy(() -> slice.copy(1, 2, new int[2], 0)).isInstanceOf(IndexOutOfBoundsException.class);
    }

    @Test
    void namesTheFirstIdOutsideTheVocabulary() {
        TokenSequence tokens = TokenSequence.of("train.txt", 0, 3, 4, 9);

        assertThat(tokens.requireVocabulary(10)).isSameAs(tokens);
        assertThatThrownBy(() -> tokens.requireVocabulary(4))
                .isInstanceOf(InvalidInputException.class)
                .hasMessage("text train.txt: expected token ids from 0 to 3, the model's vocabulary,"
                        + " found 4 at token 2");
        assertThatThrownBy(() -> TokenSequence.of("text", 1, -1).requireVocabulary(4))
                .isInstanceOf(InvalidInputException.class)
                .hasMessageContaining("found -1 at token 1");
    }

    @Test
    void theHeldOutSplitIsTheEndWithoutOverlap() {
        TokenSequence tokens = TokenSequence.of("text", IntStream.range(0, 100).toArray());

        TokenSequence.Split split = tokens.splitLast(0.3, 16);

        assertThat(split.training().toArray()).isEqualTo(IntStream.range(0, 70).toArray());
        assertThat(split.heldOut().toArray()).isEqualTo(IntStream.range(70, 100).toArray());
    }

    @Test
    void aSplitWithLessThanAWindowOnEitherSideIsRefused() {
        TokenSequence tokens = TokenSequence.of("text", new int[100]);

        assertThatThrownBy(() -> tokens.splitLast(0.1, 16))
                .isInstanceOf(InvalidInputException.class)
                .hasMessageContaining("context 16 + 1")
                .hasMessageContaining("100 tokens split into 90 and 10");
        assertThatThrownBy(() -> tokens.splitLast(0.9, 16)).isInstanceOf(InvalidInputException.class);
        assertThat(tokens.splitLast(0.17, 16).heldOut().length()).isEqualTo(17);
    }
}
