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
import org.mohawk4j.train.cache.TokenCache;
import org.mohawk4j.train.stage.TeacherStates;
import org.mohawk4j.train.stage.TeacherTokens;

/**
 * Training steps with a teacher that computes against the same with its states from a file, in turn, and whether their
 * losses are the same.
 *
 * <p>Arguments: teacher's folder, batch, context, steps; then how many of the teacher's likeliest tokens, for stage 3 with
 * a file of these instead.
 */
public final class ReplayedStages {
    private static final int STAGES = 3;

    private ReplayedStages() {}

    public static void main(String[] args) throws IOException {
        int batch = Integer.parseInt(args[1]);
        int context = Integer.parseInt(args[2]);
        int steps = Integer.parseInt(args[3]);
        try (Engine engine = Engine.open(Backends.AUTO, BackendOptions.defaults());
                CausalLm teacher = ModelFolder.load(engine, Path.of(args[0]))) {
            if (args.length > 4) {
                tokens(teacher, batch, context, steps, Integer.parseInt(args[4]));
            } else {
                states(teacher, batch, context, steps);
            }
        }
    }

    private static void states(CausalLm teacher, int batch, int context, int steps) throws IOException {
        Path file = Files.createTempFile("benchmark", ".states");
        try (TeacherCache cache = TeacherCache.open(file, teacher, true, context, batch)) {
            for (int stage = 1; stage <= STAGES; stage++) {
                Map<String, Object> configuration = configuration(stage, batch, context, steps);
                try (StageTrial computed = new StageTrial(teacher, TeacherStates.COMPUTED, stage, batch, context);
                        StageTrial replayed = new StageTrial(teacher, cache, stage, batch, context)) {
                    print(teacher, configuration, measure(computed, replayed, steps));
                }
            }
        } finally {
            Files.deleteIfExists(file);
        }
    }

    private static void tokens(CausalLm teacher, int batch, int context, int steps, int k) throws IOException {
        Path file = Files.createTempFile("benchmark", ".tokens");
        try (TokenCache cache = TokenCache.open(file, teacher, k, 1, context, batch)) {
            Map<String, Object> configuration = configuration(STAGES, batch, context, steps);
            configuration.put("top_k", k);
            try (StageTrial computed = new StageTrial(teacher, TeacherTokens.COMPUTED, k, batch, context);
                    StageTrial replayed = new StageTrial(teacher, cache, k, batch, context)) {
                print(teacher, configuration, measure(computed, replayed, steps));
            }
        } finally {
            Files.deleteIfExists(file);
        }
    }

    private static Map<String, Object> configuration(int stage, int batch, int context, int steps) {
        Map<String, Object> configuration = new LinkedHashMap<>();
        configuration.put("stage", stage);
        configuration.put("batch", batch);
        configuration.put("context", context);
        configuration.put("steps", steps);
        return configuration;
    }

    private static void print(CausalLm teacher, Map<String, Object> configuration, Map<String, Object> results) {
        String backend = teacher.engine().backend().description();
        System.out.println(new Measurement("replayed-stages", backend, configuration, results).toJson());
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
