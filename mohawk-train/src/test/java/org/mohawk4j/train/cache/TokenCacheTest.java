package org.mohawk4j.train.cache;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.mohawk4j.InvalidInputException;
import org.mohawk4j.op.loss.DistillationFunction.Weights;
import org.mohawk4j.op.loss.TopKLogits;
import org.mohawk4j.tensor.types.DType;
import org.mohawk4j.tensor.types.HostTensor;
import org.mohawk4j.tensor.types.Shape;
import org.mohawk4j.train.stage.Objective;
import org.mohawk4j.train.stage.TeacherDistribution;
import org.mohawk4j.train.stage.TeacherStates;
import org.mohawk4j.train.stage.TeacherTopK;

class TokenCacheTest extends CacheTest {
    private static final int K = 5;
    private static final int V = 128;
    private static final Weights WEIGHTS = new Weights(1.5, 0.25);

    private TokenCache cache() {
        return TokenCache.open(file(), teacher, K, WEIGHTS.temperature(), CONTEXT, WINDOWS);
    }

    private Path file() {
        return folder.resolve("tokens");
    }

    private Objective stage(TeacherTopK tokens) {
        return stage(tokens, K, WEIGHTS);
    }

    private Objective stage(TeacherTopK tokens, int k, Weights weights) {
        return plan(TeacherStates.UNCACHED)
                .knowledgeDistillation(
                        TeacherDistribution.topK(teacher, TeacherStates.UNCACHED, tokens, k), weights, 0, false);
    }

    @Test
    void lossesAndGradientsAreTheSameComputedWrittenAndReplayed() {
        Map<String, double[]> expected = evaluate(stage(TeacherTopK.UNCACHED), 1, 2);
        try (TokenCache cache = cache()) {
            assertSame(evaluate(stage(cache), 1, 2), expected);
            assertThat(cache.windows()).isEqualTo(2);
        }
        try (TokenCache cache = cache()) {
            assertSame(evaluate(stage(cache), 1, 2), expected);
            assertThat(cache.windows()).isEqualTo(2);
        }
    }

    @Test
    void aReplayedStageDoesNotRunTheTeacher() {
        try (TokenCache cache = cache()) {
            Objective stage = stage(cache);
            Map<String, double[]> expected = evaluate(stage, 1, 2);
            clear("");
            assertSame(evaluate(stage, 1, 2), expected);
        }
    }

    @Test
    void withAllTokensTheStageIsTheWholeOne() {
        Map<String, double[]> whole = evaluate(plan(TeacherStates.UNCACHED).knowledgeDistillation(WEIGHTS), 1, 2);
        Map<String, double[]> top = evaluate(stage(TeacherTopK.UNCACHED, V, WEIGHTS), 1, 2);

        assertThat(top.keySet()).isEqualTo(whole.keySet());
        top.forEach((name, values) ->
                assertThat(values).as(name).usingComparatorWithPrecision(2e-6).containsExactly(whole.get(name)));
        assertThat(evaluate(stage(TeacherTopK.UNCACHED), 1, 2).get("losses")[0]).isLessThan(whole.get("losses")[0]);
    }

    @Test
    void windowsAreFoundInAnyOrderAndBatch() {
        try (TokenCache cache = cache()) {
            Objective stage = stage(cache);
            evaluate(stage, 1, 2, 3);
            evaluate(stage, 4, 1, 4);
            assertThat(cache.windows()).isEqualTo(4);
            double replayed = evaluate(stage, 4, 2).get("losses")[0];
            double computed = evaluate(stage(TeacherTopK.UNCACHED), 4, 2).get("losses")[0];
            assertThat(replayed).isCloseTo(computed, within(1e-5));
        }
    }

    @Test
    void aWindowHasTheSameNumbersFromItsFirstBatchOn() {
        try (TokenCache cache = cache()) {
            evaluate(stage(cache), 1, 2);
            clear(".mlp.");
            Map<String, double[]> first = evaluate(stage(cache), 3, 1);
            assertThat(cache.windows()).isEqualTo(3);
            assertSame(evaluate(stage(cache), 3, 1), first);
        }
    }

    @Test
    void theSizeIsKnownBefore() throws IOException {
        try (TokenCache cache = cache()) {
            evaluate(stage(cache), 1, 2, 3);
        }
        assertThat(Files.size(file())).isEqualTo(TokenCache.predictBytes(teacher, K, CONTEXT, 3));
        assertThat(Files.size(file()))
                .as("header; key, checksum; of a token what is not kept, probabilities and two-byte ids")
                .isEqualTo(80 + 3 * (16 + 4 + CONTEXT * (4 + K * (4 + 2))));
    }

