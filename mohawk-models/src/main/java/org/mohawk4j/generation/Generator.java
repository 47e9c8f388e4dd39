package org.mohawk4j.generation;

import java.util.OptionalInt;
import java.util.SplittableRandom;
import java.util.function.IntConsumer;
import java.util.random.RandomGenerator;
import org.mohawk4j.InvalidInputException;
import org.mohawk4j.models.CausalLm;
import org.mohawk4j.models.LmState;
import org.mohawk4j.tensor.Engine;
import org.mohawk4j.tensor.Scope;
import org.mohawk4j.tensor.Tensor;

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
     * @param stop an id that ends the text; it is not given out
     * @param onToken told each new id as soon as it is chosen
     */
    public void generate(int[] prompt, int maxTokens, OptionalInt stop, IntConsumer onToken) {
        generate(prompt, maxTokens, (token, logits) -> {
            if (stop.isPresent() && stop.getAsInt() == token) {
                return false;
            }
            onToken.accept(token);
            return true;
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
     * Continues one sequence until it is long enough or is told to stop.
     *
     * @param prompt at least one id
     * @param maxTokens how many to add at most
     */
    public void generate(int[] prompt, int maxTokens, Step step) {
        RandomGenerator random = new SplittableRandom(seed);
        int[] next = prompt.clone();
        requirePrompt(next.length, maxTokens);
        try (LmState state = model.newState(1)) {
            for (int i = 0; i < maxTokens; i++) {
                float[] logits = advance(next, 1, state);
                int token = sampling.choose(logits, 0, logits.length, random);
                if (!step.accept(token, logits)) {
                    return;
                }
                next = new int[] {token};
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
        int vocabulary = Math.toIntExact(model.config().vocabulary());
        try (LmState state = model.newState(batch)) {
            for (int i = 0; i < newTokens; i++) {
                float[] logits = advance(next, batch, state);
                next = new int[batch];
                for (int b = 0; b < batch; b++) {
                    next[b] = sampling.choose(logits, b * vocabulary, vocabulary, random[b]);
                    result[b][i] = next[b];
                }
            }
        }
        return result;
    }

    /** Reads ids [B,T] and gives the logits [B,V] after the last of them. */
    private float[] advance(int[] ids, int batch, LmState state) {
        Engine engine = model.engine();
        try (Scope scope = engine.scope()) {
            int time = ids.length / batch;
            Tensor read = scope.adopt(engine.indices(ids, batch, time));
            Tensor last = model.hidden(read, state).narrow(1, time - 1, 1);
            return model.head(last).logits().toFloats();
        }
    }

    private void requirePrompt(int length, int newTokens) {
        long limit = model.config().maxPositions();
        if (length == 0) {
            throw new InvalidInputException("prompt: expected at least one token, found none");
        }
        if (length + newTokens > limit) {
            throw new InvalidInputException("prompt of " + length + " tokens and " + newTokens
                    + " new ones: expected at most " + limit + " together, the model's positions");
        }
    }
}
