package org.mohawk4j.benchmarks;

import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import org.mohawk4j.backend.BackendOptions;
import org.mohawk4j.models.CausalLm;
import org.mohawk4j.models.ModelFolder;
import org.mohawk4j.tensor.Engine;

/**
 * Where the time of a training step goes: the share of matrix products, of the other operations by name, and of what
 * lies between the operations. Every other step runs unobserved, so that the line also says what observing costs.
 *
 * <p>Arguments, all optional and in this order: the stage (3), steps (20), the teacher's folder (the shipped one), batch
 * (8), context (256).
 */
public final class BlasShare {
    private static final int WARM_UP = 4;
    private static final int NAMED = 12;
    private static final String SHIPPED_TEACHER = "mohawk-train/src/main/resources/org/mohawk4j/train/sample/teacher";

    private BlasShare() {}

    public static void main(String[] args) {
        int stage = Integer.parseInt(argument(args, 0, "3"));
        int steps = Integer.parseInt(argument(args, 1, "20"));
        Path folder = Path.of(argument(args, 2, SHIPPED_TEACHER));
        int batch = Integer.parseInt(argument(args, 3, "8"));
        int context = Integer.parseInt(argument(args, 4, "256"));
        try (Engine engine = Engine.open("nd4j", BackendOptions.defaults());
                CausalLm teacher = ModelFolder.load(engine, folder);
                StageTrial trial = new StageTrial(teacher, stage, batch, context)) {
            Map<String, Object> configuration = new LinkedHashMap<>();
            configuration.put("stage", stage);
            configuration.put("steps", steps);
            configuration.put("teacher", folder.getFileName().toString());
            configuration.put("width", teacher.config().width());
            configuration.put("layers", teacher.config().layers());
            configuration.put("batch", batch);
            configuration.put("context", context);
            Map<String, Object> results = measure(trial, steps, (long) batch * context);
            System.out.println(
                    new Measurement("blas-share", engine.backend().description(), configuration, results).toJson());
        }
    }

    private static Map<String, Object> measure(StageTrial trial, int steps, long tokens) {
        for (int i = 0; i < WARM_UP; i++) {
            trial.step();
        }
        OperationTimes times = new OperationTimes();
        long observed = 0;
        long unobserved = 0;
        for (int i = 0; i < steps; i++) {
            unobserved += nanos(trial);
            try (Nd4jObserver observer = new Nd4jObserver(times)) {
                observed += nanos(trial);
            }
        }
        Map<String, Object> results = new LinkedHashMap<>();
        results.put("products", rounded((double) times.nanosOf(OperationTimes.PRODUCTS) / observed));
        results.put("sums_as_products", rounded((double) times.nanosOf(OperationTimes.SUMS) / observed));
        results.put("between_operations", rounded(1 - (double) times.nanos() / observed));
        results.put("by_operation", times.shares(observed, NAMED));
        results.put("operations_per_step", times.calls() / steps);
        results.put("seconds_per_step", rounded(unobserved / 1e9 / steps));
        results.put("seconds_per_step_observed", rounded(observed / 1e9 / steps));
        results.put("tokens_per_second", Math.round(tokens * steps / (unobserved / 1e9)));
        return results;
    }

    private static long nanos(StageTrial trial) {
        long start = System.nanoTime();
        trial.step();
        return System.nanoTime() - start;
    }

    static double rounded(double value) {
        return Math.round(value * 1e4) / 1e4;
    }

    private static String argument(String[] args, int index, String otherwise) {
        return args.length > index ? args[index] : otherwise;
    }
}
