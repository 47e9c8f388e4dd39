package org.mohawk4j.benchmarks;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.mohawk4j.backend.KernelProfiler;
import org.mohawk4j.models.CausalLm;
import org.mohawk4j.tensor.Engine;

/**
 * Tokens per second and memory of training steps on a model with random weights, on the GPU with products in bfloat16.
 * Each step ends with its losses on the host.
 *
 * <p>Arguments: shape, stage, batch, context, steps (8), layers (the shape's), {@code --profile} (at the end: the device's
 * time by kernel instead).
 */
record StageThroughput(ModelShape shape, int stage, int batch, int context, int layers) {
    private static final String PROFILE = "--profile";
    private static final int STEPS = 8;
    private static final int WARM_UP = 3;
    private static final int PROFILED = 4;
    private static final int NAMED = 25;

    /** With all layers of the shape. */
    StageThroughput(ModelShape shape, int stage, int batch, int context) {
        this(shape, stage, batch, context, shape.layers());
    }

    public static void main(String[] args) {
        List<String> given = new ArrayList<>(List.of(args));
        boolean profile = given.remove(PROFILE);
        ModelShape shape = ModelShape.of(given.get(0));
        int steps = given.size() > 4 ? Integer.parseInt(given.get(4)) : STEPS;
        StageThroughput trial = new StageThroughput(
                shape,
                Integer.parseInt(given.get(1)),
                Integer.parseInt(given.get(2)),
                Integer.parseInt(given.get(3)),
                given.size() > 5 ? Integer.parseInt(given.get(5)) : shape.layers());
        Chip chip = Chip.measure();
        System.out.println(chip.toJson());
        System.out.println((profile ? trial.profile() : trial.measure(chip, steps)).toJson());
    }

    Measurement measure(Chip chip) {
        return measure(chip, STEPS);
    }

    private Measurement measure(Chip chip, int steps) {
        Map<String, Object> configuration = configuration();
        configuration.put("steps", steps);
        try (Engine engine = DeviceTimer.open();
                CausalLm teacher = shape.teacher(engine, context, layers);
                StageTrial trial = new StageTrial(teacher, stage, batch, context)) {
            teacher.castWeights();
            double[] seconds = new DeviceTimer(engine).seconds(WARM_UP, steps, trial::step);
            double tokensPerSecond = (double) batch * context / seconds[steps / 2];
            Map<String, Object> results = new LinkedHashMap<>();
            results.put("seconds_per_step", Measurement.rounded(seconds[steps / 2]));
            results.put("slowest_step", Measurement.rounded(seconds[steps - 1]));
            results.put("tokens_per_second", Measurement.rounded(tokensPerSecond));
            double operations = tokensPerSecond * trial.flopsPerToken();
            results.put("teraflops", Measurement.rounded(operations / 1e12));
            results.put("share_of_products", Measurement.rounded(operations / chip.operationsPerSecond()));
            results.put(
                    "peak_arrays_gib",
                    Measurement.rounded(engine.backend().memory().peakBytes() / (double) (1L << 30)));
            results.put(
                    "peak_gib", Measurement.rounded(engine.backend().memory().reservedBytes() / (double) (1L << 30)));
            return new Measurement("stage-throughput", engine.backend().description(), configuration, results);
        }
    }

    /** The kernels that take most of a step, which no longer overlap, each in milliseconds of a step and how often. */
    Measurement profile() {
        try (Engine engine = DeviceTimer.open();
                CausalLm teacher = shape.teacher(engine, context, layers);
                StageTrial trial = new StageTrial(teacher, stage, batch, context)) {
            teacher.castWeights();
            KernelProfiler profiler = engine.backend().profiler().orElseThrow();
            DeviceTimer timer = new DeviceTimer(engine);
            double unobserved = timer.seconds(WARM_UP, PROFILED, trial::step)[PROFILED / 2];
            List<KernelProfiler.Total> totals = profiler.profile(() -> timer.seconds(0, PROFILED, trial::step));
            Map<String, Object> kernels = new LinkedHashMap<>();
            totals.stream()
                    .limit(NAMED)
                    .forEach(total -> kernels.put(
                            total.kernel(),
                            List.of(milliseconds(total.seconds() / PROFILED), total.calls() / (double) PROFILED)));
            double all =
                    totals.stream().mapToDouble(KernelProfiler.Total::seconds).sum();
            Map<String, Object> results = new LinkedHashMap<>();
            results.put("milliseconds_per_step", milliseconds(unobserved));
            results.put("milliseconds_in_kernels", milliseconds(all / PROFILED));
            results.put("kernels_in_milliseconds_and_calls", kernels);
            return new Measurement("stage-profile", engine.backend().description(), configuration(), results);
        }
    }

    private static double milliseconds(double seconds) {
        return Measurement.rounded(1e3 * seconds);
    }

    private Map<String, Object> configuration() {
        Map<String, Object> configuration = shape.describe(layers);
        configuration.put("stage", stage);
        configuration.put("batch", batch);
        configuration.put("context", context);
        return configuration;
    }
}
