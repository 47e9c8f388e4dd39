package org.mohawk4j.dl4j.examples;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.PrintWriter;
import java.io.StringWriter;
import java.util.function.Consumer;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

@Tag("slow")
class ExamplesTest {
    @Test
    void bothMixersRecall() {
        String last = lastLine(AssociativeRecall::run);

        assertThat(value(last, "mamba2.accuracy")).isGreaterThanOrEqualTo(0.99);
        assertThat(value(last, "attention.accuracy")).isGreaterThanOrEqualTo(0.99);
    }

    @Test
    void aMixerRecallsWhatAnAttentionHasShownIt() {
        String last = lastLine(DistilledAttention::run);

        assertThat(value(last, "teacher.accuracy")).isGreaterThanOrEqualTo(0.99);
        assertThat(value(last, "student.start.accuracy")).isLessThan(0.2);
        assertThat(value(last, "student.accuracy")).isGreaterThanOrEqualTo(0.99);
    }

    private static String lastLine(Consumer<PrintWriter> example) {
        StringWriter text = new StringWriter();
        example.accept(new PrintWriter(text, true));
        return text.toString().lines().reduce("", (before, line) -> line);
    }

    private static double value(String line, String name) {
        Matcher matcher =
                Pattern.compile("(?:^| )" + Pattern.quote(name) + "=(\\S+)").matcher(line);
        assertThat(matcher.find()).as("%s in %s", name, line).isTrue();
        return Double.parseDouble(matcher.group(1));
    }
}
