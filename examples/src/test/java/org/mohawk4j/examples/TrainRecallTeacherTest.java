package org.mohawk4j.examples;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.mohawk4j.backend.BackendOptions;
import org.mohawk4j.eval.recall.Recall;
import org.mohawk4j.models.CausalLm;
import org.mohawk4j.models.ModelFolder;
import org.mohawk4j.tensor.Engine;
import org.mohawk4j.tokenizer.TokenizerJson;
import org.mohawk4j.train.loop.TrainingListener;
import org.mohawk4j.train.metrics.StepMetrics;

class TrainRecallTeacherTest {
    @TempDir
    private Path folder;

    @Test
    void itWritesAModelFolderAndTextsInItsOwnWords() throws IOException {
        List<Double> losses = new ArrayList<>();
        TrainRecallTeacher.run(folder, 20, new TrainingListener() {
            @Override
            public void iterationDone(StepMetrics metrics) {
                losses.add(metrics.loss());
            }
        });

        assertThat(losses).hasSize(20);
        assertThat(losses.get(19)).isLessThan(losses.get(0));
        TokenizerJson tokenizer = TokenizerJson.load(folder.resolve("teacher"));
        List<String> lines = Files.readAllLines(folder.resolve("valid.txt"));
        assertThat(lines).hasSize(200);
        assertThat(tokenizer.encode(lines.get(0) + "\n" + lines.get(1))).hasSize(2 * 64);
        assertThat(Recall.words(tokenizer, tokenizer.vocabularySize(), List.of(32)))
                .hasSize(127);
        assertThat(ModelFolder.config(folder.resolve("teacher")).layers()).isEqualTo(2);
    }

    /** The one that the program has written. */
    @Test
    void theTeacherThatComesWithItRecalls() {
        Path teacher = Path.of("src/main/resources/org/mohawk4j/examples/recall-teacher");
        List<Integer> distances = List.of(4, 16, 32);
        try (Engine engine = Engine.open("nd4j", BackendOptions.defaults().withThreads(1));
                CausalLm model = ModelFolder.loadForInference(engine, teacher)) {
            Recall recall = Recall.of(TokenizerJson.load(teacher), 128, distances, 32, 5);
            recall.scores(model, distances)
                    .forEach((task, shares) -> assertThat(shares.values())
                            .as("%s", task)
                            .allSatisfy(share -> assertThat(share).isGreaterThan(0.8)));
        }
    }
}
