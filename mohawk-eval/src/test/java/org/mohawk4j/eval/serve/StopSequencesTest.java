package org.mohawk4j.eval.serve;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.Test;

class StopSequencesTest {
    @Test
    void textUpToTheFirstStopIsShown() {
        StopSequences text = new StopSequences(List.of("\n\n", "END"));

        assertThat(text.accept("one\n")).isEqualTo("one");
        assertThat(text.accept("two E")).isEqualTo("\ntwo ");
        assertThat(text.accept("N")).isEmpty();
        assertThat(text.accept("Dless\n\n")).isEmpty();
        assertThat(text.stopped()).isTrue();
        assertThat(text.accept("more") + text.finish()).isEmpty();
    }

    @Test
    void whatNeverBecameAStopIsShownAtTheEnd() {
        StopSequences text = new StopSequences(List.of("aab"));

        assertThat(text.accept("xaaa")).isEqualTo("xa");
        assertThat(text.accept("c")).isEqualTo("aac");
        assertThat(text.accept("a")).isEmpty();
        assertThat(text.finish()).isEqualTo("a");
        assertThat(text.stopped()).isFalse();
    }

    @Test
    void theEarliestStopCounts() {
        StopSequences text = new StopSequences(List.of("c", "b"));

        assertThat(text.accept("abc")).isEqualTo("a");
    }
}
