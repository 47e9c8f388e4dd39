package org.mohawk4j.cli.option;

import static org.mohawk4j.cli.option.ConfigOption.flag;
import static org.mohawk4j.cli.option.ConfigOption.number;
import static org.mohawk4j.cli.option.ConfigOption.path;
import static org.mohawk4j.cli.option.ConfigOption.whole;
import static org.mohawk4j.cli.option.ConfigOption.word;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Function;
import java.util.stream.Stream;
import org.mohawk4j.train.config.AutoTokensConfig;
import org.mohawk4j.train.config.CheckpointConfig;
import org.mohawk4j.train.config.DataConfig;
import org.mohawk4j.train.config.DistillConfig;
import org.mohawk4j.train.config.DistillationConfig;
import org.mohawk4j.train.config.EvaluationConfig;
import org.mohawk4j.train.config.FaultConfig;
import org.mohawk4j.train.config.FilesConfig;
import org.mohawk4j.train.config.HiddenStateConfig;
import org.mohawk4j.train.config.MachineConfig;
import org.mohawk4j.train.config.OptimizerConfig;
import org.mohawk4j.train.config.ScheduleConfig;
import org.mohawk4j.train.config.StageConfig;
import org.mohawk4j.train.config.StudentConfig;
import org.mohawk4j.train.config.TrainingConfig;
import org.mohawk4j.train.sample.EmbeddedTeacher;
import picocli.CommandLine.IModelTransformer;
import picocli.CommandLine.Model.ArgGroupSpec;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;

/** The options of {@link DistillConfig}: all of them for {@code distill}, those of the machine for what else computes. */
public final class ConfigOptions {
    private static final List<ConfigOption<FilesConfig>> FILES = List.of(
            path("teacher", "DIR", "default: a tiny one that is shipped", FilesConfig::teacher),
            word("text", "TEXT", "file, folder or 'pattern', =WEIGHT", FilesConfig::text)
                    .repeated(),
            word("valid", "TEXT", "validation text; default: the text's end", FilesConfig::valid)
                    .repeated(),
            path("out", "DIR", "the run folder; default: a new one in runs", FilesConfig::out),
            flag("report", "whether to write the HTML report", FilesConfig::report));

    private static final List<ConfigOption<TrainingConfig>> TRAINING = List.of(
            whole("tokens", "N", "of all stages together", TrainingConfig::tokens),
            number("split", "A,B,C", "shares of stages 1, 2, 3", ConfigOptions::shares)
                    .listed(),
            whole("context", "T", "tokens per window", TrainingConfig::context),
            whole("batch", "B", "windows per step", TrainingConfig::batch),
            whole("accumulate", "N", "gradient accumulation steps", TrainingConfig::accumulate),
            number("lr", "A,B,C", "peak learning rates of stages 1, 2, 3", ConfigOptions::learningRates)
                    .listed(),
            word("freeze", "NAME,…", "parameters not trained, * is a wildcard", TrainingConfig::freeze)
                    .listed(),
            word(
                            "keep-attention",
                            "I,…",
                            "layers, from 0, that keep their attention; auto:K",
                            TrainingConfig::keepAttention)
                    .listed(),
            whole("seed", "S", "random seed", TrainingConfig::seed));

    private static final List<ConfigOption<StudentConfig>> STUDENT = List.of(
            word("mixer", "NAME", "of those that ./mohawk mixers lists", StudentConfig::mixer),
            word("mixer-option", "NAME=VALUE", "of the mixer", ConfigOptions::unset)
                    .repeated(),
            word("init", "AS", "calibrated, attention or random", StudentConfig::init)
                    .named("--mixer-init"),
            word("start", "AS", "", ConfigOptions::unset).named("--mixer-start"),
            whole("state-size", "N", "--mixer-option state-size=N", ConfigOptions::unset),
            whole("conv-width", "K", "--mixer-option conv-width=K", ConfigOptions::unset),
            whole("value-heads", "H", "--mixer-option heads=H", ConfigOptions::unset),
            whole("qk-heads", "G", "--mixer-option groups=G", ConfigOptions::unset),
            whole("chunk-length", "Q", "--mixer-option chunk-length=Q", ConfigOptions::unset));

    private static final List<ConfigOption<OptimizerConfig>> OPTIMIZER = List.of(
            number("weight-decay", "X", "of matrices", OptimizerConfig::weightDecay),
            number("betas", "A,B", "of the moments", OptimizerConfig::betas).listed(),
            number("epsilon", "X", "in the denominator", OptimizerConfig::epsilon),
            number("clip-norm", "X", "of all gradients, 0 for none", OptimizerConfig::clipNorm),
            word("lr-factor", "NAME=X", "times the rate of these parameters, * is any", (OptimizerConfig own) -> "")
                    .repeated());

    private static final List<ConfigOption<ScheduleConfig>> SCHEDULE = List.of(
            word("kind", "NAME", "warmup-stable-decay or cosine", ScheduleConfig::kind)
                    .named("--schedule"),
            number("warmup-fraction", "X", "of the steps", ScheduleConfig::warmupFraction),
            number("decay-fraction", "X", "of the steps", ScheduleConfig::decayFraction),
            number("final-fraction", "X", "of the peak", ScheduleConfig::finalFraction));

