package org.mohawk4j.benchmarks;

import java.util.LinkedHashMap;
import java.util.Map;
import org.mohawk4j.backend.BackendOptions;
import org.mohawk4j.backend.MemoryOps;
import org.mohawk4j.models.CausalLm;
import org.mohawk4j.tensor.Engine;

/**
 * How much memory a training step needs beside parameters, moments and gradients, by stage and number of layers. In
 * stages 1 and 2 it should be the same for any number of layers; stage 3, which keeps the activations of all layers, is
 * measured beside them and shows that the measurement can tell.
 */
public final class StageMemory {
    private static final int[] LAYERS = {2, 4, 8};
    private static final int WIDTH = 128;
    private static final int HEADS = 4;
    private static final int VOCABULARY = 512;
    private static final int BATCH = 8;
    private static final int CONTEXT = 256;

    private StageMemory() {}

    public static void main(String[] args) {
        for (int stage = 1; stage <= 3; stage++) {
            for (int layers : LAYERS) {
                try (Engine engine = Engine.open("nd4j", BackendOptions.defaults());
                        CausalLm teacher = RandomPhi.create(engine, WIDTH, HEADS, VOCABULARY, CONTEXT, layers);
                        StageTrial trial = new StageTrial(teacher, stage, BATCH, CONTEXT)) {
                    Map<String, Object> results =
                            measure(trial, engine.backend().memory());
                    System.out.println(new Measurement(
                                    "stage-memory",
                                    engine.backend().description(),
                                    configuration(stage, layers),
                                    results)
                            .toJson());
                }
            }
        }
    }

    private static Map<String, Object> configuration(int stage, int layers) {
        Map<String, Object> configuration = new LinkedHashMap<>();
        configuration.put("stage", stage);
        configuration.put("layers", layers);
        configuration.put("width", WIDTH);
        configuration.put("heads", HEADS);
        configuration.put("vocabulary", VOCABULARY);
        configuration.put("batch", BATCH);
        configuration.put("context", CONTEXT);
        return configuration;
    }

    private static Map<String, Object> measure(StageTrial trial, MemoryOps memory) {
        // the first step makes what stays: parameters, moments, tables
        trial.step();
        long resident = memory.liveBytes();
        long gradients = trial.step().gradientBytes();
        long peak = memory.peakBytes();
        Map<String, Object> results = new LinkedHashMap<>();
        results.put("resident_bytes", resident);
        results.put("peak_bytes", peak);
        results.put("gradient_bytes", gradients);
        results.put("working_bytes", peak - resident - gradients);
        return results;
    }
}
