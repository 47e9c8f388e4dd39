package org.mohawk4j.eval.tasks;

import java.util.List;

/**
 * A model's answer to one question.
 *
 * @param sums the log-likelihood of each choice, in nats
 * @param greedy whether greedy decoding would write it
 */
record TaskAnswer(List<Double> sums, List<Boolean> greedy) {
    TaskAnswer {
        sums = List.copyOf(sums);
        greedy = List.copyOf(greedy);
    }
}