    private static final List<ConfigOption<HiddenStateConfig>> HIDDEN_STATES = List.of(
            word("target", "WHAT", "mixer or block", HiddenStateConfig::target).named("--stage2-target"));

    private static final List<ConfigOption<DistillationConfig>> LOGITS = List.of(
            number("temperature", "X", "of the logits", DistillationConfig::temperature),
            number("hard-label-share", "X", "of the loss", DistillationConfig::hardLabelShare),
            whole("top-k", "K", "only the teacher's K most likely tokens, 0 for all", DistillationConfig::topK),
            number(
                    "hidden-state-weight",
                    "X",
                    "of the hidden-state loss, 0 for none",
                    DistillationConfig::hiddenStateWeight),
            flag("recompute", "activation checkpointing", DistillationConfig::recompute));

    private static final List<ConfigOption<AutoTokensConfig>> AUTO_TOKENS = List.of(
            number("share", "X", "of its steps between two measurements", AutoTokensConfig::share)
                    .named("--auto-tokens-share"),
            number("improvement", "X", "of the held-out loss, below which it ends", AutoTokensConfig::improvement)
                    .named("--auto-tokens-improvement"),
            whole("windows", "N", "of the held-out text", AutoTokensConfig::windows)
                    .named("--auto-tokens-windows"));

    private static final List<ConfigOption<EvaluationConfig>> EVALUATION = List.of(
            number("held-out", "X", "share of the text, its end", EvaluationConfig::heldOut),
            whole("windows", "N", "at most, 0 for all", EvaluationConfig::windows));

    private static final List<ConfigOption<CheckpointConfig>> CHECKPOINTS = List.of(
            whole("every", "STEPS", "of a stage, 0 for none", CheckpointConfig::every)
                    .named("--checkpoint-every"),
            number("minutes", "M", "between two, 0 for none", CheckpointConfig::minutes)
                    .named("--checkpoint-minutes"),
            whole("keep", "N", "number of checkpoints to keep", CheckpointConfig::keep));

    private static final List<ConfigOption<FaultConfig>> FAULTS = List.of(
            number("spike-threshold", "Z", "robust z-score of a spike, 0 for none", FaultConfig::spikeThreshold),
            word("on-spike", "ACTION", "skip or roll-back", FaultConfig::onSpike));

    private static final List<ConfigOption<DataConfig>> READING = List.of(
            word("text-field", "NAME", "of a JSON line, or column", DataConfig::textField),
            whole("readers", "K", "tokenizer threads", DataConfig::readers));

    private static final List<ConfigOption<DataConfig>> SPECIAL_TOKENS =
            List.of(word("bos", "WHEN", "auto, as its files say, always or never", DataConfig::bos));

    private static final List<ConfigOption<DataConfig>> SHUFFLING =
            List.of(whole("shuffle", "N", "windows shuffled together", DataConfig::shuffle));

    private static final List<ConfigOption<DataConfig>> CACHE =
            List.of(path("teacher-cache", "FILE", "to keep it in", DataConfig::teacherCache));

    private static final Group MACHINE = Group.of(
            "Machine",
            "",
            DistillConfig::machine,
            List.of(
                    word("backend", "NAME", "auto, nd4j or cuda", MachineConfig::backend),
                    whole("device", "N", "which GPU, from 0", MachineConfig::device),
                    whole("threads", "K", "of the CPU, 0 for the backend's choice", MachineConfig::threads),
                    word("dtype", "TYPE", "float, double, bf16", MachineConfig::dtype)));

    private static final List<ConfigOption<MachineConfig>> SEVERAL_GPUS = List.of(
            whole("gpus", "N", "of this machine, one process for each", MachineConfig::gpus),
            flag("shard-parameters", "divide the student's parameters too", MachineConfig::shardParameters),
            word("parallelism", "WHAT", "of stages 1 and 2: data, layer or auto", MachineConfig::parallelism));

    private static final Group TEXTS = Group.of("Reading texts", "data", DistillConfig::data, READING);

    private static final Group TOKENIZER =
            Group.of("The tokenizer's BOS token before a text", "data", DistillConfig::data, SPECIAL_TOKENS);

