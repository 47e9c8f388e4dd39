package org.mohawk4j.benchmarks;

import java.util.LinkedHashMap;
import java.util.Map;
import org.mohawk4j.models.CausalLm;
import org.mohawk4j.tensor.Engine;

/**
 * Tokens per second and memory of training steps on a model of Phi-1.5's shapes with random weights, on the GPU with
 * products in bfloat16: D 2048, H 32, V 51200, N 64. Each step ends with its losses on the host.
 *
 * <p>Arguments: stage, batch, context, steps (8), layers (24).
 */
public final class StageThroughput {
    private static final int WIDTH = 2048;
    private static final int HEADS = 32;
    private static final int VOCABULARY = 51_200;
    private static final int WARM_UP = 3;

    private StageThroughput() {}

    public static void main(String[] args) {
        int steps = args.length > 3 ? Integer.parseInt(args[3]) : 8;
        int layers = args.length > 4 ? Integer.parseInt(args[4]) : 24;
        Measurement measured = measure(
                Chip.measure(),
                Integer.parseInt(args[0]),
                Integer.parseInt(args[1]),
                Integer.parseInt(args[2]),
                steps,
                layers);
        System.out.println(measured.toJson());
    }

    static Measurement measure(Chip chip, int stage, int batch, int context, int steps, int layers) {
        Map<String, Object> configuration = new LinkedHashMap<>();
        configuration.put("stage", stage);
        configuration.put("batch", batch);
        configuration.put("context", context);
        configuration.put("steps", steps);
        configuration.put("layers", layers);
        configuration.put("width", WIDTH);
        configuration.put("heads", HEADS);
        configuration.put("vocabulary", VOCABULARY);
        try (Engine engine = DeviceTimer.open();
                CausalLm teacher = RandomPhi.create(engine, WIDTH, HEADS, VOCABULARY, context, layers);
                StageTrial trial = new StageTrial(teacher, stage, batch, context)) {
            teacher.castWeights();
            double[] seconds = new DeviceTimer(engine).seconds(WARM_UP, steps, trial::step);
            double tokensPerSecond = (double) batch * context / seconds[steps / 2];
            Map<String, Object> results = new LinkedHashMap<>();
            results.put("seconds_per_step", BlasShare.rounded(seconds[steps / 2]));
            results.put("slowest_step", BlasShare.rounded(seconds[steps - 1]));
            results.put("tokens_per_second", BlasShare.rounded(tokensPerSecond));
            double operations = tokensPerSecond * trial.flopsPerToken();
            results.put("teraflops", BlasShare.rounded(operations / 1e12));
            results.put("share_of_products", BlasShare.rounded(operations / chip.operationsPerSecond()));
            results.put("peak_gib", BlasShare.rounded(engine.backend().memory().reservedBytes() / (double) (1L << 30)));
            return new Measurement("stage-throughput", engine.backend().description(), configuration, results);
        }
    }
}
