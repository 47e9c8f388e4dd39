package org.mohawk4j.generation;

import java.util.Arrays;
import java.util.random.RandomGenerator;
import org.mohawk4j.InvalidInputException;
import org.mohawk4j.op.ArgMaxFunction;

/**
 * How the next token is chosen from logits. The cuts apply in the order of Hugging Face's generation: temperature, then
 * the K likeliest, then the fewest whose probabilities reach P.
 *
 * @param temperature divides the logits; 0 takes the likeliest token
 * @param topK 0 for all tokens
 * @param topP 1 for all tokens
 */
public record Sampling(double temperature, int topK, double topP) {
    public static final Sampling GREEDY = new Sampling(0, 0, 1);

    public Sampling {
        if (!(temperature >= 0) || Double.isInfinite(temperature)) {
            throw new InvalidInputException("temperature: expected a number from 0, found " + temperature);
        }
        if (topK < 0) {
            throw new InvalidInputException("top-k: expected a whole number from 0, found " + topK);
        }
        if (!(topP > 0 && topP <= 1)) {
            throw new InvalidInputException("top-p: expected a number above 0 and at most 1, found " + topP);
        }
    }

    /** From all tokens, at a temperature. */
    public static Sampling of(double temperature) {
        return new Sampling(temperature, 0, 1);
    }

    public Sampling withTopK(int topK) {
        return new Sampling(temperature, topK, topP);
    }

    public Sampling withTopP(double topP) {
        return new Sampling(temperature, topK, topP);
    }

    /** Whether the likeliest token is always taken. */
    boolean isGreedy() {
        return temperature == 0 || topK == 1;
    }

    /**
     * Chooses a token. Equal logits favor the lower id.
     *
     * @param logits [V] from {@code from} on
     */
    int choose(float[] logits, int from, int vocabulary, RandomGenerator random) {
        int best = ArgMaxFunction.of(logits, from, vocabulary);
        if (isGreedy()) {
            return best;
        }
        boolean cut = (topK > 0 && topK < vocabulary) || topP < 1;
        return cut
                ? chooseAmongLikeliest(logits, from, vocabulary, random)
                : chooseAmongAll(logits, from, vocabulary, logits[from + best], random);
    }

    private int chooseAmongAll(float[] logits, int from, int vocabulary, float largest, RandomGenerator random) {
        double total = 0;
        double[] weights = new double[vocabulary];
        for (int i = 0; i < vocabulary; i++) {
            weights[i] = Math.exp((logits[from + i] - largest) / temperature);
            total += weights[i];
        }
        double point = random.nextDouble() * total;
        for (int i = 0; i < vocabulary; i++) {
            point -= weights[i];
            if (point < 0) {
                return i;
            }
        }
        return ArgMaxFunction.of(logits, from, vocabulary);
    }

    private int chooseAmongLikeliest(float[] logits, int from, int vocabulary, RandomGenerator random) {
        // the sign-flipped logit above the id sorts by falling logit, then rising id
        long[] order = new long[vocabulary];
        for (int i = 0; i < vocabulary; i++) {
            order[i] = ((long) sortable(-logits[from + i]) << 32) | i;
        }
        Arrays.sort(order);
        int count = topK > 0 ? Math.min(topK, vocabulary) : vocabulary;
        double largest = logits[from + (int) order[0]];
        double[] weights = new double[count];
        double total = 0;
        for (int i = 0; i < count; i++) {
            weights[i] = Math.exp((logits[from + (int) order[i]] - largest) / temperature);
            total += weights[i];
        }
        double kept = 0;
        int last = 0;
        while (last < count && kept < topP * total) {
            kept += weights[last++];
        }
        double point = random.nextDouble() * kept;
        for (int i = 0; i < last; i++) {
            point -= weights[i];
            if (point < 0) {
                return (int) order[i];
            }
        }
        return (int) order[0];
    }

    /** An int with the order of the float. */
    private static int sortable(float value) {
        int bits = Float.floatToIntBits(value);
        return bits ^ ((bits >> 31) & 0x7fffffff);
    }
}
