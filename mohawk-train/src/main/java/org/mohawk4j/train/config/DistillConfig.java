package org.mohawk4j.train.config;

import java.nio.file.Path;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.mohawk4j.InvalidInputException;
import org.mohawk4j.data.source.Mixture;

/**
 * Everything that a distillation is told. Read from and written to YAML by {@link DistillConfigYaml}, with the component
 * names in kebab case as keys, which are also the long options of the command line. {@link #defaults} and its like in
 * the sections are the only place where a default value stands.
 *
 * <p>Paths are relative to the working directory. Every constructor refuses a value out of range with an
 * {@link InvalidInputException} of one line naming the key, the expected and the actual.
 *
 * @param teacher folder of the teacher model; empty: the tiny teacher that is shipped
 * @param text texts to train on; empty: text that the teacher writes itself
 * @param valid texts to evaluate on; empty: the held-out end of {@code text}, which then is one text in memory
 * @param out the run folder; empty: one named by the caller
 * @param tokens the budget of all stages together; see {@link TokenBudget}
 * @param split shares of the budget for stages 1, 2 and 3, with sum 1
 * @param context T, tokens that a window predicts
 * @param batch B, windows in a step
 * @param accumulate micro-batches that a step's batch is taken in, one after the other; a divisor of B
 * @param lr peak learning rates of stages 1, 2 and 3
 * @param keepAttention layers, from 0, in which the student keeps the teacher's attention
 * @param freeze names of parameters that no stage trains, where {@code *} stands for anything
 * @param seed of everything random: the order of windows, initial weights, samples
 * @param threads of the CPU; 0: as many as the backend finds
 * @param backend {@code auto} or the name of one
 * @param device which of the backend's devices, from 0
 * @param dtype what a run computes in
 * @param report whether to write the HTML report
 */
public record DistillConfig(
        Optional<Path> teacher,
        Optional<Mixture> text,
        Optional<Mixture> valid,
        Optional<Path> out,
        long tokens,
        List<Double> split,
        int context,
        int batch,
        int accumulate,
        List<Double> lr,
        List<Integer> keepAttention,
        List<String> freeze,
        long seed,
        int threads,
        String backend,
        int device,
        Precision dtype,
        boolean report,
        StudentConfig student,
        OptimizerConfig optimizer,
        ScheduleConfig schedule,
        HiddenStateConfig hiddenStates,
        DistillationConfig distillation,
        EvaluationConfig evaluation,
        DataConfig data,
        CheckpointConfig checkpoint,
        FaultConfig faults) {

    /** The defaults, before anything that a user says. */
    public static DistillConfig defaults() {
        return new DistillConfig(
                Optional.empty(),
                Optional.empty(),
                Optional.empty(),
                Optional.empty(),
                300_000,
                List.of(0.1, 0.2, 0.7),
                256,
                8,
                1,
                List.of(1e-3, 2e-3, 1e-3),
                List.of(),
                List.of(),
                0,
                0,
                "auto",
                0,
                Precision.FLOAT,
                true,
                StudentConfig.defaults(),
                OptimizerConfig.defaults(),
                ScheduleConfig.defaults(),
                HiddenStateConfig.defaults(),
                DistillationConfig.defaults(),
                EvaluationConfig.defaults(),
                DataConfig.defaults(),
                CheckpointConfig.defaults(),
                FaultConfig.defaults());
    }

    /** Checks the ranges. */
    public DistillConfig {
        Ranges.atLeast(1, "tokens", tokens);
        split = List.copyOf(split);
        TokenBudget.checkSplit(split);
        Ranges.atLeast(1, "context", context);
        Ranges.atLeast(1, "batch", batch);
        Ranges.atLeast(1, "accumulate", accumulate);
        Ranges.require(batch % accumulate == 0, "accumulate", "a divisor of batch " + batch, accumulate);
        lr = List.copyOf(lr);
        Ranges.size(TokenBudget.STAGES, "lr", lr);
        for (double rate : lr) {
            Ranges.require(rate > 0 && Double.isFinite(rate), "lr", "numbers above 0", lr);
        }
        keepAttention = List.copyOf(keepAttention);
        for (int layer : keepAttention) {
            Ranges.require(layer >= 0, "keep-attention", "layers from 0", keepAttention);
        }
        Ranges.require(
                new HashSet<>(keepAttention).size() == keepAttention.size(),
                "keep-attention",
                "each layer once",
                keepAttention);
        freeze = List.copyOf(freeze);
        for (String pattern : freeze) {
            Ranges.require(!pattern.isBlank(), "freeze", "names of parameters", "an empty one in " + freeze);
        }
        Ranges.atLeast(0, "threads", threads);
        Ranges.require(!backend.isBlank(), "backend", "auto or the name of a backend", "nothing");
        Ranges.atLeast(0, "device", device);
    }

    /**
     * This configuration with some values replaced, as a command line does.
     *
     * @param values by key; {@code student.state-size} reaches into a section; a list replaces a list as a whole
     * @throws InvalidInputException for an unknown key, a wrong type or a value out of range
     */
    public DistillConfig with(Map<String, ?> values) {
        return DistillConfigYaml.with(this, values);
    }

    /** The steps of each stage. */
    public TokenBudget budget() {
        return TokenBudget.of(tokens, split, batch, context);
    }
}
