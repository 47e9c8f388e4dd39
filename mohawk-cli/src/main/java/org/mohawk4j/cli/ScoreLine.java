package org.mohawk4j.cli;

import java.util.Locale;
import org.mohawk4j.eval.Perplexity;

/** A score as scripts read it: {@code name=value} in one line. */
final class ScoreLine {
    private ScoreLine() {}

    /** @param prefix of each name */
    static String of(String prefix, Perplexity.Score score) {
        return String.format(
                Locale.ROOT,
                "%1$snll_per_token=%2$.6f %1$sperplexity=%3$.4f %1$stokens=%4$d %1$stokens_per_second=%5$.1f",
                prefix,
                score.nllPerToken(),
                score.perplexity(),
                score.tokens(),
                score.tokensPerSecond());
    }
}