    @Test
    void noMoreWindowsAreKeptThanWasSaid() {
        try (TokenCache cache = cache()) {
            evaluate(stage(cache), 1, 2, 3, 4);
            Map<String, double[]> tooMany = evaluate(stage(cache), 5, 6, 7);
            assertThat(cache.windows()).isEqualTo(4);
            assertSame(tooMany, evaluate(stage(TeacherTopK.UNCACHED), 5, 6, 7));
        }
    }

    @Test
    void whatAKillLeavesIsWrittenOver() throws IOException {
        try (TokenCache cache = cache()) {
            evaluate(stage(cache), 1, 2);
        }
        byte[] whole = Files.readAllBytes(file());
        int entry = (int)
                (TokenCache.predictBytes(teacher, K, CONTEXT, 2) - TokenCache.predictBytes(teacher, K, CONTEXT, 1));
        Files.write(file(), Arrays.copyOf(whole, whole.length + entry + entry / 2));
        try (TokenCache cache = cache()) {
            assertThat(cache.windows()).isEqualTo(2);
            evaluate(stage(cache), 3);
            assertThat(cache.windows()).isEqualTo(3);
        }
        try (TokenCache cache = cache()) {
            assertSame(evaluate(stage(cache), 3), evaluate(stage(TeacherTopK.UNCACHED), 3));
        }
    }

    @Test
    void damageIsFoundAndOthersTokensAreRefused() throws IOException {
        try (TokenCache cache = cache()) {
            evaluate(stage(cache), 1);
            assertThatThrownBy(this::cache).hasMessageContaining("found another using it");
        }
        assertRefused(
                K + 1, 1.5, CONTEXT, "expected version 1 with 6 of 128 tokens at temperature 1.5 in windows of 24");
        assertRefused(K, 1, CONTEXT, "at temperature 1.0");
        assertRefused(K, 1.5, CONTEXT + 1, "in windows of 25");
        assertThatThrownBy(() -> TeacherCache.open(file(), teacher, true, CONTEXT, WINDOWS))
                .isInstanceOf(InvalidInputException.class)
                .hasMessageContaining("expected a teacher's states, found something else");
        byte[] bytes = Files.readAllBytes(file());
        bytes[bytes.length - 5] ^= 1;
        Files.write(file(), bytes);
        try (TokenCache cache = cache()) {
            assertThatThrownBy(() -> evaluate(stage(cache), 1))
                    .isInstanceOf(InvalidInputException.class)
                    .hasMessageContaining("part 0 of window 0 is damaged");
        }
        clear("lm_head");
        assertRefused(K, 1.5, CONTEXT, "found those of another teacher, precision or run");
        Files.writeString(file(), "something else");
        assertRefused(K, 1.5, CONTEXT, "expected a teacher's top-k tokens, found something else");
    }

    private void assertRefused(int k, double temperature, int context, String message) {
        assertThatThrownBy(() -> TokenCache.open(file(), teacher, k, temperature, context, WINDOWS))
                .isInstanceOf(InvalidInputException.class)
                .hasMessageContaining(message)
                .hasMessageNotContaining("\n");
    }

    @Test
    void idsBeyondTwoBytesAreKeptInFour() {
        for (int vocabulary : new int[] {1 << 16, (1 << 16) + 1}) {
            TokenLayout layout = new TokenLayout(vocabulary, 2, 1, 3, "");
            assertThat(layout.partBytes()).isEqualTo(3 * (4 + 2 * (4 + (vocabulary > 1 << 16 ? 4 : 2))));
            ByteBuffer ids = bytes(6);
            ByteBuffer probabilities = bytes(6);
            ByteBuffer rest = bytes(3);
            for (int i = 0; i < 6; i++) {
                ids.putInt(4 * i, vocabulary - 1 - i);
                probabilities.putFloat(4 * i, i / 16f);
            }
            rest.putFloat(4, 0.5f);
            TopKLogits window = new TopKLogits(
                    new HostTensor(DType.INT32, Shape.of(3, 2), ids),
                    new HostTensor(DType.FLOAT32, Shape.of(3, 2), probabilities),
                    new HostTensor(DType.FLOAT32, Shape.of(3), rest));
            ByteBuffer[] read = {bytes(6), bytes(6), bytes(3)};

            layout.read(layout.write(window), read[0], read[1], read[2]);

            assertThat(read[0].flip()).isEqualTo(ids);
            assertThat(read[1].flip()).isEqualTo(probabilities);
            assertThat(read[2].flip()).isEqualTo(rest);
        }
    }

    private static ByteBuffer bytes(int numbers) {
        return ByteBuffer.allocate(4 * numbers).order(ByteOrder.LITTLE_ENDIAN);
    }
}
