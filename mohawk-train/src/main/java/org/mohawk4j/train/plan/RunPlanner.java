package org.mohawk4j.train.plan;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.function.Function;
import java.util.function.ToLongFunction;
import org.mohawk4j.InvalidInputException;
import org.mohawk4j.models.CausalLm;
import org.mohawk4j.models.MixerPlan;
import org.mohawk4j.tensor.Engine;
import org.mohawk4j.train.cache.CacheContents;
import org.mohawk4j.train.config.ActiveStage;
import org.mohawk4j.train.config.DistillConfig;
import org.mohawk4j.train.config.MachineConfig.Precision;

/**
 * Predicts memory, speed and disk of a run, without computing anything.
 *
 * @param teacher makes the teacher, whose numbers are not read
 * @param gpu one of the devices
 * @param devices that share each batch evenly
 * @param tokensPerSecond of all devices together, if it is known better than from the device's rates
 */
public record RunPlanner(
        Function<Engine, CausalLm> teacher, MixerPlan mixers, Gpu gpu, int devices, OptionalDouble tokensPerSecond) {
    /**
     * What a device needs beside its arrays: what the driver's pool holds in pieces that no array fits (up to 1.5 GiB in
     * the recorded rows), its context and the kernels.
     */
    static final long BESIDE_ARRAYS = 2L << 30;

    /** Devices that are looked at beyond those of the run. */
    private static final int MOST_DEVICES = 64;

    private static final int MOMENTS = 2;

    /** A stage's profile, and a stage of all devices. */
    private record Trial(List<StageProfile> profiles, RunPlan.Disk disk, long teacherSize, long studentSize) {
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
        Sharding sharding = shardings(devices).stream()
                .filter(some -> fits(trial.peak(some, devices)))
                .findFirst()
                .orElse(devices == 1 ? Sharding.NONE : Sharding.PARAMETERS);
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

    private static List<Sharding> shardings(int devices) {
        return devices == 1 ? List.of(Sharding.NONE) : List.of(Sharding.values());
    }

    private boolean fits(long peak) {
        return peak + BESIDE_ARRAYS <= gpu.model().memoryBytes();
    }

    private static void requireShares(DistillConfig config, int devices) {
        for (ActiveStage stage : config.activeStages()) {
            int parts = devices * config.training().accumulate();
            if (stage.batch() % parts != 0) {
                throw new InvalidInputException(stage.key() + ".batch: expected a multiple of " + parts + ", "
                        + devices + " devices of " + config.training().accumulate() + " micro-batches each, got "
                        + stage.batch());
            }
        }
    }

    private Trial trial(DistillConfig config, int shares) {
        try (DryTraining dry = new DryTraining(config, teacher, mixers, gpu.model())) {
            List<StageProfile> profiles = dry.profiles(shares);
            return new Trial(
                    profiles, disk(config, dry, profiles), dry.teacherParameters(), dry.studentParameters());
        }
    }

    private static RunPlan.Disk disk(DistillConfig config, DryTraining dry, List<StageProfile> profiles) {
        long student = dry.studentParameters() * Float.BYTES;
        long moments = profiles.stream().mapToLong(StageProfile::trained).max().orElse(0) * MOMENTS * Float.BYTES;
        CacheContents contents = CacheContents.of(config);
        int context = config.training().context();
        long windows = config.activeStages().stream()
                .filter(stage -> stage.context() == context && contents.serves(stage.objective()))
                .mapToLong(stage -> (long) stage.steps() * stage.batch())
                .sum();
        Optional<Long> cache =
                config.data().teacherCache().map(file -> contents.predictBytes(dry.teacher(), context, windows));
        return new RunPlan.Disk(
                student, student + moments, config.recovery().checkpoint().keep() + 1, cache);
    }

    private StageEstimate estimate(DistillConfig config, ActiveStage stage, StageProfile profile, Sharding sharding) {
        return new StageEstimate(stage, sharding.of(profile, devices), stepSeconds(config, stage, profile, sharding));
    }

    private OptionalDouble stepSeconds(
            DistillConfig config, ActiveStage stage, StageProfile profile, Sharding sharding) {
        if (tokensPerSecond.isPresent()) {
            return OptionalDouble.of((double) stage.batch() * stage.context() / tokensPerSecond.getAsDouble());
        }
        // the rates are of products in bfloat16
        return config.machine().dtype() == Precision.BFLOAT16
                ? OptionalDouble.of(gpu.rates().seconds(profile.step())
                        + gpu.rates().reductionSeconds(devices, profile.gradientBytes(), sharding.passes()))
                : OptionalDouble.empty();
    }

    private List<RunPlan.Change> changes(DistillConfig config) {
        List<RunPlan.Change> found = new ArrayList<>();
        ToLongFunction<DistillConfig> peak = changed -> shardings(devices).stream()
                .mapToLong(sharding -> trial(changed, devices).peak(sharding, devices))
                .min()
                .orElseThrow();
        DistillConfig recomputed = config.with(Map.of("distillation.recompute", true));
        boolean canRecompute = !config.learning().distillation().recompute();
        if (canRecompute) {
            keepIfFitting(found, "--recompute", peak.applyAsLong(recomputed));
        }
        for (int parts : accumulations(config)) {
            if (keepIfFitting(found, "--accumulate " + parts, peak.applyAsLong(accumulated(config, parts)))) {
                break;
            }
        }
        if (found.isEmpty() && canRecompute) {
            for (int parts : accumulations(config)) {
                String options = "--recompute --accumulate " + parts;
                if (keepIfFitting(found, options, peak.applyAsLong(accumulated(recomputed, parts)))) {
                    break;
                }
            }
        }
        if (found.isEmpty()) {
            moreDevices(found, config);
        }
        return found;
    }

    /** With everything else that saves memory, on as few devices as it takes. */
    private void moreDevices(List<RunPlan.Change> found, DistillConfig config) {
        DistillConfig smallest = config.with(Map.of("distillation.recompute", true));
        for (int count = 2 * devices; count <= MOST_DEVICES; count *= 2) {
            int share = count;
            boolean divides = config.activeStages().stream()
                    .allMatch(stage -> stage.batch() % (share * config.training().accumulate()) == 0);
            long peak = trial(smallest, divides ? count : devices).peak(Sharding.PARAMETERS, count);
            String batch = divides ? "" : " and a batch " + count / devices + " times as large";
            if (keepIfFitting(found, "--recompute --gpus " + count + " with sharded parameters" + batch, peak)) {
                return;
            }
        }
    }

    private boolean keepIfFitting(List<RunPlan.Change> found, String options, long peak) {
        boolean fits = fits(peak);
        if (fits) {
            found.add(new RunPlan.Change(options, peak));
        }
        return fits;
    }

    /** Numbers of micro-batches above the run's, doubled as long as they divide each batch. */
    private List<Integer> accumulations(DistillConfig config) {
        List<Integer> possible = new ArrayList<>();
        for (int parts = 2 * config.training().accumulate(); ; parts *= 2) {
            int all = parts * devices;
            if (config.activeStages().stream().anyMatch(stage -> stage.batch() % all != 0)) {
                return possible;
            }
            possible.add(parts);
        }
    }

    private static DistillConfig accumulated(DistillConfig config, int parts) {
        return config.with(Map.of("accumulate", parts));
    }
}
