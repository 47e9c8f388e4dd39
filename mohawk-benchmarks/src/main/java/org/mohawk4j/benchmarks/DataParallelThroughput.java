package org.mohawk4j.benchmarks;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.SplittableRandom;
import org.jspecify.annotations.Nullable;
import org.mohawk4j.backend.BackendOptions;
import org.mohawk4j.backend.DeviceMemoryException;
import org.mohawk4j.data.InMemoryLoader;
import org.mohawk4j.data.TokenSequence;
import org.mohawk4j.data.TokenWindows;
import org.mohawk4j.mixer.DiscreteMamba2;
import org.mohawk4j.models.CausalLm;
import org.mohawk4j.models.MixerPlan;
import org.mohawk4j.op.loss.DistillationFunction;
import org.mohawk4j.tensor.Engine;
import org.mohawk4j.train.config.FaultConfig;
import org.mohawk4j.train.distributed.DataParallel;
import org.mohawk4j.train.distributed.LocalProcessGroup;
import org.mohawk4j.train.distributed.ProcessGroup;
import org.mohawk4j.train.loop.Parallelism;
import org.mohawk4j.train.loop.StageLength;
import org.mohawk4j.train.loop.StageState;
import org.mohawk4j.train.loop.StepBoundary;
import org.mohawk4j.train.loop.Trainer;
import org.mohawk4j.train.loop.TrainingListener;
import org.mohawk4j.train.metrics.StepMetrics;
import org.mohawk4j.train.optimizer.AdamW;
import org.mohawk4j.train.optimizer.Sharding;
import org.mohawk4j.train.schedule.CosineSchedule;
import org.mohawk4j.train.stage.HiddenStateAlignment;
import org.mohawk4j.train.stage.LayerwiseObjective;
import org.mohawk4j.train.stage.Objective;
import org.mohawk4j.train.stage.StagePlan;

/**
 * Tokens per second of one GPU and of several, at the same batch on each, by the trainer's own steps: random weights and
 * tokens, products in bfloat16. The ranks are threads of this process, which needs {@code NCCL_P2P_DIRECT_DISABLE=1} and,
 * above two of them, {@code NCCL_NVLS_ENABLE=0} in its environment.
 *
 * <p>Arguments: shape, stage, batch on each GPU, context, GPUs (2), steps (20), layers (the shape's), and anywhere {@code
 * --replicated} (every rank updates all parameters), {@code --shard-parameters} (they are sharded, and blocks computed
 * again in the backward pass), {@code --divide-layers} (of stages 1 and 2, in as many micro-batches as there are GPUs) or
 * {@code --independent} (each GPU trains for itself at the same time: what is lost without any communication, to slower
 * GPUs and to the host).
 */
