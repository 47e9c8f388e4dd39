package org.mohawk4j.eval.likelihood;

import java.util.List;
import org.mohawk4j.InvalidInputException;

/** Scores tokens by a causal language model, each from all before it. */
public interface LogLikelihood {
    /**
     * Scores sequences of any lengths.
     *
     * @return one for each request, in their order
     * @throws InvalidInputException if a sequence is too long for the model, an id is outside its vocabulary, or a
     *     log-likelihood is not a number
     */
    List<Score> score(List<Request> requests);

    /**
     * What was found.
     *
     * @param logProbs of the scored tokens, in nats
     * @param greedy whether each scored token is the likeliest at its place
     * @param rankings of the likeliest tokens at the place of each scored token, then, if asked for, at the place after
     *     the last; empty if none were asked for
     */
    record Score(List<Double> logProbs, boolean greedy, List<Ranking> rankings) {
        public Score {
            logProbs = List.copyOf(logProbs);
            rankings = List.copyOf(rankings);
        }

        /** The log-likelihood of all scored tokens together, in nats. */
        public double sum() {
            return logProbs.stream().mapToDouble(Double::doubleValue).sum();
        }
    }
}
