package org.mohawk4j.eval.recall;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SplittableRandom;
import java.util.stream.IntStream;
import org.mohawk4j.InvalidInputException;
import org.mohawk4j.data.TokenSequence;
import org.mohawk4j.generation.Generator;
import org.mohawk4j.generation.Sampling;
import org.mohawk4j.models.CausalLm;
import org.mohawk4j.tokenizer.Tokenizer;

/**
 * What perplexity hides: whether a model finds again what stands in its context. Prompts are made by seed of the
 * tokenizer's own words, and answers count if greedy generation gives them exactly.
 *
 * @param words tokens that are whole words
 * @param text that needles are put before
 * @param begin the token that texts begin with
 * @param prompts of each task and distance
 * @param seed of the prompts
 */
public record Recall(List<Integer> words, TokenSequence text, Optional<Integer> begin, int prompts, long seed) {
    /** Its name among zero-shot tasks. */
    public static final String NAME = "recall";

    private static final int SHORTEST = 4;
    private static final int SHORTEST_WORD = 3;
    private static final int MOST_AT_ONCE = 16;

    /** Beside the distance: a pair of words, two asked for, two answered, and the token that texts begin with. */
    private static final int BESIDE = 7;

    /** Length of the text that is made where none is given, a multiple of a context. */
    private static final int TEXTS = 4;

    /** Checks and copies. */
    public Recall {
        words = List.copyOf(words);
    }

    /** With the tokenizer's words, and texts of words drawn from them in the place of a text. */
    public static Recall of(Tokenizer tokenizer, int vocabulary, List<Integer> distances, int prompts, long seed) {
        List<Integer> words = words(tokenizer, vocabulary, distances);
        SplittableRandom random = new SplittableRandom(seed);
        int length = TEXTS * distances.get(distances.size() - 1);
        int[] drawn = random.ints(length, 0, words.size()).map(words::get).toArray();
        return of(tokenizer, vocabulary, TokenSequence.of("words", drawn), distances, prompts, seed);
    }

    /** With the tokenizer's words. */
    public static Recall of(
            Tokenizer tokenizer, int vocabulary, TokenSequence text, List<Integer> distances, int prompts, long seed) {
        Optional<Integer> begin = tokenizer.beginOfText().stream().boxed().findFirst();
        return new Recall(words(tokenizer, vocabulary, distances), text, begin, prompts, seed);
    }

    /**
     * Powers of two that fit a context.
     *
     * @throws InvalidInputException if there is none
     */
    public static List<Integer> distances(int context) {
        List<Integer> distances = new ArrayList<>();
        for (int distance = SHORTEST; distance + BESIDE <= context; distance *= 2) {
            distances.add(distance);
        }
        if (distances.isEmpty()) {
            throw new InvalidInputException("context: expected at least " + (SHORTEST + BESIDE) + ", got " + context);
        }
        return distances;
    }

    /**
     * Tokens that begin a word and are all of it, each of which a model has met by itself.
     *
     * @throws InvalidInputException if there are too few for prompts of these distances
     */
    public static List<Integer> words(Tokenizer tokenizer, int vocabulary, List<Integer> distances) {
        List<Integer> words = IntStream.range(0, Math.min(vocabulary, tokenizer.vocabularySize()))
                .filter(id -> isWord(tokenizer.decode(id, id)))
                .boxed()
                .toList();
        // a needle's text may hold as many others
        int least = 2 + distances.get(distances.size() - 1) + 2;
        if (words.size() < least) {
            throw new InvalidInputException("tokenizer: expected at least " + least
                    + " tokens that are whole words, to be different in one prompt, found " + words.size());
        }
        return words;
    }

    /** @param twice a token two times: decoders of some tokenizers drop the space before a text */
    private static boolean isWord(String twice) {
        String[] both = twice.strip().split(" ", -1);
        return both.length == 2
                && both[0].equals(both[1])
                && both[0].length() >= SHORTEST_WORD
                && both[0].chars().allMatch(Character::isLowerCase);
    }

    /** The share of prompts of each task that a model answers, by distance. */
    public Map<RecallTask, Map<Integer, Double>> scores(CausalLm model, List<Integer> distances) {
        Map<RecallTask, Map<Integer, Double>> scores = new LinkedHashMap<>();
        for (RecallTask task : RecallTask.values()) {
            Map<Integer, Double> own = new LinkedHashMap<>();
            distances.forEach(distance -> own.put(distance, score(model, task, distance)));
            scores.put(task, own);
        }
        return scores;
    }

    /** The share of prompts that greedy decoding continues exactly as expected. */
    double score(CausalLm model, RecallTask task, int distance) {
        long own = seed * 1000 + distance;
        SplittableRandom random = new SplittableRandom(own);
        int right = 0;
        for (int first = 0; first < prompts; first += MOST_AT_ONCE) {
            List<RecallTask.Item> items = new ArrayList<>();
            for (int i = first; i < Math.min(prompts, first + MOST_AT_ONCE); i++) {
                items.add(task.item(distance, words, text, random));
            }
            int[][] given = items.stream().map(item -> begun(item.prompt())).toArray(int[][]::new);
            int[][] found = new Generator(model, Sampling.GREEDY, own).generate(given, task.answer());
            for (int i = 0; i < items.size(); i++) {
                if (Arrays.stream(found[i]).boxed().toList().equals(items.get(i).expected())) {
                    right++;
                }
            }
        }
        return (double) right / prompts;
    }

    private int[] begun(int[] prompt) {
        return begin.map(id -> IntStream.concat(IntStream.of(id), Arrays.stream(prompt))
                        .toArray())
                .orElse(prompt);
    }
}
