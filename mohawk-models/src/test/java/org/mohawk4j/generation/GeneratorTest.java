package org.mohawk4j.generation;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.SplittableRandom;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.mohawk4j.InvalidInputException;
import org.mohawk4j.backend.BackendOptions;
import org.mohawk4j.models.CausalLm;
import org.mohawk4j.models.ModelFolder;
import org.mohawk4j.tensor.Engine;
import org.mohawk4j.tensor.Scope;

class GeneratorTest {
    private static final Path GOLDEN = Path.of(System.getProperty("mohawk.golden", "../src/test/golden"));
    private static final Path TEACHER = Path.of(System.getProperty(
            "mohawk.teacher", "../mohawk-train/src/main/resources/org/mohawk4j/train/sample/teacher"));

    private static Engine engine;

    @BeforeAll
    static void open() {
        engine = Engine.open("nd4j", BackendOptions.defaults());
    }

    @AfterAll
    static void close() {
        engine.close();
    }

    /** The reference was written by transformers: {@code reference.json} of the tiny teacher. */
    @Test
    void aSamplingIsBuiltByName() {
        assertThat(Sampling.of(0.8).withTopP(0.95).withTopK(40)).isEqualTo(new Sampling(0.8, 40, 0.95));
        assertThat(Sampling.of(0)).isEqualTo(Sampling.GREEDY);
    }

    @Test
    void theTinyTeacherContinuesItsPromptAsTheReferenceDoes() {
        int[] prompt = {870, 312, 259, 1342, 279, 349, 286, 1968, 897, 12, 279, 263, 616, 447};
        int[] cycle = {436, 340, 455, 288, 263, 811, 12, 279};
        try (CausalLm teacher = ModelFolder.load(engine, TEACHER)) {
            List<Integer> ids = new ArrayList<>();
            new Generator(teacher, Sampling.GREEDY, 0).generate(prompt, 60, Set.of(), ids::add);

            assertThat(ids.get(0)).isEqualTo(cycle[0]);
            for (int i = 1; i < ids.size(); i++) {
                // "… in the same, and in the same" goes round with period 7
                assertThat(ids.get(i)).isEqualTo(cycle[1 + (i - 1) % 7]);
            }
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"teacher", "phi-mamba", "hybrid", "grouped"})
    void generationWithStateEqualsRereadingEverything(String name) {
        try (CausalLm model = ModelFolder.load(engine, GOLDEN.resolve(name))) {
            int[] prompt = {1, 5, 9};
            int[] withState = new Generator(model, Sampling.GREEDY, 0).generate(new int[][] {prompt}, 20)[0];

            List<Integer> ids = new ArrayList<>(List.of(1, 5, 9));
            for (int i = 0; i < 20; i++) {
                ids.add(greedyByRereading(model, ids));
            }
            assertThat(ids.subList(3, ids.size())).containsExactly(box(withState));
        }
    }

    @Test
    void aBatchGivesEachSequenceWhatItGetsAlone() {
        try (CausalLm model = ModelFolder.load(engine, GOLDEN.resolve("phi-mamba"))) {
            Generator generator = new Generator(model, Sampling.GREEDY, 0);
            int[][] together = generator.generate(new int[][] {{1, 2}, {3, 4}, {5, 6}}, 8);

            assertThat(together[1]).isEqualTo(generator.generate(new int[][] {{3, 4}}, 8)[0]);
        }
    }

    @Test
    void theSameSeedGivesTheSameTokensAndAnotherSeedOthers() {
        try (CausalLm model = ModelFolder.load(engine, GOLDEN.resolve("phi-mamba"))) {
            Sampling sampling = new Sampling(1, 0, 1);
            int[][] prompt = {{1, 2}};
            int[] once = new Generator(model, sampling, 7).generate(prompt, 30)[0];

            assertThat(new Generator(model, sampling, 7).generate(prompt, 30)[0])
                    .isEqualTo(once);
            assertThat(new Generator(model, sampling, 8).generate(prompt, 30)[0])
                    .isNotEqualTo(once);
        }
    }

    @Test
    void generationStopsAtTheStopToken() {
        try (CausalLm model = ModelFolder.load(engine, GOLDEN.resolve("teacher"))) {
            int[] all = new Generator(model, Sampling.GREEDY, 0).generate(new int[][] {{1, 5, 9}}, 10)[0];
            List<Integer> until = new ArrayList<>();
            new Generator(model, Sampling.GREEDY, 0).generate(new int[] {1, 5, 9}, 10, Set.of(all[3]), until::add);

            assertThat(until.size()).isLessThanOrEqualTo(3);
            assertThat(until).doesNotContain(all[3]);
        }
    }

    @Test
    void morePositionsThanTheModelHasAreRefused() {
        try (CausalLm model = ModelFolder.load(engine, GOLDEN.resolve("teacher"))) {
            assertThatThrownBy(() -> new Generator(model, Sampling.GREEDY, 0).generate(new int[][] {{1}}, 256))
                    .isInstanceOf(InvalidInputException.class)
                    .hasMessageContaining("at most 256");
        }
    }

    @Test
    void topKAndTopPNeverChooseOutside() {
        float[] logits = {0f, 3f, 2f, 1f, -1f};
        SplittableRandom random = new SplittableRandom(3);
        for (int i = 0; i < 500; i++) {
            assertThat(new Sampling(1, 2, 1).choose(logits, 0, 5, random)).isIn(1, 2);
            // of 0.64, 0.24, 0.09, 0.03, 0.01 the first two reach 0.8
            assertThat(new Sampling(1, 0, 0.8).choose(logits, 0, 5, random)).isIn(1, 2);
        }
        assertThat(Sampling.GREEDY.choose(logits, 0, 5, random)).isEqualTo(1);
    }

    @Test
    void samplingFollowsTheProbabilities() {
        float[] logits = {0f, (float) Math.log(3)};
        SplittableRandom random = new SplittableRandom(5);
        int ones = 0;
        for (int i = 0; i < 4000; i++) {
            ones += new Sampling(1, 0, 1).choose(logits, 0, 2, random);
        }
        assertThat(ones / 4000.0).isBetween(0.72, 0.78);
    }

    private static int greedyByRereading(CausalLm model, List<Integer> ids) {
        try (Scope scope = engine.scope()) {
            int[] array = ids.stream().mapToInt(Integer::intValue).toArray();
            float[] logits = scope.adopt(model.logits(engine.indices(array, 1, array.length)))
                    .narrow(1, array.length - 1, 1)
                    .toFloats();
            return Sampling.GREEDY.choose(logits, 0, logits.length, new SplittableRandom(0));
        }
    }

    private static Integer[] box(int... values) {
        Integer[] boxed = new Integer[values.length];
        for (int i = 0; i < values.length; i++) {
            boxed[i] = values[i];
        }
        return boxed;
    }
}
