package org.mohawk4j.train;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;
import org.mohawk4j.data.TokenWindows;
import org.mohawk4j.eval.Perplexity;
import org.mohawk4j.generation.Generator;
import org.mohawk4j.generation.Sampling;
import org.mohawk4j.models.CausalLm;
import org.mohawk4j.tokenizer.StreamingDecoder;
import org.mohawk4j.tokenizer.Tokenizer;
import org.mohawk4j.train.config.DistillConfig;
import org.mohawk4j.train.config.DistillConfigYaml;
import org.mohawk4j.train.loop.TrainingListener;
import org.mohawk4j.train.report.BestEffort;
import org.mohawk4j.train.report.HtmlReport;
import org.mohawk4j.train.report.LossHistory;
import org.mohawk4j.train.report.MatrixProbe;
import org.mohawk4j.train.report.ModelScore;
import org.mohawk4j.train.report.RunReport;
import org.mohawk4j.train.report.RunResult;
import org.mohawk4j.train.report.Sample;
import org.mohawk4j.train.run.RunFolder;

/**
 * What becomes of a student that is trained and saved: its score and its teacher's, samples of both, the report. What fails
 * of it is logged and left out.
 */
final class RunEvaluation {
    private static final int SAMPLE_TOKENS = 60;
    private static final int PROMPT_TOKENS = 16;
    private static final Perplexity.Score UNKNOWN = new Perplexity.Score(Double.NaN, 0, Double.NaN);

    private final DistillConfig config;
    private final RunFolder folder;
    private final Optional<Tokenizer> tokenizer;
    private final TokenWindows validation;
    private final TrainingListener listener;

    /** @param tokenizer of samples; empty: none are written */
    RunEvaluation(
            DistillConfig config,
            RunFolder folder,
            Optional<Tokenizer> tokenizer,
            TokenWindows validation,
            TrainingListener listener) {
        this.config = config;
        this.folder = folder;
        this.tokenizer = tokenizer;
        this.validation = validation;
        this.listener = listener;
    }

    /** The result on a rank that evaluates nothing. */
    static RunResult none(RunFolder folder) {
        return new RunResult(folder.path(), List.of(), UNKNOWN, UNKNOWN, List.of());
    }

    /** Evaluates, notifies the listener, and writes the report. */
    RunResult of(
            CausalLm teacher,
            CausalLm student,
            LossHistory losses,
            MatrixProbe probe,
            Map<String, String> environment) {
        RunResult result = new RunResult(
                folder.path(),
                losses.summaries(),
                score("teacher", teacher),
                score("student", student),
                Stream.of(sample("teacher", teacher), sample("student", student))
                        .flatMap(Optional::stream)
                        .toList());
        listener.onEvaluated(result);
        if (config.files().report()) {
            BestEffort.attempt("report " + folder.report(), () -> write(result, losses, probe, environment));
        }
        return result;
    }

    private RunReport write(RunResult result, LossHistory losses, MatrixProbe probe, Map<String, String> environment) {
        RunReport page = new RunReport(
                "MOHAWK distillation",
                losses,
                List.of(score("teacher", result.teacher()), score("student", result.student())),
                probe.layers(),
                result.samples(),
                DistillConfigYaml.format(config),
                environment);
        folder.writeReport(target -> HtmlReport.write(target, page));
        return page;
    }

    private static ModelScore score(String name, Perplexity.Score score) {
        return new ModelScore(name, score.nllPerToken(), score.tokens(), score.tokensPerSecond());
    }

    private Perplexity.Score score(String name, CausalLm model) {
        return BestEffort.attempt(
                        "score of the " + name,
                        () -> Perplexity.of(
                                model, validation, config.evaluation().windows()))
                .orElse(UNKNOWN);
    }

    private Optional<Sample> sample(String name, CausalLm model) {
        return tokenizer.flatMap(own -> BestEffort.attempt("sample of the " + name, () -> write(name, model, own)));
    }

    /** Continues the start of the validation text. */
    private Sample write(String name, CausalLm model, Tokenizer own) {
        int[] window = validation.batch(0, 1).inputs();
        int[] prompt = Arrays.copyOf(window, Math.min(PROMPT_TOKENS, window.length));
        int room = Math.toIntExact(Math.min(SAMPLE_TOKENS, model.config().maxPositions() - prompt.length));
        List<Integer> ids = new ArrayList<>();
        new Generator(model, Sampling.GREEDY, config.training().seed()).generate(prompt, room, own.stops(), ids::add);
        // one text in two parts: the prompt may end within a character, and decoders look back
        StreamingDecoder text = new StreamingDecoder(own);
        String start = text.next(prompt);
        String continuation = text.next(ids.stream().mapToInt(Integer::intValue).toArray());
        return new Sample(name, start, continuation + text.finish());
    }
}
