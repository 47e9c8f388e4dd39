package org.mohawk4j.tokenizer;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
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

        assertThat(pieces(ids)).containsExactly("a", "", "", "", "\ud83d\ude00", "b", "");
    }

    @Test
    void brokenBytesComeOutAsSoonAsTheyAreKnownToBeBroken() {
        int[] emoji = tokenizer.encode("\ud83d\ude00");
        int a = tokenizer.encode("a")[0];

        assertThat(pieces(emoji[0], emoji[1], a)).containsExactly("", "", "\ufffda", "");
        assertThat(pieces(a, emoji[0], emoji[1])).containsExactly("a", "", "", "\ufffd");
        assertThat(pieces(emoji[1], emoji[1], emoji[1])).containsExactly("", "\ufffd", "\ufffd", "\ufffd");
    }

    @Test
    void allPiecesTogetherAreTheWhole() {
        Random random = new Random(11);
        for (int i = 0; i < 200; i++) {
            int[] ids = random.ints(60, 0, i % 2 == 0 ? 260 : 4096).toArray();

            assertThat(String.join("", pieces(ids))).isEqualTo(tokenizer.decode(ids));
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

    private static List<String> pieces(int... ids) {
        StreamingDecoder decoder = new StreamingDecoder(tokenizer);
        List<String> pieces = new ArrayList<>();
        for (int id : ids) {
            pieces.add(decoder.next(id));
        }
        pieces.add(decoder.finish());
        return pieces;
    }
}
