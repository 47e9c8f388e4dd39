package org.mohawk4j.generation;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.SplittableRandom;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.mohawk4j.mixer.DiscreteMamba2;
import org.mohawk4j.models.CausalLm;
import org.mohawk4j.models.InferenceCache;
import org.mohawk4j.models.MixerPlan;
import org.mohawk4j.models.testing.Gpu;
import org.mohawk4j.op.ArgMaxFunction;
import org.mohawk4j.tensor.Engine;
import org.mohawk4j.tensor.Scope;

/** Generation on a GPU in mixed precision: what is recorded and replayed is what was done step by step. */
@Tag("gpu")
class CudaGenerationTest {
    private static final int TOKENS = 100;
    private static final int[] PROMPT = {1, 20, 300, 4, 50};

    private static Engine engine;

    @BeforeAll
    static void open() {
        Gpu.require();
        engine = Gpu.open();
    }

    @AfterAll
    static void close() {
        if (engine != null) {
            engine.close();
        }
    }

    /** With one group of B and C fewer than heads, so that blocks share a history. */
    private static CausalLm student(CausalLm from, List<Integer> kept) {
        try (CausalLm teacher = from) {
            return MixerPlan.replacing(
                            teacher.config(),
                            own -> new DiscreteMamba2.Config(own.width(), Gpu.HEADS, 1, 64, 4, 64),
                            kept)
                    .student(teacher, new SplittableRandom(3));
        }
    }

    private static int[][] stepByStep(CausalLm model, int batch) {
        int[][] result = new int[batch][TOKENS];
        int[] next = new int[batch * PROMPT.length];
        for (int b = 0; b < batch; b++) {
            System.arraycopy(prompt(b), 0, next, b * PROMPT.length, PROMPT.length);
        }
        try (InferenceCache state = model.newState(batch)) {
            for (int i = 0; i < TOKENS; i++) {
                try (Scope scope = engine.scope()) {
                    float[] logits = model.next(scope.adopt(engine.indices(next, batch, next.length / batch)), state)
                            .toFloats();
                    next = new int[batch];
                    for (int b = 0; b < batch; b++) {
                        next[b] = ArgMaxFunction.of(logits, b * Gpu.VOCABULARY, Gpu.VOCABULARY);
                        result[b][i] = next[b];
                    }
                }
            }
        }
        return result;
    }

    private static int[] prompt(int sequence) {
        return Arrays.stream(PROMPT).map(id -> id + sequence).toArray();
    }

    private static int[][] prompts(int batch) {
        int[][] prompts = new int[batch][];
        Arrays.setAll(prompts, CudaGenerationTest::prompt);
        return prompts;
    }

    /** Behind gated MLPs five launches a block, whose sums share a counter of what has ended. */
    @ParameterizedTest
    @CsvSource({
        "1,true,false,false",
        "3,true,false,false",
        "8,true,false,false",
        "1,false,false,false",
        "3,false,false,false",
        "1,true,true,false",
        "3,true,true,false",
        "1,false,true,false",
        "1,true,false,true",
        "3,true,false,true",
        "8,true,false,true",
        "1,false,false,true",
        "1,true,true,true",
        "3,true,true,true"
    })
    void greedyTokensAreThoseOfSingleSteps(int batch, boolean narrowed, boolean hybrid, boolean gated) {
        try (CausalLm model =
                student(gated ? Gpu.llama(engine) : Gpu.teacher(engine), hybrid ? List.of(1) : List.of())) {
            if (narrowed) {
                model.castWeights();
            }
            int[][] expected = stepByStep(model, batch);

            assertThat(new Generator(model, Sampling.GREEDY, 0).generate(prompts(batch), TOKENS))
                    .isDeepEqualTo(expected);
            assertThat(Arrays.stream(expected[0]).distinct().count()).isGreaterThan(1);
        }
    }

    @Test
    void aTextThatStopsEarlyIsTheBeginningOfTheWholeOne() {
        try (CausalLm model = student(Gpu.teacher(engine), List.of())) {
            model.castWeights();
            int[] whole = stepByStep(model, 1)[0];
            int stop = whole[TOKENS / 2];
            List<Integer> told = new ArrayList<>();

            new Generator(model, Sampling.GREEDY, 0).generate(PROMPT, TOKENS, Set.of(stop), told::add);

            int first = 0;
            while (whole[first] != stop) {
                first++;
            }
            assertThat(told)
                    .containsExactlyElementsOf(
                            Arrays.stream(whole).limit(first).boxed().toList());
        }
    }

    @Test
    void sampledTokensAreTheSameForTheSameSeed() {
        try (CausalLm model = student(Gpu.teacher(engine), List.of())) {
            model.castWeights();
            Generator generator = new Generator(model, new Sampling(0.8, 0, 0.95), 7);

            assertThat(generator.generate(prompts(2), TOKENS)).isDeepEqualTo(generator.generate(prompts(2), TOKENS));
        }
    }
}
