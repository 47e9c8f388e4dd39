package org.mohawk4j.eval.tasks;

import java.util.Arrays;
import java.util.stream.IntStream;
import org.mohawk4j.InvalidInputException;
import org.mohawk4j.eval.likelihood.Request;
import org.mohawk4j.tokenizer.Tokenizer;
import org.mohawk4j.tokenizer.jinja.value.PythonText;

/**
 * Turns a context and its continuation into tokens, as {@code TemplateLM} and {@code HFLM} of the harness do: white space
 * at the end of the context goes to the continuation; both are tokenized together, and the continuation's tokens are
 * those beyond the number that the context has alone; where texts begin with a BOS token, so does the context, which is
 * then never scored; an empty context is the BOS token, or else the end-of-text token; what is too long for the model
 * loses its beginning.
 */
final class PairEncoder {
    private final Tokenizer tokenizer;
    private final long positions;

    /** @param positions the most tokens that the model reads */
    PairEncoder(Tokenizer tokenizer, long positions) {
        this.tokenizer = tokenizer;
        this.positions = positions;
    }

    /** @param where named in complaints */
    Request encode(String where, String context, String continuation) {
        String solid = PythonText.stripEnd(context);
        String moved = context.substring(solid.length()) + continuation;
        // both as texts from their start: a BOS token is counted in both, so that none is scored
        int[] before = solid.isEmpty() ? new int[0] : tokenizer.encodeFromStart(solid);
        int[] after = solid.isEmpty() ? tokenizer.encode(moved) : tokenizer.encodeFromStart(solid + moved);
        after = Arrays.copyOfRange(after, Math.min(before.length, after.length), after.length);
        if (before.length == 0) {
            int start = tokenizer
                    .prefix()
                    .orElseThrow(() -> new InvalidInputException(where
                            + ": an empty context needs a tokenizer with a BOS or end-of-text token, found one"
                            + " without"));
            boolean given = after.length > 0 && after[0] == start;
            after = given ? Arrays.copyOfRange(after, 1, after.length) : after;
            before = new int[] {start};
        }
        if (after.length == 0 || after.length > positions) {
            throw new InvalidInputException(where + ": expected a continuation of 1 to " + positions
                    + " tokens, the model's positions, found " + after.length);
        }
        int[] ids =
                IntStream.concat(Arrays.stream(before), Arrays.stream(after)).toArray();
        int excess = (int) Math.max(0, ids.length - positions - 1);
        return Request.of(Arrays.copyOfRange(ids, excess, ids.length), ids.length - excess - after.length);
    }
}
