package org.mohawk4j.benchmarks;

import com.sun.management.OperatingSystemMXBean;
import java.io.IOException;
import java.lang.management.ManagementFactory;
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
import org.mohawk4j.train.stage.TeacherTopK;

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
                try (StageTrial computed = new StageTrial(teacher, TeacherStates.UNCACHED, stage, batch, context);
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
            try (StageTrial computed = new StageTrial(teacher, TeacherTopK.UNCACHED, k, batch, context);
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
        Times ofComputed = new Times(steps);
        Times ofReplayed = new Times(steps);
        for (int i = 0; i < steps; i++) {
            same &= ofComputed.loss(computed, i) == ofReplayed.loss(replayed, i);
        }
        Map<String, Object> results = new LinkedHashMap<>();
        results.put("same_losses", same);
        results.put("seconds_computed", median(ofComputed.wall()));
        results.put("seconds_replayed", median(ofReplayed.wall()));
        results.put("cpu_seconds_computed", median(ofComputed.cpu()));
        results.put("cpu_seconds_replayed", median(ofReplayed.cpu()));
        return results;
    }

    /** Of the steps of a trial: wall-clock time, and CPU time, which counts no other process. */
    @SuppressWarnings("ArrayRecordComponent") // never compared
    private record Times(double[] wall, double[] cpu) {
        Times(int steps) {
            this(new double[steps], new double[steps]);
        }

        double loss(StageTrial trial, int step) {
            long start = System.nanoTime();
            long cpuStart = cpuNanos();
            double loss = trial.step().loss();
            cpu[step] = (cpuNanos() - cpuStart) / 1e9;
            wall[step] = (System.nanoTime() - start) / 1e9;
            return loss;
        }

        private static long cpuNanos() {
            return ((OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean()).getProcessCpuTime();
        }
    }

    private static double median(double... values) {
        double[] sorted = values.clone();
        Arrays.sort(sorted);
        return Measurement.rounded(sorted[sorted.length / 2]);
    }
}