    private static final List<Group> DISTILLATION = List.of(
            Group.of("Files", "", DistillConfig::files, FILES),
            TEXTS,
            TOKENIZER,
            Group.of("Texts that are streamed", "data", DistillConfig::data, SHUFFLING),
            Group.of("What the teacher computes", "data", DistillConfig::data, CACHE),
            Group.of("Training", "", DistillConfig::training, TRAINING),
            Group.of("The student's mixers", "student", DistillConfig::student, STUDENT),
            Group.of("AdamW", "optimizer", config -> config.learning().optimizer(), OPTIMIZER),
            Group.of(
                    "The learning rate along a stage",
                    "schedule",
                    config -> config.learning().schedule(),
                    SCHEDULE),
            Group.of("Stage 2", "hidden-states", config -> config.learning().hiddenStates(), HIDDEN_STATES),
            Group.of("Stage 3", "distillation", config -> config.learning().distillation(), LOGITS),
            Group.of(
                    "Stages with tokens: auto",
                    "auto-tokens",
                    config -> config.learning().autoTokens(),
                    AUTO_TOKENS),
            Group.of("Evaluation", "evaluation", DistillConfig::evaluation, EVALUATION),
            Group.of("Checkpoints", "checkpoint", config -> config.recovery().checkpoint(), CHECKPOINTS),
            Group.of("Losses that jump", "faults", config -> config.recovery().faults(), FAULTS),
            MACHINE,
            Group.of("Several GPUs", "", DistillConfig::machine, SEVERAL_GPUS));

    private ConfigOptions() {}

    /** Of an option that stands for another, which shows the default. */
    private static Object unset(StudentConfig student) {
        return "";
    }

    /** Options under a heading of the help. */
    private record Group(String heading, List<ConfigOption<DistillConfig>> options) {
        /** Options of a section of the configuration, which is empty where its keys stand without its name. */
        static <S> Group of(
                String heading, String section, Function<DistillConfig, S> accessor, List<ConfigOption<S>> options) {
            return new Group(
                    heading,
                    options.stream()
                            .map(option -> option.within(section, accessor))
                            .toList());
        }

        void addTo(CommandSpec command) {
            DistillConfig usual = DistillConfig.defaults();
            DistillConfig shipped = EmbeddedTeacher.config();
            ArgGroupSpec.Builder group = ArgGroupSpec.builder()
                    .heading("%n" + heading + ":%n")
                    .exclusive(false)
                    .validate(false);
            options.forEach(option -> group.addArg(option.spec(usual, shipped)));
            command.addArgGroup(group.build());
        }
    }

    /** Adds all options. */
    public static final class All implements IModelTransformer {
        @Override
        public CommandSpec transform(CommandSpec command) {
            DISTILLATION.forEach(group -> group.addTo(command));
            return command;
        }
    }

    /** Adds those options of {@link All} that a study leaves to the user. */
    public static final class Study implements IModelTransformer {
        private static final Set<String> OF_USER = Set.of(
                "--teacher",
                "--text",
                "--valid",
                "--out",
                "--text-field",
                "--readers",
                "--bos",
                "--tokens",
                "--context",
                "--batch",
                "--accumulate",
                "--lr",
                "--held-out",
                "--windows");

        @Override
        public CommandSpec transform(CommandSpec command) {
            DISTILLATION.stream()
                    .map(group -> new Group(
                            group.heading(),
                            group.options().stream()
                                    .filter(option -> group.equals(MACHINE) || OF_USER.contains(option.name()))
                                    .toList()))
                    .filter(group -> !group.options().isEmpty())
                    .forEach(group -> group.addTo(command));
            return command;
        }
    }

    /** Adds {@code --backend}, {@code --device}, {@code --threads} and {@code --dtype}. */
    public static final class Machine implements IModelTransformer {
        @Override
        public CommandSpec transform(CommandSpec command) {
            MACHINE.addTo(command);
            return command;
        }
    }

    /** Adds {@code --bos}, and what {@link Machine} does. */
    public static final class Model implements IModelTransformer {
        @Override
        public CommandSpec transform(CommandSpec command) {
            TOKENIZER.addTo(command);
            return new Machine().transform(command);
        }
    }

    /** Adds what {@link Texts} and {@link Machine} do. */
    public static final class TextsAndMachine implements IModelTransformer {
        @Override
        public CommandSpec transform(CommandSpec command) {
            return new Machine().transform(new Texts().transform(command));
        }
    }

    /** Adds {@code --text-field}, {@code --readers} and {@code --bos}. */
    public static final class Texts implements IModelTransformer {
        @Override
        public CommandSpec transform(CommandSpec command) {
            TEXTS.addTo(command);
            TOKENIZER.addTo(command);
            return command;
        }
    }

    /**
     * What was given on the command line, by key of the configuration. A command's own option may have the name of one
     * of these and mean something else, as {@code generate --temperature} does: it stands in none of the groups.
     */
    public static Map<String, Object> given(CommandSpec command) {
        Map<String, Object> values = new LinkedHashMap<>();
        Stream<ConfigOption<DistillConfig>> options = DISTILLATION.stream().flatMap(group -> group.options().stream());
        options.forEach(option -> {
            OptionSpec found = command.findOption(option.name());
            if (found != null
                    && found.group() != null
                    && command.commandLine().getParseResult().hasMatchedOption(found)) {
                values.put(option.key(), found.getValue());
            }
        });
        return values;
    }

    private static List<Optional<Double>> shares(TrainingConfig training) {
        return training.stages().stream().map(StageConfig::share).toList();
    }

    private static List<Double> learningRates(TrainingConfig training) {
        return training.stages().stream().map(StageConfig::learningRate).toList();
    }
}
