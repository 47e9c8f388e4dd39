package org.mohawk4j.eval;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.mohawk4j.data.TokenSequence;
import org.mohawk4j.data.TokenWindows;
import org.mohawk4j.mixer.DiscreteMamba2;
import org.mohawk4j.models.CausalLm;
import org.mohawk4j.models.MixerPlan;
import org.mohawk4j.models.testing.Gpu;
import org.mohawk4j.tensor.Engine;

/** On a GPU in mixed precision the type that weights are kept in does not change a model's perplexity. */
@Tag("gpu")
class CudaPerplexityTest {
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
}
