package org.mohawk4j.benchmarks;

import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import org.mohawk4j.generation.Generator;
import org.mohawk4j.generation.Sampling;
import org.mohawk4j.models.CausalLm;
import org.mohawk4j.tensor.Engine;

/**
 * Greedy tokens per second of a student with random weights in bfloat16, on the GPU. Tokens come to the host one by one,
 * as a reader would see them.
 *
 * <p>Arguments: shape, batch (1), tokens (512), layers (the shape's).
 */
public final class GenerationThroughput {
    private static final int CONTEXT = 4096;
    private static final int TOKENS = 512;
    private static final int RUNS = 5;
    private static final int[] PROMPT = {1, 2, 3, 4, 5, 6, 7, 8};

    private GenerationThroughput() {}

    public static void main(String[] args) {
        ModelShape shape = ModelShape.of(args[0]);
        int batch = args.length > 1 ? Integer.parseInt(args[1]) : 1;
        int tokens = args.length > 2 ? Integer.parseInt(args[2]) : TOKENS;
        int layers = args.length > 3 ? Integer.parseInt(args[3]) : shape.layers();
        System.out.println(measure(Chip.measure(), shape, batch, tokens, layers).toJson());
    }

    static Measurement measure(Chip chip, ModelShape shape, int batch) {
        return measure(chip, shape, batch, TOKENS, shape.layers());
    }

    private static Measurement measure(Chip chip, ModelShape shape, int batch, int tokens, int layers) {
        Map<String, Object> configuration = shape.describe(layers);
        configuration.put("batch", batch);
        configuration.put("tokens", tokens);
        try (Engine engine = DeviceTimer.open();
                CausalLm model = shape.student(engine, CONTEXT, layers)) {
            model.castWeights();
            return new Measurement(
                    "generation-throughput",
                    engine.backend().description(),
                    configuration,
                    results(engine, chip, model, batch, tokens));
        }
    }

    private static Map<String, Object> results(Engine engine, Chip chip, CausalLm model, int batch, int tokens) {
        Generator generator = new Generator(model, Sampling.GREEDY, 0);
        int[][] prompts = new int[batch][];
        Arrays.fill(prompts, PROMPT);
        double[] seconds = new double[RUNS];
        for (int run = -1; run < RUNS; run++) {
            double first = timed(generator, prompts, 2);
            double all = timed(generator, prompts, 2 + tokens);
            if (run >= 0) {
                // what reading the prompt and recording a token cost is in both
                seconds[run] = (all - first) / tokens;
            }
        }
        Arrays.sort(seconds);
        double median = seconds[RUNS / 2];
        Map<String, Object> results = new LinkedHashMap<>();
        results.put("milliseconds_per_token", Measurement.rounded(1e3 * median));
        results.put("slowest_run", Measurement.rounded(1e3 * seconds[RUNS - 1]));
        results.put("tokens_per_second", Measurement.rounded(batch / median));
        double bytesPerSecond = weightBytes(model) / median;
        results.put("terabytes_per_second", Measurement.rounded(bytesPerSecond / 1e12));
        results.put("share_of_copying", Measurement.rounded(bytesPerSecond / chip.bytesPerSecond()));
        results.put("peak_gib", Measurement.rounded(engine.backend().memory().reservedBytes() / (double) (1L << 30)));
        return results;
    }

    /** What every token reads: all weights, but of an embedding that is not the head as well a row alone. */
    private static long weightBytes(CausalLm model) {
        boolean tied = model.config().head().tied();
        return model.parameters().entrySet().stream()
                .filter(parameter -> tied || !parameter.getKey().startsWith("embedding."))
                .map(parameter -> parameter.getValue().value())
                .mapToLong(weight -> weight.shape().size() * weight.dtype().bytes())
                .sum();
    }

    private static double timed(Generator generator, int[][] prompts, int tokens) {
        long start = System.nanoTime();
        generator.generate(prompts, tokens);
        return (System.nanoTime() - start) / 1e9;
    }
}
