package org.mohawk4j.tokenizer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.mohawk4j.tokenizer.StreamedDecodersTest.pieces;

import java.util.Random;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

class StreamingDecoderTest {
    private static TokenizerJson tokenizer;

    @BeforeAll
    static void load() {
        tokenizer = TokenizerJson.load(TokenizerJsonTest.teacher());
    }

    @Test
    void aCharacterComesOutOnlyWhenItIsWhole() {
        int[] ids = tokenizer.encode("a\ud83d\ude00b");
        assertThat(ids).as("the emoji takes a token a byte").hasSize(6);

        assertThat(pieces(tokenizer, ids)).containsExactly("a", "", "", "", "\ud83d\ude00", "b", "");
    }

    @Test
    void brokenBytesComeOutAsSoonAsTheyAreKnownToBeBroken() {
        int[] emoji = tokenizer.encode("\ud83d\ude00");
        int a = tokenizer.encode("a")[0];

        assertThat(pieces(tokenizer, emoji[0], emoji[1], a)).containsExactly("", "", "\ufffda", "");
        assertThat(pieces(tokenizer, a, emoji[0], emoji[1])).containsExactly("a", "", "", "\ufffd");
        assertThat(pieces(tokenizer, emoji[1], emoji[1], emoji[1])).containsExactly("", "\ufffd", "\ufffd", "\ufffd");
    }

    @Test
    void allPiecesTogetherAreTheWhole() {
        Random random = new Random(11);
        for (int i = 0; i < 200; i++) {
            int[] ids = random.ints(60, 0, i % 2 == 0 ? 260 : 4096).toArray();

            assertThat(String.join("", pieces(tokenizer, ids))).isEqualTo(tokenizer.decode(ids));
        }
    }

    @Test
    void afterTheEndANewTextBegins() {
        StreamingDecoder decoder = new StreamingDecoder(tokenizer);
        int first = tokenizer.encode("\u4e16")[0];
        decoder.next(first);
        assertThat(decoder.finish()).isEqualTo("\ufffd");

        assertThat(decoder.next(tokenizer.encode("a")[0])).isEqualTo("a");
        assertThat(decoder.finish()).isEmpty();
    }
}
