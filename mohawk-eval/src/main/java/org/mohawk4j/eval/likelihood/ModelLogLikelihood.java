package org.mohawk4j.eval.likelihood;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.stream.IntStream;
import org.mohawk4j.InvalidInputException;
import org.mohawk4j.models.CausalLm;
import org.mohawk4j.op.EmbeddingFunction;
import org.mohawk4j.tensor.Engine;
import org.mohawk4j.tensor.Scope;
import org.mohawk4j.tensor.Tensor;
import org.mohawk4j.tensor.types.HostTensors;

/**
 * Scores with a loaded model: the longest sequences first, as many at once as fit a bound, shorter ones filled up on the
 * right, where a causal model does not look. Logits are made of the places alone that are asked for.
 */
public final class ModelLogLikelihood implements LogLikelihood {
    private static final int TOKENS_AT_ONCE = 4096;
    private static final int LOGITS_AT_ONCE = 1 << 22;

    private final CausalLm model;
    private final int vocabulary;

    public ModelLogLikelihood(CausalLm model) {
        this.model = model;
        this.vocabulary = Math.toIntExact(model.config().vocabulary());
    }

    @Override
    public List<Score> score(List<Request> requests) {
        List<Answer> answers = requests.stream().map(Answer::new).toList();
        answers.forEach(answer -> requireFitting(answer.request));
        List<Answer> longestFirst = answers.stream()
                .filter(answer -> answer.request.places() > 0)
                .sorted(Comparator.comparingInt((Answer answer) -> answer.request.read())
                        .reversed())
                .toList();
        int first = 0;
        while (first < longestFirst.size()) {
            int most =
                    Math.max(1, TOKENS_AT_ONCE / longestFirst.get(first).request.read());
            int end = Math.min(longestFirst.size(), first + most);
            scoreBatch(longestFirst.subList(first, end));
            first = end;
        }
        return answers.stream().map(Answer::score).toList();
    }

    private void requireFitting(Request request) {
        long positions = model.config().maxPositions();
        if (request.read() > positions) {
            throw new InvalidInputException("a sequence of " + request.read() + " tokens: expected at most " + positions
                    + ", the model's positions");
        }
        for (int i = 0; i < request.length(); i++) {
            if (request.id(i) < 0 || request.id(i) >= vocabulary) {
                throw new InvalidInputException("token " + i + " of a sequence: expected ids from 0 to "
                        + (vocabulary - 1) + ", the model's vocabulary, found " + request.id(i));
            }
        }
    }

    /** What is found out about a request, place by place. */
    private static final class Answer {
        private final Request request;
        private final List<Double> logProbs = new ArrayList<>();
        private final List<Ranking> rankings = new ArrayList<>();
        private boolean greedy = true;

        Answer(Request request) {
            this.request = request;
        }

        Score score() {
            return new Score(logProbs, greedy, rankings);
        }
    }

    /**
     * A place whose prediction is needed.
     *
     * @param row of the batch's hidden states [B·T,D]
     * @param label the id that stands there; 0 if none does
     */
    private record Place(Answer answer, int row, int label, boolean scored) {}

    private void scoreBatch(List<Answer> batch) {
        Engine engine = model.engine();
        int time = batch.get(0).request.read();
        int[] ids = new int[batch.size() * time];
        List<Place> places = new ArrayList<>();
        for (int b = 0; b < batch.size(); b++) {
            Answer answer = batch.get(b);
            Request request = answer.request;
            for (int t = 0; t < request.read(); t++) {
                ids[b * time + t] = request.id(t);
            }
            for (int t = request.from(); t < request.from() + request.places(); t++) {
                boolean scored = t < request.length();
                places.add(new Place(answer, b * time + t - 1, scored ? request.id(t) : 0, scored));
            }
        }
        try (Scope scope = engine.scope()) {
            Tensor read = scope.adopt(engine.indices(ids, batch.size(), time));
            Tensor hidden = model.hidden(read);
            Tensor rows = hidden.reshape(-1, hidden.dim(-1));
            int most = Math.max(1, LOGITS_AT_ONCE / vocabulary);
            for (int from = 0; from < places.size(); from += most) {
                scorePlaces(rows, places.subList(from, Math.min(places.size(), from + most)));
            }
        }
    }

    private void scorePlaces(Tensor rows, List<Place> places) {
        Engine engine = model.engine();
        try (Scope scope = engine.scope()) {
            Tensor wanted = scope.adopt(
                    engine.indices(places.stream().mapToInt(Place::row).toArray(), places.size()));
            Tensor logits = model.head(EmbeddingFunction.apply(rows, wanted)).logits();
            Tensor largest = logits.max(-1, true);
            Tensor normalizer = logits.sub(largest).exp().sum(-1, true).log().add(largest);
            Tensor labels = engine.indices(
                    IntStream.range(0, places.size())
                            .map(i -> i * vocabulary + places.get(i).label())
                            .toArray(),
                    places.size());
            float[] picked =
                    EmbeddingFunction.apply(logits.reshape(-1, 1), labels).toFloats();
            float[] best = largest.toFloats();
            float[] normalizers = normalizer.toFloats();
            boolean ranked =
                    places.stream().anyMatch(place -> place.answer().request.ranked() > 0);
            float[] all = ranked ? HostTensors.toFloats(logits.toHost()) : new float[0];
            for (int i = 0; i < places.size(); i++) {
                Answer answer = places.get(i).answer();
                if (places.get(i).scored()) {
                    answer.logProbs.add(requireNumber((double) picked[i] - normalizers[i]));
                    answer.greedy &= picked[i] == best[i];
                }
                if (answer.request.ranked() > 0) {
                    answer.rankings.add(
                            Ranking.of(all, i * vocabulary, vocabulary, answer.request.ranked(), normalizers[i]));
                }
            }
        }
    }

    private static double requireNumber(double logProb) {
        if (Double.isNaN(logProb)) {
            throw new InvalidInputException("model: expected log-likelihoods that are numbers, found NaN");
        }
        return logProb;
    }
}
