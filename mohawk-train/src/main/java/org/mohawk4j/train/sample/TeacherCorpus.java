package org.mohawk4j.train.sample;

import java.util.Arrays;
import org.mohawk4j.InvalidInputException;
import org.mohawk4j.data.TokenSequence;
import org.mohawk4j.generation.Generator;
import org.mohawk4j.generation.Sampling;
import org.mohawk4j.models.CausalLm;

/**
 * Text that the teacher generates, for distillation without data. Documents are sampled at temperature 1, which is the
 * model's own distribution, from the token that ends a text onwards.
 */
public final class TeacherCorpus {
    private static final int DOCUMENTS_AT_ONCE = 64;
    private static final long MOST = 1L << 30;
    private static final Sampling PLAIN = new Sampling(1, 0, 1);

    private TeacherCorpus() {}

    /** Told how far the writing has come. */
    @FunctionalInterface
    public interface Progress {
        /** @param done tokens of the total */
        void wrote(long done, long total, double tokensPerSecond);
    }

    /**
     * @param start the first token of each document
     * @param tokens how many at least
     * @param length of each document, at most the model's positions
     */
    public static TokenSequence write(
            CausalLm teacher, int start, long tokens, int length, long seed, Progress progress) {
        if (tokens > MOST) {
            throw new InvalidInputException(
                    "text: expected a file for a run that would have the teacher write more than " + MOST
                            + " tokens, which are " + tokens);
        }
        int documents = Math.toIntExact((tokens + length - 1) / length);
        int[] text = new int[Math.multiplyExact(documents, length)];
        long begin = System.nanoTime();
        for (int first = 0; first < documents; first += DOCUMENTS_AT_ONCE) {
            int[][] prompts = new int[Math.min(DOCUMENTS_AT_ONCE, documents - first)][];
            Arrays.fill(prompts, new int[] {start});
            int[][] written = new Generator(teacher, PLAIN, seed + first).generate(prompts, length - 1);
            for (int i = 0; i < written.length; i++) {
                int at = (first + i) * length;
                text[at] = start;
                System.arraycopy(written[i], 0, text, at + 1, length - 1);
            }
            int done = (first + prompts.length) * length;
            double speed = done / ((System.nanoTime() - begin) / 1e9);
            progress.wrote(done, text.length, speed);
        }
        return TokenSequence.of("written by the teacher", text);
    }
}
