package org.mohawk4j.generation;

import java.util.OptionalInt;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.function.IntConsumer;
import java.util.random.RandomGenerator;
import org.mohawk4j.InvalidInputException;
import org.mohawk4j.models.CausalLm;

/**
 * Continues token sequences. The prompt is read once; after that each token costs one position, since every mixer carries
 * its own state. The same seed gives the same tokens.
 */
public final class Generator {
    private final CausalLm model;
    private final Sampling sampling;
    private final long seed;

    public Generator(CausalLm model, Sampling sampling, long seed) {
        this.model = model;
        this.sampling = sampling;
        this.seed = seed;
    }

    /**
     * Continues one sequence.
     *
     * @param prompt at least one id
     * @param maxTokens how many to add at most
     * @param stops ids that end the text; they are not given out
     * @param onToken told each new id as soon as it is chosen
     */
    public void generate(int[] prompt, int maxTokens, Set<Integer> stops, IntConsumer onToken) {
        RandomGenerator random = new SplittableRandom(seed);
        run(prompt, maxTokens, (text, ids) -> {
            int token = choose(text, ids, random)[0];
            if (stops.contains(token)) {
                return OptionalInt.empty();
            }
            onToken.accept(token);
            return OptionalInt.of(token);
        });
    }

    /** Told each new token. */
    @FunctionalInterface
    public interface Step {
        /**
         * Decides whether to go on.
         *
         * @param token the one that was chosen
         * @param logits [V], what it was chosen by
         */
        boolean accept(int token, float[] logits);
    }

    /**
     * Continues one sequence until it has {@code maxTokens} more tokens or {@code step} ends it.
     *
     * @param prompt at least one id
     * @param maxTokens how many to add at most
     */
    public void generate(int[] prompt, int maxTokens, Step step) {
        RandomGenerator random = new SplittableRandom(seed);
        run(prompt, maxTokens, (text, ids) -> {
            float[] logits = text.read(ids);
            int token = sampling.choose(logits, 0, logits.length, random);
            return step.accept(token, logits) ? OptionalInt.of(token) : OptionalInt.empty();
        });
    }

    /** Reads ids and gives the one that follows, or none to end. */
    private interface Following {
        OptionalInt after(Continuation text, int... ids);
    }

    private void run(int[] prompt, int maxTokens, Following following) {
        requirePrompt(prompt.length, maxTokens);
        int[] next = prompt.clone();
        try (Continuation text = new Continuation(model, 1)) {
            for (int i = 0; i < maxTokens; i++) {
                OptionalInt token = following.after(text, next);
                if (token.isEmpty()) {
                    return;
                }
                next = new int[] {token.getAsInt()};
            }
        }
    }

    /**
     * Continues many sequences at once, each by the same number of tokens.
     *
     * @param prompts of equal length, at least one id each
     * @return per sequence the new ids alone
     */
    public int[][] generate(int[][] prompts, int newTokens) {
        int batch = prompts.length;
        int length = prompts[0].length;
        requirePrompt(length, newTokens);
        int[] next = new int[batch * length];
        RandomGenerator[] random = new RandomGenerator[batch];
        for (int b = 0; b < batch; b++) {
            if (prompts[b].length != length) {
                throw new IllegalArgumentException(
                        "prompts of " + length + " and " + prompts[b].length + " tokens in one batch");
            }
            System.arraycopy(prompts[b], 0, next, b * length, length);
            random[b] = new SplittableRandom(seed + b);
        }
        int[][] result = new int[batch][newTokens];
        try (Continuation texts = new Continuation(model, batch)) {
            for (int i = 0; i < newTokens; i++) {
                next = choose(texts, next, random);
                for (int b = 0; b < batch; b++) {
                    result[b][i] = next[b];
                }
            }
        }
        return result;
    }

    /** Reads ids [B,T] and chooses the next one of each sequence. */
    private int[] choose(Continuation texts, int[] ids, RandomGenerator... random) {
        if (sampling.isGreedy()) {
            return texts.readGreedily(ids);
        }
        float[] logits = texts.read(ids);
        int vocabulary = Math.toIntExact(model.config().vocabulary());
        int[] chosen = new int[random.length];
        for (int b = 0; b < chosen.length; b++) {
            chosen[b] = sampling.choose(logits, b * vocabulary, vocabulary, random[b]);
        }
        return chosen;
    }

    private void requirePrompt(int length, int newTokens) {
        long limit = model.config().maxPositions();
        if (length == 0) {
            throw new InvalidInputException("prompt: expected at least one token, found none");
        }
        if ((long) length + newTokens > limit) {
            throw new InvalidInputException("prompt of " + length + " tokens and " + newTokens
                    + " new ones: expected at most " + limit + " together, the model's positions");
        }
    }
}
