package org.mohawk4j.eval;

import org.mohawk4j.data.TokenBatch;
import org.mohawk4j.data.TokenWindows;
import org.mohawk4j.models.CausalLm;
import org.mohawk4j.op.loss.CrossEntropyFunction;
import org.mohawk4j.tensor.Engine;
import org.mohawk4j.tensor.Scope;
import org.mohawk4j.tensor.Tensor;

/** How well a model predicts a text: consecutive windows without overlap, each token from its own window's prefix. */
public final class Perplexity {
    private static final int TOKENS_AT_ONCE = 4096;

    private Perplexity() {}

    /**
     * @param nllPerToken mean negative log-likelihood in nats
     * @param tokens predicted
     */
    public record Score(double nllPerToken, long tokens, double seconds) {
        public double perplexity() {
            return Math.exp(nllPerToken);
        }

        public double tokensPerSecond() {
            return tokens / seconds;
        }
    }

    /** Of all windows. */
    public static Score of(CausalLm model, TokenWindows windows) {
        return of(model, windows, 0);
    }

    /** @param limit how many windows from the start, 0 for all */
    public static Score of(CausalLm model, TokenWindows windows, int limit) {
        Engine engine = model.engine();
        int count = limit > 0 ? Math.min(limit, windows.count()) : windows.count();
        int batch = Math.max(1, TOKENS_AT_ONCE / windows.context());
        double total = 0;
        long tokens = 0;
        long start = System.nanoTime();
        for (int first = 0; first < count; first += batch) {
            TokenBatch part = windows.batch(first, Math.min(batch, count - first));
            try (Scope scope = engine.scope()) {
                Tensor ids = scope.adopt(engine.indices(part.inputs(), part.batch(), part.context()));
                Tensor labels = engine.indices(part.targets(), part.tokens());
                total += CrossEntropyFunction.apply(model.head(model.hidden(ids)), labels)
                        .sum()
                        .item();
            }
            tokens += part.tokens();
        }
        return new Score(total / tokens, tokens, (System.nanoTime() - start) / 1e9);
    }
}
