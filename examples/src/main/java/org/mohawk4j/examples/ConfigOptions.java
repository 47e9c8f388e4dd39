package org.mohawk4j.examples;

import static org.mohawk4j.examples.ConfigOption.many;
import static org.mohawk4j.examples.ConfigOption.one;

import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.mohawk4j.backend.BackendOptions;
import org.mohawk4j.tensor.Engine;
import org.mohawk4j.train.run.DistillConfig;
import picocli.CommandLine.IModelTransformer;
import picocli.CommandLine.Model.ArgGroupSpec;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;

/** The options of {@link DistillConfig}: all of them for {@code distill}, those of the machine for what else computes. */
final class ConfigOptions {
    private static final Group MACHINE = new Group(
            "Machine",
            one("backend", String.class, "NAME", "auto, nd4j or cuda", DistillConfig::backend),
            one("threads", Integer.class, "K", "of the CPU, 0 for the backend's choice", DistillConfig::threads),
            one("dtype", String.class, "TYPE", "float or double", DistillConfig::dtype));

    private static final List<Group> DISTILLATION = List.of(
            new Group(
                    "Models and text",
                    one("teacher", Path.class, "DIR", "the teacher; without, a tiny one is shipped", c -> c.teacher()),
                    one("text", Path.class, "FILE", "to train on; without, the teacher writes it", c -> c.text()),
                    one("valid", Path.class, "FILE", "to evaluate on; without, the text's end", c -> c.valid()),
                    one("out", Path.class, "DIR", "the run folder; without, a new one in runs", c -> c.out())),
            new Group(
                    "Training",
                    one("tokens", Long.class, "N", "of all stages together", c -> c.tokens()),
                    many("split", Double.class, "A,B,C", "shares of the stages", c -> c.split()),
                    one("context", Integer.class, "T", "tokens in a window", c -> c.context()),
                    one("batch", Integer.class, "B", "windows in a step", c -> c.batch()),
                    many("lr", Double.class, "A,B,C", "peak learning rates of the stages", c -> c.lr()),
                    many("freeze", String.class, "NAME,…", "parameters left alone, * for anything", c -> c.freeze()),
                    one("seed", Long.class, "S", "of everything random", c -> c.seed()),
                    one(
                                    "hidden-states.target",
                                    String.class,
                                    "WHAT",
                                    "mixer or block",
                                    c -> c.hiddenStates().target())
                            .named("--stage2-target"),
                    one(
                            "distillation.temperature",
                            Double.class,
                            "X",
                            "of stage 3",
                            c -> c.distillation().temperature()),
                    one(
                            "distillation.hard-label-share",
                            Double.class,
                            "X",
                            "of stage 3's loss",
                            c -> c.distillation().hardLabelShare())),
            new Group(
                    "Student",
                    many(
                            "keep-attention",
                            Integer.class,
                            "I,…",
                            "layers, from 0, left as they are",
                            c -> c.keepAttention()),
                    one(
                            "student.state-size",
                            Integer.class,
                            "N",
                            "of each head",
                            c -> c.student().stateSize()),
                    one(
                            "student.conv-width",
                            Integer.class,
                            "K",
                            "of the convolution",
                            c -> c.student().convWidth()),
                    one(
                            "student.value-heads",
                            Integer.class,
                            "H",
                            "without, as the teacher",
                            c -> c.student().valueHeads()),
                    one(
                            "student.qk-heads",
                            Integer.class,
                            "H",
                            "without, as many as value heads",
                            c -> c.student().qkHeads()),
                    one(
                            "student.chunk-length",
                            Integer.class,
                            "Q",
                            "multiplied at once",
                            c -> c.student().chunkLength())),
            new Group(
                    "Optimizer",
                    one(
                            "optimizer.weight-decay",
                            Double.class,
                            "X",
                            "of matrices",
                            c -> c.optimizer().weightDecay()),
                    many(
                            "optimizer.betas",
                            Double.class,
                            "A,B",
                            "of AdamW",
                            c -> c.optimizer().betas()),
                    one(
                            "optimizer.epsilon",
                            Double.class,
                            "X",
                            "of AdamW",
                            c -> c.optimizer().epsilon()),
                    one(
                            "optimizer.clip-norm",
                            Double.class,
                            "X",
                            "of all gradients, 0 for none",
                            c -> c.optimizer().clipNorm()),
                    one(
                                    "schedule.kind",
                                    String.class,
                                    "NAME",
                                    "warmup-stable-decay or cosine",
                                    c -> c.schedule().kind())
                            .named("--schedule"),
                    one(
                            "schedule.warmup-fraction",
                            Double.class,
                            "X",
                            "of a stage's steps",
                            c -> c.schedule().warmupFraction()),
                    one(
                            "schedule.decay-fraction",
                            Double.class,
                            "X",
                            "of a stage's steps",
                            c -> c.schedule().decayFraction()),
                    one(
                            "schedule.final-fraction",
                            Double.class,
                            "X",
                            "of the peak",
                            c -> c.schedule().finalFraction())),
            new Group(
                    "Evaluation",
                    one(
                            "evaluation.held-out",
                            Double.class,
                            "X",
                            "share of the text, its end",
                            c -> c.evaluation().heldOut()),
                    one(
                            "evaluation.windows",
                            Integer.class,
                            "N",
                            "at most, 0 for all",
                            c -> c.evaluation().windows()),
                    one("report", Boolean.class, "true|false", "whether to write the page", c -> c.report())),
            MACHINE);

    private ConfigOptions() {}

    private record Group(String heading, List<ConfigOption> options) {
        Group(String heading, ConfigOption... options) {
            this(heading, List.of(options));
        }

        void addTo(CommandSpec command) {
            ArgGroupSpec.Builder group = ArgGroupSpec.builder()
                    .heading("%n" + heading + ":%n")
                    .exclusive(false)
                    .validate(false);
            options.forEach(option -> group.addArg(option.spec()));
            command.addArgGroup(group.build());
        }
    }

    /** Adds all options. */
    static final class All implements IModelTransformer {
        @Override
        public CommandSpec transform(CommandSpec command) {
            DISTILLATION.forEach(group -> group.addTo(command));
            return command;
        }
    }

    /** Adds {@code --backend}, {@code --threads} and {@code --dtype}. */
    static final class Machine implements IModelTransformer {
        @Override
        public CommandSpec transform(CommandSpec command) {
            MACHINE.addTo(command);
            return command;
        }
    }

    /** What was given on the command line, by key of the configuration. */
    static Map<String, Object> given(CommandSpec command) {
        Map<String, Object> values = new LinkedHashMap<>();
        Stream<ConfigOption> options = DISTILLATION.stream().flatMap(group -> group.options().stream());
        options.forEach(option -> {
            OptionSpec found = command.findOption(option.name());
            if (found != null && command.commandLine().getParseResult().hasMatchedOption(found)) {
                values.put(option.key(), found.getValue());
            }
        });
        return values;
    }

    /** The engine that a configuration asks for. */
    static Engine open(DistillConfig config) {
        return Engine.open(
                config.backend(),
                BackendOptions.defaults()
                        .withParameterType(config.dtype().dtype())
                        .withThreads(config.threads()));
    }
}
