package org.mohawk4j.benchmarks;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.SplittableRandom;
import org.mohawk4j.models.CausalLm;
import org.mohawk4j.models.InferenceCache;
import org.mohawk4j.tensor.Engine;
import org.mohawk4j.tensor.Scope;
import org.mohawk4j.tensor.Tensor;

/** Tokens per second at which a teacher reads prompts into its key/value cache, up to the logits after the last token. */
final class PrefillThroughput {
    private static final int WARM_UP = 3;
    private static final int RUNS = 9;

    private PrefillThroughput() {}

    static Measurement measure(Chip chip, ModelShape shape, int batch, int context) {
        Map<String, Object> configuration = shape.describe(shape.layers());
        configuration.put("batch", batch);
        configuration.put("context", context);
        int[] prompt = new SplittableRandom(0)
                .ints((long) batch * context, 0, shape.vocabulary)
                .toArray();
        try (Engine engine = DeviceTimer.open();
                CausalLm teacher = shape.teacher(engine, context, shape.layers())) {
            teacher.castWeights();
            double seconds = new DeviceTimer(engine)
                    .seconds(WARM_UP, RUNS, () -> read(teacher, engine.indices(prompt, batch, context)))[RUNS / 2];
            long blocks = teacher.blocks().stream()
                    .flatMap(block -> block.parameters().values().stream())
                    .mapToLong(parameter -> parameter.shape().size())
                    .sum();
            double operations = 2.0 * blocks * batch * context / seconds;
            Map<String, Object> results = new LinkedHashMap<>();
            results.put("milliseconds", Measurement.rounded(1e3 * seconds));
            results.put("tokens_per_second", Measurement.rounded(batch * context / seconds));
            results.put("teraflops_of_blocks", Measurement.rounded(operations / 1e12));
            results.put("share_of_products", Measurement.rounded(operations / chip.operationsPerSecond()));
            results.put(
                    "peak_gib", Measurement.rounded(engine.backend().memory().reservedBytes() / (double) (1L << 30)));
            return new Measurement("prefill-throughput", engine.backend().description(), configuration, results);
        }
    }

    private static void read(CausalLm teacher, Tensor prompt) {
        try (InferenceCache state = teacher.newState(prompt.dim(0));
                Scope scope = teacher.engine().scope()) {
            scope.adopt(prompt);
            teacher.next(prompt, state);
        }
    }
}
