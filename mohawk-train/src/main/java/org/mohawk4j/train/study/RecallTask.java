package org.mohawk4j.train.study;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.SplittableRandom;
import java.util.stream.IntStream;
import org.mohawk4j.InvalidInputException;
import org.mohawk4j.data.TokenSequence;
import org.mohawk4j.generation.Generator;
import org.mohawk4j.generation.Sampling;
import org.mohawk4j.models.CausalLm;
import org.mohawk4j.tokenizer.Tokenizer;

/** Prompts whose only right continuation stands in them, a given number of tokens before. */
enum RecallTask {
    /** Pairs of words; then the first word of the first pair, which its second is to follow. */
    ASSOCIATIVE(1) {
        @Override
        Item item(int distance, List<Integer> words, TokenSequence text, SplittableRandom random) {
            int[] drawn = draw(words, 2 + distance / 2 * 2, random);
            return item(drawn, drawn[0], drawn[1]);
        }
    },
    /** A list of words; then the list once more, of which the beginning is given. */
    COPYING(2) {
        @Override
        Item item(int distance, List<Integer> words, TokenSequence text, SplittableRandom random) {
            int[] drawn = draw(words, Math.max(distance, 4), random);
            int[] prompt = Arrays.copyOf(drawn, drawn.length + 2);
            prompt[drawn.length] = drawn[0];
            prompt[drawn.length + 1] = drawn[1];
            return new Item(prompt, List.of(drawn[2], drawn[3]));
        }
    },
    /** A pair of words before a piece of text; then its first word. */
    NEEDLE(1) {
        @Override
        Item item(int distance, List<Integer> words, TokenSequence text, SplittableRandom random) {
            int[] pair = draw(words, 2, random);
            int[] prompt = Arrays.copyOf(pair, 2 + distance);
            text.copy(random.nextInt(text.length() - distance + 1), distance, prompt, 2);
            return item(prompt, pair[0], pair[1]);
        }
    };

    private static final int MOST_AT_ONCE = 16;
    private static final int SHORTEST_WORD = 3;

    private final int answer;

    RecallTask(int answer) {
        this.answer = answer;
    }

    /**
     * A prompt and its only right continuation.
     *
     * @param prompt token ids
     * @param expected token ids
     */
    @SuppressWarnings("ArrayRecordComponent") // never compared
    record Item(int[] prompt, List<Integer> expected) {}

    /** As in names of values. */
    String label() {
        return name().toLowerCase(Locale.ROOT);
    }

    /** Tokens that a prompt and its answer take at most. */
    static int length(int distance) {
        return distance + 6;
    }

    abstract Item item(int distance, List<Integer> words, TokenSequence text, SplittableRandom random);

    /** A prompt that ends with a word. */
    static Item item(int[] context, int query, int expected) {
        int[] prompt = Arrays.copyOf(context, context.length + 1);
        prompt[context.length] = query;
        return new Item(prompt, List.of(expected));
    }

    private static int[] draw(List<Integer> words, int count, SplittableRandom random) {
        if (count > words.size()) {
            throw new InvalidInputException("tokenizer: expected at least " + count
                    + " tokens that are whole words, to be different in one prompt, found " + words.size());
        }
        List<Integer> left = new ArrayList<>(words);
        return IntStream.range(0, count)
                .map(i -> left.remove(random.nextInt(left.size())))
                .toArray();
    }

    /** Tokens that are whole words of letters, each of which a model has met by itself. */
    static List<Integer> words(Tokenizer tokenizer, int vocabulary) {
        return IntStream.range(0, Math.min(vocabulary, tokenizer.vocabularySize()))
                .filter(id -> isWord(tokenizer.decode(id)))
                .boxed()
                .toList();
    }

    private static boolean isWord(String text) {
        String word = text.strip();
        return text.startsWith(" ")
                && word.length() >= SHORTEST_WORD
                && word.chars().allMatch(Character::isLowerCase);
    }

    /**
     * The share of prompts that a model goes on with exactly as expected, by greedy generation.
     *
     * @param seed of the prompts
     */
    double score(CausalLm model, int distance, int count, List<Integer> words, TokenSequence text, long seed) {
        SplittableRandom random = new SplittableRandom(seed);
        int right = 0;
        for (int first = 0; first < count; first += MOST_AT_ONCE) {
            List<Item> items = new ArrayList<>();
            for (int i = first; i < Math.min(count, first + MOST_AT_ONCE); i++) {
                items.add(item(distance, words, text, random));
            }
            int[][] prompts = items.stream().map(Item::prompt).toArray(int[][]::new);
            int[][] found = new Generator(model, Sampling.GREEDY, seed).generate(prompts, answer);
            for (int i = 0; i < items.size(); i++) {
                if (Arrays.stream(found[i]).boxed().toList().equals(items.get(i).expected())) {
                    right++;
                }
            }
        }
        return (double) right / count;
    }
}
