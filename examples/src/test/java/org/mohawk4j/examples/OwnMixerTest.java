package org.mohawk4j.examples;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.PrintWriter;
import java.io.StringWriter;
import java.util.List;
import java.util.Random;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.mohawk4j.backend.BackendOptions;
import org.mohawk4j.data.TokenSequence;
import org.mohawk4j.data.TokenWindows;
import org.mohawk4j.models.CausalLm;
import org.mohawk4j.models.ModelFolder;
import org.mohawk4j.tensor.Engine;
import org.mohawk4j.train.sample.EmbeddedTeacher;

class OwnMixerTest {
    @Test
    void bothStagesBringItCloserToTheTeacher() {
        StringWriter out = new StringWriter();
        try (Engine engine = Engine.open("auto", BackendOptions.defaults().withThreads(1));
                CausalLm teacher = ModelFolder.load(engine, EmbeddedTeacher.unpack())) {
            int[] ids = new Random(1).ints(600, 0, 300).toArray();
            TokenWindows text = new TokenWindows(TokenSequence.of("random", ids), 16);
            OwnMixer.align(teacher, text, 10, new PrintWriter(out, true));
        }

        for (int stage = 1; stage <= 2; stage++) {
            List<Double> losses = Pattern.compile("stage " + stage + ".* loss ([0-9.]+),")
                    .matcher(out.toString())
                    .results()
                    .map(MatchResult::group)
                    .map(line -> Double.parseDouble(line.replaceAll(".* loss ([0-9.]+),", "$1")))
                    .toList();
            assertThat(losses).as("losses of stage %d", stage).hasSize(10);
            assertThat(losses.get(9)).as("stage %d", stage).isLessThan(0.9 * losses.get(0));
        }
    }
}
