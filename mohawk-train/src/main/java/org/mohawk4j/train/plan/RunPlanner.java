package org.mohawk4j.train.plan;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.function.Function;
import org.mohawk4j.InvalidInputException;
import org.mohawk4j.models.CausalLm;
import org.mohawk4j.models.MixerPlan;
import org.mohawk4j.tensor.Engine;
import org.mohawk4j.train.cache.CacheContents;
import org.mohawk4j.train.config.ActiveStage;
import org.mohawk4j.train.config.DistillConfig;
import org.mohawk4j.train.config.MachineConfig.Precision;
import org.mohawk4j.train.config.StageObjective;

/**
 * Predicts memory, speed and disk of a run, without computing anything.
 *
 * @param teacher makes the teacher, whose numbers are not read
 * @param gpu one of the devices
 * @param devices that share each batch evenly, or divide the layers of a stage
 * @param tokensPerSecond of all devices together, if it is known better than from the device's rates
 */
public record RunPlanner(
        Function<Engine, CausalLm> teacher,
        MixerPlan mixers,
        PlannedGpu gpu,
        int devices,
        OptionalDouble tokensPerSecond) {
    /**
     * What a device needs beside its arrays: what the driver's pool holds in pieces that no array fits (up to 1.5 GiB in
     * the recorded rows), its context and the kernels.
     */
    static final long BESIDE_ARRAYS = 2L << 30;

    /** Devices that are looked at beyond those of the run. */
    private static final int MOST_DEVICES = 64;

    private static final int MOMENTS = 2;

    /** A dry run. */
    private record Trial(
            List<StageProfile> profiles, RunPlan.Disk disk, long teacherSize, List<Long> studentParameters) {
        long studentSize() {
            return studentParameters.stream().mapToLong(Long::longValue).sum();
        }

        /** The lightest first. Parameters are sharded where most of them can be. */
        List<Sharding> shardings(int devices) {
            if (devices == 1) {
                return List.of(Sharding.NONE);
            }
            return org.mohawk4j.train.optimizer.Sharding.across(0, devices).shardsMost(studentParameters)
                    ? List.of(Sharding.OPTIMIZER, Sharding.PARAMETERS)
                    : List.of(Sharding.OPTIMIZER);
        }

        long peak(Sharding sharding, int devices) {
            return profiles.stream()
                    .mapToLong(profile -> sharding.of(profile, devices).values().stream()
                            .mapToLong(Long::longValue)
                            .sum())
                    .max()
                    .orElse(0);
        }
    }

    /**
     * Plans a run.
     *
     * @param config whose batches are those of all devices together
     * @throws InvalidInputException if the devices cannot share a batch
     */
    public RunPlan plan(DistillConfig config) {
        requireShares(config, devices);
        Trial trial = trial(config, devices);
        Sharding sharding = trial.shardings(devices).stream()
                .filter(some -> fits(trial.peak(some, devices)))
                .findFirst()
                .orElse(trial.shardings(devices).get(0));
        boolean fits = fits(trial.peak(sharding, devices));
        List<ActiveStage> stages = config.activeStages();
        List<StageEstimate> estimates = new ArrayList<>();
        for (int i = 0; i < stages.size(); i++) {
            estimates.add(estimate(config, stages.get(i), trial.profiles().get(i), sharding));
        }
        return new RunPlan(
                trial.teacherSize(),
                trial.studentSize(),
                sharding,
                estimates,
                fits,
                fits ? List.of() : changes(config),
                trial.disk());
    }

    private boolean fits(long peak) {
        return peak + BESIDE_ARRAYS <= gpu.model().memoryBytes();
    }

    private static void requireShares(DistillConfig config, int devices) {
        for (ActiveStage stage : config.activeStages()) {
            int parts = shares(config, stage, devices) * config.training().accumulate();
            if (stage.batch() % parts != 0) {
                boolean own = stage.batch() != config.training().batch();
                throw new InvalidInputException((own ? stage.key() + ".batch" : "batch") + ": expected a multiple of "
                        + parts + ", got " + stage.batch() + "; GPUs: " + devices + ", micro-batches of each: "
                        + config.training().accumulate());
            }
        }
    }

    /** Devices that divide a stage's batch. */
    private static int shares(DistillConfig config, ActiveStage stage, int devices) {
        return config.dividesLayers(stage, devices) ? 1 : devices;
    }

    private Trial trial(DistillConfig config, int shares) {
        try (DryTraining dry = new DryTraining(config, teacher, mixers, gpu.model())) {
            List<StageProfile> profiles = dry.profiles(shares);
            return new Trial(profiles, disk(config, dry, profiles), dry.teacherParameters(), dry.sizes());
        }
    }

    private RunPlan.Disk disk(DistillConfig config, DryTraining dry, List<StageProfile> profiles) {
        long student = dry.studentParameters() * Float.BYTES;
        long moments = profiles.stream().mapToLong(StageProfile::trained).max().orElse(0) * MOMENTS * Float.BYTES;
        CacheContents contents = CacheContents.of(config, devices);
        int context = config.training().context();
        long windows = config.activeStages().stream()
                .filter(stage -> contents.serves(stage, config, devices))
                .mapToLong(stage -> (long) stage.steps() * stage.batch())
                .sum();
        Optional<Long> cache =
                config.data().teacherCache().map(file -> contents.predictBytes(dry.teacher(), context, windows));
        return new RunPlan.Disk(
                student, student + moments, config.recovery().checkpoint().keep() + 1, cache);
    }

    private StageEstimate estimate(DistillConfig config, ActiveStage stage, StageProfile profile, Sharding sharding) {
        return new StageEstimate(
                stage,
                profile.dividesLayers(),
                sharding.of(profile, devices),
                stepSeconds(config, stage, profile, sharding));
    }

    private OptionalDouble stepSeconds(
            DistillConfig config, ActiveStage stage, StageProfile profile, Sharding sharding) {
        if (tokensPerSecond.isPresent()) {
            return OptionalDouble.of((double) stage.batch() * stage.context() / tokensPerSecond.getAsDouble());
        }
        if (!isMeasured(config, stage)) {
            return OptionalDouble.empty();
        }
        // the last device begins when all others have passed the first micro-batch on
        double waiting = (devices - 1) * gpu.rates().seconds(profile.work().beforeNext());
        return OptionalDouble.of(gpu.rates().seconds(profile.step())
                + waiting
                + gpu.rates().sendingSeconds(sharding.sentBytes(profile)));
    }

    /** The rates are of products in bfloat16, and the likeliest tokens are chosen by the host. */
    private static boolean isMeasured(DistillConfig config, ActiveStage stage) {
        boolean onHost = stage.objective() == StageObjective.KNOWLEDGE_DISTILLATION
                && config.learning().distillation().topK() > 0;
        return config.machine().dtype() == Precision.BFLOAT16 && !onHost;
    }

    /** Recomputing, accumulating, or both; more devices if nothing else helps. */
    private List<RunPlan.Change> changes(DistillConfig config) {
        List<RunPlan.Change> found = new ArrayList<>();
        boolean canRecompute = !config.learning().distillation().recompute();
        if (canRecompute) {
            fitting(config, true, Optional.empty()).ifPresent(found::add);
        }
        firstFitting(config, false).ifPresent(found::add);
        if (found.isEmpty() && canRecompute) {
            firstFitting(config, true).ifPresent(found::add);
        }
        if (found.isEmpty()) {
            moreDevices(config).ifPresent(found::add);
        }
        return found;
    }

    /** Of all numbers of micro-batches, the smallest that helps. */
    private Optional<RunPlan.Change> firstFitting(DistillConfig config, boolean recompute) {
        for (int parts : accumulations(config)) {
            Optional<RunPlan.Change> change = fitting(config, recompute, Optional.of(parts));
            if (change.isPresent()) {
                return change;
            }
        }
        return Optional.empty();
    }

    private Optional<RunPlan.Change> fitting(DistillConfig config, boolean recompute, Optional<Integer> accumulate) {
        Map<String, Object> values = new HashMap<>();
        accumulate.ifPresent(parts -> values.put("accumulate", parts));
        Trial trial = trial((recompute ? recomputed(config) : config).with(values), devices);
        return trial.shardings(devices).stream()
                .filter(sharding -> fits(trial.peak(sharding, devices)))
                .findFirst()
                .map(sharding -> new RunPlan.Change(
                        recompute ? Optional.of(true) : Optional.empty(),
                        accumulate,
                        Optional.empty(),
                        sharding,
                        trial.peak(sharding, devices)));
    }

    /** As few devices as it takes, which share the parameters. */
    private Optional<RunPlan.Change> moreDevices(DistillConfig config) {
        Trial trial = trial(recomputed(config), devices);
        for (int count = 2 * devices; count <= MOST_DEVICES; count *= 2) {
            long peak = trial.peak(Sharding.PARAMETERS, count);
            if (trial.shardings(count).contains(Sharding.PARAMETERS) && fits(peak)) {
                return Optional.of(new RunPlan.Change(
                        Optional.of(true), Optional.empty(), Optional.of(count), Sharding.PARAMETERS, peak));
            }
        }
        return Optional.empty();
    }

    private static DistillConfig recomputed(DistillConfig config) {
        return config.with(Map.of("distillation.recompute", true));
    }

    /** Numbers of micro-batches above the run's, doubled as long as they divide each batch. */
    private List<Integer> accumulations(DistillConfig config) {
        List<Integer> possible = new ArrayList<>();
        for (int parts = 2 * config.training().accumulate(); ; parts *= 2) {
            int count = parts;
            if (config.activeStages().stream()
                    .anyMatch(stage -> stage.batch() % (count * shares(config, stage, devices)) != 0)) {
                return possible;
            }
            possible.add(parts);
        }
    }
}
