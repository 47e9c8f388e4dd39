package org.mohawk4j.train.study;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.entry;

import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.SplittableRandom;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.mohawk4j.InvalidInputException;
import org.mohawk4j.backend.BackendOptions;
import org.mohawk4j.data.TokenSequence;
import org.mohawk4j.eval.recall.Recall;
import org.mohawk4j.eval.recall.RecallTask;
import org.mohawk4j.models.CausalLm;
import org.mohawk4j.models.ModelFolder;
import org.mohawk4j.nn.Parameter;
import org.mohawk4j.tensor.Engine;
import org.mohawk4j.tensor.types.HostTensors;
import org.mohawk4j.tokenizer.TokenizerJson;
import org.mohawk4j.train.sample.EmbeddedTeacher;

class RecallStudyTest {
    private static final List<Integer> WORDS = IntStream.range(100, 400).boxed().toList();
    private static final TokenSequence TEXT =
            TokenSequence.of("text", IntStream.range(0, 90).toArray());

    @ParameterizedTest
    @EnumSource
    void theAnswerStandsInThePromptBehindWhatThePromptEndsWith(RecallTask task) {
        for (int distance : new int[] {4, 16, 64}) {
            RecallTask.Item item = task.item(distance, WORDS, TEXT, new SplittableRandom(distance));
            List<Integer> prompt = Arrays.stream(item.prompt()).boxed().toList();
            int given = task == RecallTask.COPYING ? 2 : 1;
            List<Integer> query = prompt.subList(prompt.size() - given, prompt.size());
            List<Integer> wanted = IntStream.concat(
                            query.stream().mapToInt(Integer::intValue),
                            item.expected().stream().mapToInt(Integer::intValue))
                    .boxed()
                    .toList();
            assertThat(prompt.subList(0, wanted.size())).isEqualTo(wanted);
            assertThat(prompt.subList(given, prompt.size())).containsOnlyOnceElementsOf(item.expected());
            assertThat(prompt.size())
                    .isBetween(distance, distance + 6 - item.expected().size());
        }
    }

    @Test
    void promptsDependOnTheSeedAlone() {
        for (RecallTask task : RecallTask.values()) {
            assertThat(task.item(8, WORDS, TEXT, new SplittableRandom(3)).prompt())
                    .isEqualTo(
                            task.item(8, WORDS, TEXT, new SplittableRandom(3)).prompt())
                    .isNotEqualTo(
                            task.item(8, WORDS, TEXT, new SplittableRandom(4)).prompt());
        }
    }

    @Test
    void tooFewWordsAreRefused() {
        assertThatThrownBy(() -> RecallTask.COPYING.item(8, WORDS.subList(0, 7), TEXT, new SplittableRandom(0)))
                .isInstanceOf(InvalidInputException.class)
                .hasMessageContaining("at least 8 tokens that are whole words")
                .hasMessageContaining("found 7");
    }

    @Test
    void wordsAreTokensOfTheTokenizer() {
        TokenizerJson tokenizer = TokenizerJson.load(EmbeddedTeacher.unpack());
        List<Integer> words = Recall.words(tokenizer, tokenizer.vocabularySize(), List.of(64));
        assertThat(words).hasSizeGreaterThan(500);
        assertThat(words.stream().map(tokenizer::decode)).allMatch(word -> word.matches(" \\p{Ll}{3,}"));
        assertThatThrownBy(() -> Recall.words(tokenizer, tokenizer.vocabularySize(), List.of(4096)))
                .isInstanceOf(InvalidInputException.class)
                .hasMessageMatching("tokenizer: expected at least 4100 tokens that are whole words, .* found \\d+");
    }

    @Test
    void aModelIsScoredByWhatItGenerates() {
        try (Engine engine = Engine.open("nd4j", BackendOptions.defaults().withThreads(1));
                CausalLm model = ModelFolder.load(engine, EmbeddedTeacher.unpack())) {
            // a model that always says one word is right where that word is the answer
            Parameter bias = model.parameters().get("lm_head.bias");
            float[] values = bias.value().toFloats();
            values[100] = 1e6f;
            bias.set(HostTensors.of(bias.shape(), values));
            List<Integer> words = List.of(100, 101, 102, 103, 104, 105);
            SplittableRandom random = new SplittableRandom(5004);
            long right = IntStream.range(0, 20)
                    .filter(i -> RecallTask.NEEDLE
                            .item(4, words, TEXT, random)
                            .expected()
                            .equals(List.of(100)))
                    .count();
            assertThat(right).isBetween(1L, 19L);
            Recall recall = new Recall(words, TEXT, Optional.empty(), 20, 5);
            assertThat(recall.scores(model, List.of(4)).get(RecallTask.NEEDLE)).containsExactly(entry(4, right / 20.0));
        }
    }
}
