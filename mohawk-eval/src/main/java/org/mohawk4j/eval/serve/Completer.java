package org.mohawk4j.eval.serve;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.function.Predicate;
import org.mohawk4j.eval.likelihood.LogLikelihood;
import org.mohawk4j.eval.likelihood.ModelLogLikelihood;
import org.mohawk4j.eval.likelihood.Ranking;
import org.mohawk4j.eval.likelihood.Request;
import org.mohawk4j.eval.serve.Completion.Prompt;
import org.mohawk4j.generation.Generator;
import org.mohawk4j.models.CausalLm;
import org.mohawk4j.tokenizer.StreamingDecoder;
import org.mohawk4j.tokenizer.Tokenizer;

/**
 * Fulfills requests with a model, on the thread of its engine. Prompts are scored by the same {@link LogLikelihood} as
 * tasks, all of a request at once.
 */
final class Completer {
    private static final String LENGTH = "length";
    private static final String STOP = "stop";

    private final CausalLm model;
    private final Tokenizer tokenizer;
    private final LogLikelihood likelihood;

    Completer(CausalLm model, Tokenizer tokenizer) {
        this.model = model;
        this.tokenizer = tokenizer;
        this.likelihood = new ModelLogLikelihood(model);
    }

    /** @param answer is given each piece; false means that nobody wants more */
    void run(Completion request, Predicate<TextDelta> answer) {
        boolean scored = request.output().echo() && request.output().logProbs().isPresent();
        // A client that scores asks for one token, since it cannot ask for none: scoring the prompt tells it already.
        boolean known = scored
                && request.decoding().maxTokens() == 1
                && request.decoding().sampling().temperature() == 0;
        List<LogLikelihood.Score> scores = scored ? score(request, known) : List.of();
        int choice = 0;
        for (int p = 0; p < request.prompts().size(); p++) {
            Prompt prompt = request.prompts().get(p);
            for (int k = 0; k < request.decoding().choices(); k++) {
                Continuation continuation = new Continuation(request, prompt, choice++, answer);
                if (request.output().echo()) {
                    continuation.echo(scored ? Optional.of(scores.get(p)) : Optional.empty());
                }
                if (known) {
                    List<Ranking> rankings = scores.get(p).rankings();
                    continuation.add(rankings.get(rankings.size() - 1));
                } else if (continuation.wanted) {
                    new Generator(
                                    model,
                                    request.decoding().sampling(),
                                    request.decoding().seed() + k)
                            .generate(prompt.toArray(), request.decoding().maxTokens(), continuation);
                }
                continuation.end();
                if (!continuation.wanted) {
                    return;
                }
            }
        }
    }

    private List<LogLikelihood.Score> score(Completion request, boolean afterLast) {
        int ranked = Math.max(1, request.output().logProbs().orElse(0));
        return likelihood.score(request.prompts().stream()
                .map(prompt -> Request.of(prompt.toArray(), 1).ranking(ranked, afterLast))
                .toList());
    }

    /** One answer that grows. */
    private final class Continuation implements Generator.Step {
        private final Completion request;
        private final Prompt prompt;
        private final int choice;
        private final Predicate<TextDelta> answer;
        private final StreamingDecoder decoder;
        private final StopSequences stops;
        private boolean wanted = true;
        private String finish = LENGTH;

        Continuation(Completion request, Prompt prompt, int choice, Predicate<TextDelta> answer) {
            this.request = request;
            this.prompt = prompt;
            this.choice = choice;
            this.answer = answer;
            this.stops = new StopSequences(request.decoding().stop());
            // ids that are echoed are one text with what follows; otherwise the prompt's text is there already
            boolean isEchoedText = request.output().echo() && prompt.text().isEmpty();
            this.decoder = isEchoedText
                    ? new StreamingDecoder(tokenizer)
                    : StreamingDecoder.behind(tokenizer, prompt.before());
        }

        void echo(Optional<LogLikelihood.Score> score) {
            List<TextDelta.Token> tokens = new ArrayList<>();
            for (int i = 0; i < prompt.ids().size(); i++) {
                int place = i - 1;
                Optional<LogLikelihood.Score> known = score.filter(found -> place >= 0);
                tokens.add(new TextDelta.Token(
                        prompt.ids().get(i),
                        false,
                        known.map(found -> OptionalDouble.of(found.logProbs().get(place)))
                                .orElse(OptionalDouble.empty()),
                        known.map(found -> likeliest(found.rankings().get(place)))
                                .orElse(List.of())));
            }
            send(prompt.text().orElseGet(() -> decoder.next(prompt.toArray())), tokens, Optional.empty());
        }

        /** At most as many as were asked for: scoring needs one even if none was. */
        private List<Ranking.Entry> likeliest(Ranking ranking) {
            int count = Math.min(
                    ranking.tokens().size(), request.output().logProbs().orElse(0));
            return ranking.tokens().subList(0, count);
        }

        /** Adds the likeliest token. */
        void add(Ranking ranking) {
            Ranking.Entry best = ranking.tokens().get(0);
            add(best.id(), OptionalDouble.of(best.logProb()), likeliest(ranking));
        }

        @Override
        public boolean accept(int token, float[] logits) {
            if (request.output().logProbs().isEmpty()) {
                return add(token, OptionalDouble.empty(), List.of());
            }
            double normalizer = normalizer(logits);
            Ranking ranking = Ranking.of(
                    logits, 0, logits.length, request.output().logProbs().getAsInt(), normalizer);
            return add(token, OptionalDouble.of(logits[token] - normalizer), ranking.tokens());
        }

        private boolean add(int token, OptionalDouble logProb, List<Ranking.Entry> likeliest) {
            boolean ends = tokenizer.stops().contains(token);
            String text = ends ? "" : stops.accept(decoder.next(token));
            if (ends || stops.stopped()) {
                finish = STOP;
            }
            send(text, List.of(new TextDelta.Token(token, true, logProb, likeliest)), Optional.empty());
            return wanted && finish.equals(LENGTH);
        }

        void end() {
            if (wanted) {
                String rest = stops.accept(decoder.finish());
                boolean stopped = stops.stopped();
                send(rest + stops.finish(), List.of(), Optional.of(stopped ? STOP : finish));
            }
        }

        private void send(String text, List<TextDelta.Token> tokens, Optional<String> finished) {
            wanted = wanted && answer.test(new TextDelta(choice, text, tokens, finished));
        }
    }

    /** log Σ exp. */
    private static double normalizer(float[] logits) {
        double largest = Double.NEGATIVE_INFINITY;
        for (float logit : logits) {
            largest = Math.max(largest, logit);
        }
        double sum = 0;
        for (float logit : logits) {
            sum += Math.exp(logit - largest);
        }
        return Math.log(sum) + largest;
    }
}
