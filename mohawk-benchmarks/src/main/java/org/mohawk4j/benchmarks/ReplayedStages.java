package org.mohawk4j.benchmarks;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import org.mohawk4j.backend.BackendOptions;
import org.mohawk4j.backend.Backends;
import org.mohawk4j.models.CausalLm;
import org.mohawk4j.models.ModelFolder;
import org.mohawk4j.tensor.Engine;
import org.mohawk4j.train.cache.TeacherCache;
import org.mohawk4j.train.stage.TeacherStates;

/**
 * Training steps with a teacher that computes against the same with its states from a file, in turn, and whether their
 * losses are the same.
 *
 * <p>Arguments: teacher's folder, batch, context, steps.
 */
public final class ReplayedStages {
    private static final int STAGES = 3;

    private ReplayedStages() {}

    public static void main(String[] args) throws IOException {
        int batch = Integer.parseInt(args[1]);
        int context = Integer.parseInt(args[2]);
        int steps = Integer.parseInt(args[3]);
        Path file = Files.createTempFile("benchmark", ".states");
        try (Engine engine = Engine.open(Backends.AUTO, BackendOptions.defaults());
                CausalLm teacher = ModelFolder.load(engine, Path.of(args[0]));
                TeacherCache cache = TeacherCache.open(file, teacher, true, context, batch)) {
            for (int stage = 1; stage <= STAGES; stage++) {
                Map<String, Object> configuration = new LinkedHashMap<>();
                configuration.put("stage", stage);
                configuration.put("batch", batch);
                configuration.put("context", context);
                configuration.put("steps", steps);
                try (StageTrial computed = new StageTrial(teacher, TeacherStates.COMPUTED, stage, batch, context);
                        StageTrial replayed = new StageTrial(teacher, cache, stage, batch, context)) {
                    System.out.println(new Measurement(
                                    "replayed-stages",
                                    engine.backend().description(),
                                    configuration,
                                    measure(computed, replayed, steps))
                            .toJson());
                }
            }
        } finally {
            Files.deleteIfExists(file);
        }
    }

    private static Map<String, Object> measure(StageTrial computed, StageTrial replayed, int steps) {
        boolean same = computed.step().loss() == replayed.step().loss();
        double[] computedSeconds = new double[steps];
        double[] replayedSeconds = new double[steps];
        for (int i = 0; i < steps; i++) {
            long start = System.nanoTime();
            double loss = computed.step().loss();
            long middle = System.nanoTime();
            same &= loss == replayed.step().loss();
            computedSeconds[i] = (middle - start) / 1e9;
            replayedSeconds[i] = (System.nanoTime() - middle) / 1e9;
        }
        Arrays.sort(computedSeconds);
        Arrays.sort(replayedSeconds);
        Map<String, Object> results = new LinkedHashMap<>();
        results.put("same_losses", same);
        results.put("seconds_computed", BlasShare.rounded(computedSeconds[steps / 2]));
        results.put("seconds_replayed", BlasShare.rounded(replayedSeconds[steps / 2]));
        return results;
    }
}
