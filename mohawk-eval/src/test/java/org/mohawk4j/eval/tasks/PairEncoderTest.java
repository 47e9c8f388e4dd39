package org.mohawk4j.eval.tasks;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;
import org.mohawk4j.InvalidInputException;
import org.mohawk4j.eval.likelihood.Request;

class PairEncoderTest {
    private final WordTokenizer tokenizer = new WordTokenizer();
    private final WordTokenizer withBos = new WordTokenizer("<bos>");

    /** The tokens, with a bar before the first that is scored. */
    private String encode(int positions, String context, String continuation) {
        return encode(tokenizer, positions, context, continuation);
    }

    private static String encode(WordTokenizer tokenizer, int positions, String context, String continuation) {
        Request request = new PairEncoder(tokenizer, positions).encode("here", context, continuation);
        StringBuilder text = new StringBuilder();
        for (int i = 0; i < request.length(); i++) {
            text.append(i == 0 ? "" : i == request.from() ? "|" : ",").append(tokenizer.decode(request.id(i)));
        }
        return text.toString();
    }

    @Test
    void theContinuationIsWhatTheContextAloneDoesNotHave() {
        assertThat(encode(9, "a big", " red cat")).isEqualTo("a, big| red, cat");
    }

    @Test
    void spaceAtTheEndOfTheContextGoesToTheContinuation() {
        assertThat(encode(9, "a big ", "red")).isEqualTo("a, big| red");
        assertThat(encode(9, "a\n", "red")).isEqualTo("a|\n,red");
    }

    @Test
    void tokensAcrossTheBorderCountAsTheContexts() {
        // together "abc" is one token, which the context's one token covers: nothing is left to score
        assertThatThrownBy(() -> encode(9, "ab", "c"))
                .isInstanceOf(InvalidInputException.class)
                .hasMessageContaining("here: expected a continuation of 1 to 9 tokens")
                .hasMessageContaining("found 0");
        // the harness reads the context's own token, "ab", though both together begin with "abc"
        assertThat(encode(9, "ab", "c d")).isEqualTo("ab| d");
    }

    @Test
    void anEmptyContextIsTheEndOfText() {
        assertThat(encode(9, "", " red cat")).isEqualTo("<end>| red, cat");
        assertThat(encode(9, "", "<end> red")).isEqualTo("<end>| red");
        assertThat(encode(9, "  ", "red")).isEqualTo("<end>| , red");
    }

    @Test
    void theContextBeginsWithBosAndTheContinuationDoesNot() {
        assertThat(encode(withBos, 9, "a big", " red cat")).isEqualTo("<bos>,a, big| red, cat");
        assertThat(encode(withBos, 9, "<bos>a big", " red")).as("not doubled").isEqualTo("<bos>,a, big| red");
        assertThat(encode(withBos, 9, "", " red cat")).isEqualTo("<bos>| red, cat");
        assertThat(encode(withBos, 9, "", "<bos> red")).isEqualTo("<bos>| red");
        assertThat(encode(withBos, 3, "a b c d", " e f"))
                .as("cut like any other")
                .isEqualTo(" c, d| e, f");
    }

    @Test
    void whatIsTooLongLosesItsBeginning() {
        assertThat(encode(3, "a b c d", " e f")).isEqualTo(" c, d| e, f");
        assertThat(encode(3, "a b c d", " e f g")).isEqualTo(" d| e, f, g");
        assertThatThrownBy(() -> encode(3, "a", " e f g h")).hasMessageContaining("found 4");
    }
}
