package org.mohawk4j.examples;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.mohawk4j.backend.BackendOptions;
import org.mohawk4j.backend.Backends;
import org.mohawk4j.data.TokenSequence;
import org.mohawk4j.data.TokenWindows;
import org.mohawk4j.models.CausalLm;
import org.mohawk4j.models.ModelFolder;
import org.mohawk4j.tensor.Engine;
import org.mohawk4j.train.loop.TrainingListener;
import org.mohawk4j.train.metrics.StepMetrics;
import org.mohawk4j.train.sample.EmbeddedTeacher;

class AlignOwnMixerTest {
    @Test
    void bothStagesBringItCloserToTheTeacher() {
        List<StepMetrics> steps = new ArrayList<>();
        TrainingListener listener = new TrainingListener() {
            @Override
            public void iterationDone(StepMetrics metrics) {
                steps.add(metrics);
            }
        };
        try (Engine engine =
                        Engine.open(Backends.AUTO, BackendOptions.defaults().withThreads(1));
                CausalLm teacher = ModelFolder.load(engine, EmbeddedTeacher.unpack())) {
            int[] ids = new Random(1).ints(600, 0, 300).toArray();
            AlignOwnMixer.align(teacher, new TokenWindows(TokenSequence.of("random", ids), 16), 10, listener);
        }

        for (int stage = 1; stage <= 2; stage++) {
            int number = stage;
            List<Double> losses = steps.stream()
                    .filter(step -> step.stage() == number)
                    .map(StepMetrics::loss)
                    .toList();
            assertThat(losses).as("losses of stage %d", stage).hasSize(10);
            assertThat(losses.get(9)).as("stage %d", stage).isLessThan(0.9 * losses.get(0));
        }
    }
}
