package org.mohawk4j.data;

import java.util.Arrays;
import java.util.Objects;
import org.mohawk4j.InvalidInputException;

/**
 * Consecutive windows of a text, without overlap: window i reads tokens i·T to i·T + T − 1 and predicts tokens i·T + 1
 * to i·T + T, each from its own prefix within the window. So every token after the first is predicted once, up to a
 * remainder of fewer than T tokens at the end of the text.
 */
public final class TokenWindows {
    private final TokenSequence tokens;
    private final int context;
    private final int count;

    /**
     * @param context T, at least 1
     * @throws InvalidInputException if the text is shorter than one window, T + 1 tokens
     */
    public TokenWindows(TokenSequence tokens, int context) {
        if (context < 1) {
            throw new IllegalArgumentException("context: expected at least 1, got " + context);
        }
        if (tokens.length() <= context) {
            throw new InvalidInputException("text " + tokens.name() + ": expected at least " + (context + 1L)
                    + " tokens, one window of context " + context + " + 1, found " + tokens.length());
        }
        this.tokens = tokens;
        this.context = context;
        this.count = (tokens.length() - 1) / context;
    }

    /** How many whole windows the text holds. */
    public int count() {
        return count;
    }

    /** T, the tokens that a window predicts. */
    public int context() {
        return context;
    }

    /** The text that the windows are of. */
    public TokenSequence tokens() {
        return tokens;
    }

    /** Windows {@code first} to {@code first + batch - 1}, in the order of the text. */
    public TokenBatch batch(int first, int batch) {
        Objects.checkFromIndexSize(first, batch, count);
        int[] windows = new int[batch];
        for (int b = 0; b < batch; b++) {
            windows[b] = first + b;
        }
        return select(windows);
    }

    /** These windows, in this order. */
    public TokenBatch select(int... windows) {
        int[] inputs = new int[Math.multiplyExact(windows.length, context)];
        int[] targets = new int[inputs.length];
        for (int b = 0; b < windows.length; b++) {
            int start = Objects.checkIndex(windows[b], count) * context;
            tokens.copy(start, context, inputs, b * context);
            tokens.copy(start + 1, context, targets, b * context);
        }
        return new TokenBatch(
                tokens.name() + ", windows " + Arrays.toString(windows), windows.length, context, inputs, targets);
    }
}