record DataParallelThroughput(
        ModelShape shape, int stage, int batch, int context, int steps, int layers, Division division) {
    private static final int WARM_UP = 5;
    private static final AdamW.Config ADAMW = new AdamW.Config(0.9, 0.95, 1e-8, 0.1, 1.0);

    /** What several GPUs shard. */
    enum Division {
        NOTHING("--replicated"),
        OPTIMIZER("--shard-optimizer"),
        PARAMETERS("--shard-parameters"),
        LAYERS("--divide-layers"),
        INDEPENDENT("--independent");

        private final String option;

        Division(String option) {
            this.option = option;
        }
    }

    public static void main(String[] args) throws InterruptedException {
        List<String> given = new ArrayList<>(List.of(args));
        Division division = Arrays.stream(Division.values())
                .filter(value -> given.remove(value.option))
                .findFirst()
                .orElse(Division.OPTIMIZER);
        ModelShape shape = ModelShape.of(given.get(0));
        DataParallelThroughput trial = new DataParallelThroughput(
                shape,
                Integer.parseInt(given.get(1)),
                Integer.parseInt(given.get(2)),
                Integer.parseInt(given.get(3)),
                number(given, 5, 20),
                number(given, 6, shape.layers()),
                division);
        int gpus = number(given, 4, 2);
        Optional<Rate> one = trial.rateOfOne();
        one.ifPresent(rate -> System.out.println(trial.measurement(1, rate, 1).toJson()));
        Rate all = trial.rateOf(gpus);
        double alone = one.map(Rate::tokensPerSecond).orElse(Double.NaN);
        System.out.println(
                trial.measurement(gpus, all, all.tokensPerSecond() / alone).toJson());
    }

    private static int number(List<String> given, int index, int otherwise) {
        return given.size() > index ? Integer.parseInt(given.get(index)) : otherwise;
    }

    /** Empty if one GPU has no room for it. */
    private Optional<Rate> rateOfOne() {
        try {
            return Optional.of(rate(0, Optional.empty()));
        } catch (DeviceMemoryException e) {
            System.out.println("one GPU: " + e.getMessage());
            return Optional.empty();
        }
    }

    private record Rate(String device, double tokensPerSecond, long reservedBytes) {}

    private Rate rateOf(int gpus) throws InterruptedException {
        Rate[] rates = new Rate[gpus];
        boolean grouped = division != Division.INDEPENDENT;
        List<@Nullable Throwable> thrown = LocalProcessGroup.run(
                gpus,
                group -> rates[group.rank()] = rate(group.rank(), grouped ? Optional.of(group) : Optional.empty()));
        for (Throwable failure : thrown) {
            if (failure != null) {
                throw new IllegalStateException(failure);
            }
        }
        double sum = Arrays.stream(rates).mapToDouble(Rate::tokensPerSecond).sum();
        return grouped ? rates[0] : new Rate(rates[0].device(), sum, rates[0].reservedBytes());
    }

    private Rate rate(int device, Optional<ProcessGroup> group) {
        int size = group.map(ProcessGroup::size).orElse(1);
        SplittableRandom random = new SplittableRandom(0);
        try (Engine engine = Engine.open(
                        "cuda", BackendOptions.defaults().withMixed(true).withDevice(device));
                Parallelism ranks = group.map(own -> parallel(engine, own)).orElseGet(Parallelism::none);
                CausalLm teacher = shape.teacher(engine, context, layers)) {
            MixerPlan mixers = MixerPlan.replacing(teacher.config(), DiscreteMamba2.Config::like, List.of());
            try (CausalLm student = mixers.student(teacher, random)) {
                ranks.share(student.parameters().values());
                teacher.castWeights();
                ranks.shard(student.parameters().values());
                int vocabulary = Math.toIntExact(teacher.config().vocabulary());
                int[] text = random.ints(4L * batch * size * context + 1, 0, vocabulary)
                        .toArray();
                InMemoryLoader batches = new InMemoryLoader(
                        new TokenWindows(TokenSequence.of("random", text), context), batch * size, 0);
                Stopwatch stopwatch = new Stopwatch();
                int all = WARM_UP + steps;
                int parts = division == Division.LAYERS ? size : 1;
                Parallelism.Divided own = divided(new StagePlan(teacher, student, mixers, List.of()), ranks, parts);
                try (StageState state = new StageState(
                        stage,
                        new AdamW(engine, ADAMW, own.ranks().sharding()),
                        0,
                        new StageLength(new CosineSchedule(1e-4, 0, all, 0), all))) {
                    new Trainer(engine, batches, stopwatch, parts, FaultConfig.defaults(), own.ranks())
                            .run(state, own.objective(), StepBoundary.NOTHING);
                }
                return new Rate(
                        engine.backend().description(),
                        (double) batch * size * context * steps / stopwatch.seconds(),
                        engine.backend().memory().reservedBytes());
            }
        }
    }

    private Parallelism parallel(Engine engine, ProcessGroup group) {
        Sharding sharding = division == Division.NOTHING
                ? Sharding.replicated(group.rank(), group.size())
                : Sharding.across(group.rank(), group.size());
        DataParallel ranks = new DataParallel(engine, group, sharding, 0);
        return division == Division.PARAMETERS ? ranks.withShardedParameters() : ranks;
    }

    private Parallelism.Divided divided(StagePlan plan, Parallelism ranks, int parts) {
        Objective objective = objective(plan);
        return division == Division.LAYERS
                ? ranks.byLayers((LayerwiseObjective) objective, parts)
                : new Parallelism.Divided(objective, ranks);
    }

    private Objective objective(StagePlan plan) {
        return switch (stage) {
            case 1 -> plan.matrixOrientation();
            case 2 -> plan.hiddenStateAlignment(HiddenStateAlignment.Target.MIXER);
            case 3 -> plan.knowledgeDistillation(DistillationFunction.Weights.PLAIN, division == Division.PARAMETERS);
            default -> throw new IllegalArgumentException("stage: expected 1, 2 or 3, got " + stage);
        };
    }

    /** From the end of the steps that warm up to the end of the last one. */
    private static final class Stopwatch implements TrainingListener {
        private long begin;
        private long end;

        @Override
        public boolean readsGradients(int stage, int step) {
            return false;
        }

        @Override
        public void iterationDone(StepMetrics metrics) {
            end = System.nanoTime();
            if (metrics.step() == WARM_UP) {
                begin = end;
            }
        }

        double seconds() {
            return (end - begin) / 1e9;
        }
    }

    private Measurement measurement(int gpus, Rate rate, double speedUp) {
        Map<String, Object> configuration = shape.describe(layers);
        configuration.put("stage", stage);
        configuration.put("batch_per_gpu", batch);
        configuration.put("context", context);
        configuration.put("steps", steps);
        configuration.put("gpus", gpus);
        configuration.put("sharded", division.name().toLowerCase(Locale.ROOT));
        Map<String, Object> results = new LinkedHashMap<>();
        results.put("tokens_per_second", Measurement.rounded(rate.tokensPerSecond()));
        results.put("speed_up", Measurement.rounded(speedUp));
        results.put("peak_gib", Measurement.rounded(rate.reservedBytes() / (double) (1L << 30)));
        return new Measurement("data-parallel-throughput", rate.device(), configuration, results);
    }
}
