package org.mohawk4j.examples;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.mohawk4j.eval.Perplexity;
import org.mohawk4j.mixer.DiscreteMamba2;
import org.mohawk4j.mixer.SoftmaxAttention;
import org.mohawk4j.models.ModelFolder;
import org.mohawk4j.train.config.DistillConfig;
import org.mohawk4j.train.report.RunResult;
import org.mohawk4j.train.sample.EmbeddedTeacher;

class ExamplesTest {
    @TempDir
    private Path folder;

    private DistillConfig.Builder tiny(long tokens) {
        return EmbeddedTeacher.config().toBuilder()
                .out(folder.resolve("run"))
                .tokens(tokens)
                .context(16)
                .batch(4)
                .threads(1)
                .report(false)
                .evaluation(held -> held.withHeldOut(0.2));
    }

    @Test
    void aStudentIsDistilledAndADoneRunIsEvaluatedAgain() {
        Path run = folder.resolve("run");

        RunResult result = DistillPhi.distill(tiny(384).build(), run);

        assertThat(result.stages()).extracting("steps").containsExactly(6);
        assertThat(result.studentFolder())
                .isDirectoryContaining("glob:**/{config.json,model.safetensors,tokenizer.json}");
        assertThat(result.student().nllPerToken())
                .isGreaterThan(result.teacher().nllPerToken());
        RunResult again = DistillPhi.distill(tiny(384).build(), run);
        assertThat(again.student().nllPerToken()).isEqualTo(result.student().nllPerToken());
    }

    @Test
    void aHybridKeepsAttentionWhereItIsTold() {
        RunResult result = DistillHybrid.distill(tiny(640));

        assertThat(result.stages())
                .extracting("name")
                .containsExactly(
                        "matrix orientation",
                        "hidden-state alignment",
                        "hidden-state alignment",
                        "knowledge distillation");
        assertThat(ModelFolder.config(result.studentFolder()).mixers())
                .hasExactlyElementsOfTypes(
                        DiscreteMamba2.Config.class,
                        SoftmaxAttention.Config.class,
                        DiscreteMamba2.Config.class,
                        DiscreteMamba2.Config.class);
    }

    @Test
    void aModelIsJudgedOnAText() throws IOException {
        Path text = Files.writeString(folder.resolve("text.txt"), "It was a dark and stormy night. ".repeat(40));

        Perplexity.Score score = EvaluateStudent.evaluate(EmbeddedTeacher.unpack(), text);

        assertThat(score.tokens()).isPositive();
        assertThat(score.perplexity()).isCloseTo(Math.exp(score.nllPerToken()), within(1e-6));
    }

    @Test
    void aTextIsContinued() {
        for (String prompt : List.of("It was", "The old man")) {
            assertThat(GenerateText.continued(EmbeddedTeacher.unpack(), prompt, 8))
                    .startsWith(prompt)
                    .hasSizeGreaterThan(prompt.length());
        }
    }
}
