package org.mohawk4j.benchmarks;

import com.sun.management.OperatingSystemMXBean;
import java.lang.management.ManagementFactory;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.SplittableRandom;
import org.mohawk4j.backend.BackendOptions;
import org.mohawk4j.data.TokenSequence;
import org.mohawk4j.data.TokenWindows;
import org.mohawk4j.eval.Perplexity;
import org.mohawk4j.generation.Generator;
import org.mohawk4j.generation.Sampling;
import org.mohawk4j.mixer.DiscreteMamba2;
import org.mohawk4j.models.CausalLm;
import org.mohawk4j.models.MixerPlan;
import org.mohawk4j.models.ModelFolder;
import org.mohawk4j.tensor.Engine;

/**
 * What a CPU does, one line for each: training steps of the three stages, perplexity, greedy generation of teacher and
 * student. The counterpart of docs/peers/cpu_peer.py, which measures the same in PyTorch.
 *
 * <p>Arguments: the teacher's folder, threads (0: the default), batch (8), context (256), steps (9), and which of
 * {@code 1 2 3 evaluate generate}, all if none is named.
 */
public final class CpuThroughput {
    private static final int WARM_UP = 6;
    /** Until then the JVM's optimizing compiler is at work, on the same cores. */
    private static final double WARM_UP_SECONDS = 4;

    private static final int WINDOWS = 16;
    private static final int EVALUATIONS = 7;
    private static final int PROMPT = 8;
    private static final int NEW_TOKENS = 128;
    private static final int GENERATIONS = 9;

    private CpuThroughput() {}

    public static void main(String[] args) {
        Path folder = Path.of(args[0]);
        int threads = number(args, 1, 0);
        int batch = number(args, 2, 8);
        int context = number(args, 3, 256);
        int steps = number(args, 4, 9);
        List<String> named = args.length > 5
                ? Arrays.asList(args).subList(5, args.length)
                : List.of("1", "2", "3", "evaluate", "generate");
        try (Engine engine = Engine.open("nd4j", BackendOptions.defaults().withThreads(threads));
                CausalLm teacher = ModelFolder.load(engine, folder);
                CausalLm student = MixerPlan.replacing(teacher.config(), DiscreteMamba2.Config::like, List.of())
                        .student(teacher, new SplittableRandom(0))) {
            System.out.printf(
                    Locale.ROOT,
                    "# %s, Java %s, %s%n",
                    engine.backend().description(),
                    Runtime.version(),
                    folder.getFileName());
            for (String what : named) {
                switch (what) {
                    case "evaluate" -> {
                        evaluate("teacher", teacher, context);
                        evaluate("student", student, context);
                    }
                    case "generate" -> {
                        generate("teacher", teacher);
                        generate("student", student);
                    }
                    default -> stage(teacher, Integer.parseInt(what), batch, context, steps);
                }
            }
        }
    }

    private static int number(String[] args, int index, int otherwise) {
        return args.length > index ? Integer.parseInt(args[index]) : otherwise;
    }

    private static void stage(CausalLm teacher, int stage, int batch, int context, int steps) {
        try (StageTrial trial = new StageTrial(teacher, stage, batch, context)) {
            report("stage " + stage, (long) batch * context, steps, WARM_UP, trial::step);
        }
    }

    private static void evaluate(String whose, CausalLm model, int context) {
        int vocabulary = Math.toIntExact(model.config().vocabulary());
        int[] ids = new SplittableRandom(1)
                .ints((long) WINDOWS * context + 1, 0, vocabulary)
                .toArray();
        TokenWindows windows = new TokenWindows(TokenSequence.of("random", ids), context);
        report(
                "evaluate " + whose,
                (long) windows.count() * context,
                EVALUATIONS,
                WARM_UP,
                () -> Perplexity.of(model, windows));
    }

    private static void generate(String whose, CausalLm model) {
        Generator generator = new Generator(model, Sampling.GREEDY, 0);
        int[][] prompt = {new SplittableRandom(2).ints(PROMPT, 1, 1000).toArray()};
        report("generate " + whose, NEW_TOKENS, GENERATIONS, WARM_UP, () -> generator.generate(prompt, NEW_TOKENS));
    }

    /** The median of some runs, the fastest, and the processor time of one, which other programs do not add to. */
    private static void report(String what, long tokens, int runs, int warmUp, Runnable body) {
        long begin = System.nanoTime();
        for (int i = 0; i < warmUp || (System.nanoTime() - begin) / 1e9 < WARM_UP_SECONDS; i++) {
            body.run();
        }
        double[] seconds = new double[runs];
        long before = processorNanos();
        for (int i = 0; i < runs; i++) {
            long start = System.nanoTime();
            body.run();
            seconds[i] = (System.nanoTime() - start) / 1e9;
        }
        double processor = (processorNanos() - before) / 1e6 / runs;
        Arrays.sort(seconds);
        System.out.printf(
                Locale.ROOT,
                "%s: %.1f ms, %.0f tok/s (fastest %.1f ms, processor %.1f ms)%n",
                what,
                seconds[runs / 2] * 1e3,
                tokens / seconds[runs / 2],
                seconds[0] * 1e3,
                processor);
    }

    private static long processorNanos() {
        return ManagementFactory.getOperatingSystemMXBean() instanceof OperatingSystemMXBean system
                ? system.getProcessCpuTime()
                : -1;
    }
}
