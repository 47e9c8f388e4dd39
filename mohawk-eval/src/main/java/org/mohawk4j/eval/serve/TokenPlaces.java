package org.mohawk4j.eval.serve;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import org.mohawk4j.eval.serve.Completion.Prompt;
import org.mohawk4j.tokenizer.StreamingDecoder;
import org.mohawk4j.tokenizer.Tokenizer;

/**
 * Where the tokens of one continuation begin in its text, in Unicode code points. A token waits until all text before it
 * has come: text that is held back may end before it, at a stop.
 */
final class TokenPlaces {
    private final Prompt prompt;
    private final Deque<Placed> waiting = new ArrayDeque<>();
    private final StreamingDecoder decoder;

    /** The decoder's position where the text begins. */
    private int start;

    private int shown;
    private boolean begun;

    /** Tokens of a prompt so far. */
    private int read;

    /**
     * A token in its place.
     *
     * @param first whether it is the first of all text, a prompt that is not shown included
     */
    record Placed(TextDelta.Token token, int offset, boolean first) {}

    TokenPlaces(Completion request, Prompt prompt, Tokenizer tokenizer) {
        this.prompt = prompt;
        this.decoder = request.output().echo()
                ? new StreamingDecoder(tokenizer)
                : StreamingDecoder.behind(tokenizer, prompt.before());
        this.start = decoder.position();
        this.begun = !request.output().echo() && prompt.before().length > 0;
    }

    /** Adds a piece, and gives the tokens whose places are known now. */
    List<Placed> add(TextDelta piece) {
        int points = piece.text().codePointCount(0, piece.text().length());
        shown += points;
        boolean isPrompt = false;
        for (TextDelta.Token token : piece.tokens()) {
            isPrompt |= !token.generated();
            waiting.add(new Placed(token, decoder.position() - start, !begun));
            // what a model reads before a text is no part of it
            if (token.generated() || read++ >= prompt.start()) {
                decoder.next(token.id());
                begun = true;
            }
        }
        if (isPrompt && prompt.text().isPresent()) {
            // a prompt given as text is shown as it was given, not as its tokens read
            start = decoder.position() - points;
        }
        return ready(piece.finish().isPresent());
    }

    private List<Placed> ready(boolean ended) {
        List<Placed> ready = new ArrayList<>();
        while (!waiting.isEmpty() && (ended || waiting.peek().offset() <= shown)) {
            Placed placed = waiting.remove();
            ready.add(new Placed(placed.token(), Math.min(placed.offset(), shown), placed.first()));
        }
        return ready;
    }
}
