package org.mohawk4j.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.mohawk4j.data.TokenSequence;
import org.mohawk4j.data.TokenWindows;
import org.mohawk4j.eval.Perplexity;
import org.mohawk4j.mixer.DiscreteMamba2;
import org.mohawk4j.models.CausalLm;
import org.mohawk4j.models.MixerPlan;
import org.mohawk4j.tensor.Engine;
import org.mohawk4j.train.sample.EmbeddedTeacher;

/** On a GPU in mixed precision a model has the same figures wherever it is evaluated. */
@Tag("gpu")
class CudaEvaluationTest {
    @TempDir
    private Path folder;

    @BeforeAll
    static void requireGpu() {
        Gpu.require();
    }

    /** A student of random weights, none of which is a bfloat16. */
    @ParameterizedTest
    @ValueSource(ints = {0, 1, 2})
    void weightsInFloat32GiveTheFiguresOfThoseKeptInBfloat16(int layersOfAttention) {
        int[] ids =
                new SplittableRandom(5).ints(5 * Gpu.CONTEXT, 0, Gpu.VOCABULARY).toArray();
        TokenWindows windows = new TokenWindows(TokenSequence.of("random", ids), Gpu.CONTEXT);
        try (Engine engine = Gpu.open();
                CausalLm teacher = Gpu.teacher(engine);
                CausalLm model = MixerPlan.replacing(
                                teacher.config(),
                                own -> new DiscreteMamba2.Config(own.width(), Gpu.HEADS, 1, 64, 4, 64),
                                List.of(0, 1).subList(0, layersOfAttention))
                        .student(teacher, new SplittableRandom(3))) {
            double before = Perplexity.of(model, windows, 0).nllPerToken();
            model.castWeights();

            assertThat(before).isEqualTo(Perplexity.of(model, windows, 0).nllPerToken());
        }
    }

    @Test
    void aRunEndsWithTheFiguresThatEvaluateFinds() throws IOException {
        String text = CommandRun.text(folder.resolve("text.txt"), 4000).toString();
        String valid = CommandRun.text(folder.resolve("valid.txt"), 1500).toString();
        Path out = folder.resolve("out");
        String teacher = EmbeddedTeacher.unpack().toString();
        List<String> words = new ArrayList<>(List.of("distill", "--teacher", teacher, "--out", out.toString()));
        words.addAll(List.of("--backend", "cuda", "--dtype", "bf16", "--context", "128", "--batch", "4"));
        words.addAll(List.of("--text", text, "--valid", valid, "--windows", "4", "--report", "false"));
        words.addAll(List.of("--tokens", String.valueOf(20 * 4 * 128), "--split", "0.2,0.3,0.5", "--state-size", "64"));

        CommandRun run = CommandRun.of(words.toArray(String[]::new)).succeeds();

        assertThat(evaluated(out.resolve("student").toString(), valid)).isEqualTo(run.value("student.nll_per_token"));
        assertThat(evaluated(teacher, valid)).isEqualTo(run.value("teacher.nll_per_token"));
    }

    private static double evaluated(String model, String text) {
        List<String> words = new ArrayList<>(List.of("evaluate", "--model", model, "--text", text));
        words.addAll(List.of("--backend", "cuda", "--dtype", "bf16", "--context", "128", "--windows", "4"));
        return CommandRun.of(words.toArray(String[]::new)).succeeds().value("nll_per_token");
    }
}
