package org.mohawk4j.eval.recall;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.mohawk4j.InvalidInputException;
import org.mohawk4j.data.TokenSequence;

/** Prompts whose only right continuation stands in them, a given number of tokens before. */
public enum RecallTask {
    /** Pairs of words; then the first word of the first pair, which its second is to follow. */
    ASSOCIATIVE(1) {
        @Override
        public Item item(int distance, List<Integer> words, TokenSequence text, SplittableRandom random) {
            int[] drawn = draw(words, 2 + distance / 2 * 2, random);
            return ending(drawn, drawn[0], drawn[1]);
        }
    },
    /** A list of words; then the list once more, of which the beginning is given. */
    COPYING(2) {
        @Override
        public Item item(int distance, List<Integer> words, TokenSequence text, SplittableRandom random) {
            int[] drawn = draw(words, Math.max(distance, 4), random);
            int[] prompt = Arrays.copyOf(drawn, drawn.length + 2);
            prompt[drawn.length] = drawn[0];
            prompt[drawn.length + 1] = drawn[1];
            return new Item(prompt, List.of(drawn[2], drawn[3]));
        }
    },
    /** A pair of words before a piece of text without them; then its first word. */
    NEEDLE(1) {
        @Override
        public Item item(int distance, List<Integer> words, TokenSequence text, SplittableRandom random) {
            int[] piece = new int[distance];
            text.copy(random.nextInt(text.length() - distance + 1), distance, piece, 0);
            Set<Integer> said = Arrays.stream(piece).boxed().collect(Collectors.toSet());
            int[] pair =
                    draw(words.stream().filter(word -> !said.contains(word)).toList(), 2, random);
            int[] prompt = Arrays.copyOf(pair, 2 + distance);
            System.arraycopy(piece, 0, prompt, 2, distance);
            return ending(prompt, pair[0], pair[1]);
        }
    };

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
    public record Item(int[] prompt, List<Integer> expected) {}

    /** As in names of values. */
    public String label() {
        return name().toLowerCase(Locale.ROOT);
    }

    /** Tokens of an answer. */
    int answer() {
        return answer;
    }

    /**
     * Draws a prompt.
     *
     * @param distance approximate number of tokens between the question and the position of its answer
     * @param words to draw from, without repetition
     * @param text that needles are put before
     * @throws InvalidInputException if there are too few words
     */
    public abstract Item item(int distance, List<Integer> words, TokenSequence text, SplittableRandom random);

    /** A prompt that ends with a word. */
    private static Item ending(int[] context, int query, int expected) {
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
}
