package org.mohawk4j.cli;

import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import org.mohawk4j.InvalidInputException;
import org.mohawk4j.cli.option.ConfigOptions;
import org.mohawk4j.models.CausalLmConfig;
import org.mohawk4j.models.MixerPlan;
import org.mohawk4j.models.ModelFolder;
import org.mohawk4j.train.DistillationRun;
import org.mohawk4j.train.LayerRanking;
import org.mohawk4j.train.config.ActiveStage;
import org.mohawk4j.train.config.AutoAttention;
import org.mohawk4j.train.config.DistillConfig;
import org.mohawk4j.train.config.DistillConfigYaml;
import org.mohawk4j.train.plan.ByteSize;
import org.mohawk4j.train.plan.PlannedGpu;
import org.mohawk4j.train.plan.RunPlan;
import org.mohawk4j.train.plan.RunPlanner;
import org.mohawk4j.train.sample.EmbeddedTeacher;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** Predicts what a run of {@code distill} needs. Of the teacher it reads {@code config.json} and headers of weights. */
@Command(
        name = "plan",
        description =
                "Predicts memory, speed and disk of a run on GPUs, from the options of distill. Needs no GPU and no"
                        + " text; computes nothing and reads no weights.",
        abbreviateSynopsis = true,
        modelTransformer = ConfigOptions.All.class)
final class PlanCommand implements Runnable {
    private static final String AUTO = "auto";
    private static final String CUDA = "cuda";

    @Spec
    private CommandSpec spec;

    @Option(
            names = "--config",
            paramLabel = "FILE",
            description = "YAML with all these options; options on the command line override it.")
    private Optional<Path> file = Optional.empty();

    @Option(
            names = "--gpu",
            paramLabel = "NAME",
            defaultValue = "h200",
            description = "The GPU whose measured rates are used (default: ${DEFAULT-VALUE}).")
    private String gpu = "";

    @Option(
            names = "--gpu-memory",
            paramLabel = "SIZE",
            description = "Memory of a GPU, such as 80GiB (default: that of the GPU, 143771MiB for h200).")
    private Optional<String> memory = Optional.empty();

    @Option(
            names = "--tokens-per-second",
            paramLabel = "X",
            description = "The speed of all GPUs together in every stage, instead of the predicted one.")
    private Optional<Double> tokensPerSecond = Optional.empty();

    @Override
    public void run() {
        tokensPerSecond
                .filter(speed -> !(speed > 0 && speed < Double.POSITIVE_INFINITY))
                .ifPresent(speed -> {
                    throw new InvalidInputException("--tokens-per-second: expected a number above 0, got " + speed);
                });
        Map<String, Object> values = ConfigOptions.given(spec);
        DistillConfig asked = file.map(DistillConfigYaml::read)
                .orElseGet(() -> values.containsKey("teacher") ? DistillConfig.defaults() : EmbeddedTeacher.config())
                .with(values);
        String backend = asked.machine().backend();
        if (!backend.equals(AUTO) && !backend.equals(CUDA)) {
            throw new InvalidInputException(
                    "backend: expected " + CUDA + " or " + AUTO + ", since only GPUs are planned for, got " + backend);
        }
        int gpus = asked.machine().gpus();
        PlannedGpu known = PlannedGpu.named(gpu);
        PlannedGpu device = memory.map(size -> known.withMemoryBytes(ByteSize.parse("--gpu-memory", size)))
                .orElse(known);
        Path folder = asked.files().teacher().orElseGet(EmbeddedTeacher::unpack);
        ModelFolder.requireFolder("teacher", folder);
        CausalLmConfig dimensions = ModelFolder.config(folder);
        DistillationRun.requirePositions(asked, dimensions.maxPositions());
        int layers = dimensions.layers();
        Optional<LayerRanking> studied = asked.training()
                .autoAttention()
                .flatMap(AutoAttention::study)
                .map(study -> LayerRanking.of(study, layers));
        MixerPlan mixers = asked.student().plan(dimensions, LayerRanking.kept(asked, layers, studied));
        DistillationRun.requireComparable(asked, mixers, dimensions);
        RunPlanner planner = new RunPlanner(
                engine -> ModelFolder.unread(engine, folder),
                mixers,
                device,
                gpus,
                tokensPerSecond.map(OptionalDouble::of).orElse(OptionalDouble.empty()));
        PrintWriter out = spec.commandLine().getOut();
        new PlanTable(planner.plan(asked), device, gpus, other(planner, asked)).print(out);
    }

    /** The same run with its layers divided among GPUs instead of its batches, or the other way round. */
    private static Optional<String> other(RunPlanner planner, DistillConfig asked) {
        List<ActiveStage> layerwise = asked.activeStages().stream()
                .filter(stage -> stage.objective().isLayerwise())
                .toList();
        if (planner.devices() == 1 || layerwise.isEmpty()) {
            return Optional.empty();
        }
        boolean divided = layerwise.stream().anyMatch(stage -> asked.dividesLayers(stage, planner.devices()));
        String name = divided ? "data" : "layer";
        try {
            RunPlan plan = planner.plan(asked.with(Map.of("parallelism", name)));
            return Optional.of("--parallelism " + name + ": " + PlanTable.summary(plan));
        } catch (InvalidInputException e) {
            return Optional.of("--parallelism " + name + " cannot be: " + e.getMessage());
        }
    }
}
