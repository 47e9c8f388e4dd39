package org.mohawk4j.backend.cuda;

import java.util.Arrays;
import org.bytedeco.cuda.global.cudart;
import org.bytedeco.javacpp.LongPointer;
import org.mohawk4j.backend.Stopwatch.Mark;
import org.mohawk4j.tensor.DType;
import org.mohawk4j.tensor.Shape;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Chooses among the algorithms of a large product the fastest on this device, of those whose result has the same bits as
 * that of the heuristic's first: they add in the same order, so which of them is taken changes nothing but speed, and runs
 * that choose differently still agree.
 */
final class GemmTuning {
    private static final Logger LOG = LoggerFactory.getLogger(GemmTuning.class);
    private static final String SOURCE = "fingerprint.cu";

    /** Multiplications below which choosing takes longer than it gains. */
    private static final long LEAST_WORK = 1L << 35;

    private static final int ROUNDS = 3;
    private static final int RUNS = 2;

    /** What another algorithm has to gain at least. */
    private static final double GAIN = 0.02;

    private final CudaContext context;
    private final CudaPool pool;
    private final CudaKernels kernels;
    private final CudaStopwatch stopwatch;

    GemmTuning(CudaContext context, CudaPool pool, CudaKernels kernels) {
        this.context = context;
        this.pool = pool;
        this.kernels = kernels;
        this.stopwatch = new CudaStopwatch(context);
    }

    /**
     * Makes the choice of a plan that has none.
     *
     * @param result what {@code run} writes, as often as it is called
     * @param run the product, as the plan is set
     */
    void choose(GemmPlan plan, CudaArray result, Runnable run) {
        plan.decide(0);
        if (plan.multiplications() < LEAST_WORK) {
            return;
        }
        run.run();
        Fingerprint expected = fingerprint(result);
        // of zeros every order of summation gives the same
        if (!expected.isTelling()) {
            return;
        }
        double[] seconds = new double[plan.algorithms()];
        Arrays.fill(seconds, Double.POSITIVE_INFINITY);
        boolean[] same = new boolean[seconds.length];
        for (int i = 0; i < seconds.length; i++) {
            plan.decide(i);
            same[i] = i == 0 || gives(run, result, expected);
        }
        for (int round = 0; round < ROUNDS; round++) {
            for (int i = 0; i < seconds.length; i++) {
                if (same[i]) {
                    plan.decide(i);
                    seconds[i] = Math.min(seconds[i], seconds(run));
                }
            }
        }
        int best = 0;
        for (int i = 1; i < seconds.length; i++) {
            if (seconds[i] < seconds[best] && seconds[i] < (1 - GAIN) * seconds[0]) {
                best = i;
            }
        }
        plan.decide(best);
        LOG.debug("{}: algorithm {} of {} s", plan, best, seconds);
    }

    private boolean gives(Runnable run, CudaArray result, Fingerprint expected) {
        try {
            run.run();
            return fingerprint(result).equals(expected);
        } catch (CudaException e) {
            LOG.debug("passed over: {}", e.getMessage());
            return false;
        }
    }

    private double seconds(Runnable run) {
        try (Mark start = stopwatch.mark()) {
            for (int i = 0; i < RUNS; i++) {
                run.run();
            }
            try (Mark end = stopwatch.mark()) {
                return end.secondsSince(start) / RUNS;
            }
        }
    }

    /** @param present how many of the words are not zero */
    private record Fingerprint(long sum, long present, long words) {
        boolean isTelling() {
            return present > words / 2;
        }
    }

    private Fingerprint fingerprint(CudaArray array) {
        long words = array.size() * array.dtype().bytes() / Integer.BYTES;
        int blocks = 8 * context.device().multiprocessors();
        CudaArray sums = pool.take(DType.INT64, Shape.of(2L * blocks));
        kernels.source(SOURCE)
                .kernel("fingerprint")
                .launch(
                        blocks,
                        1,
                        CudaKernels.THREADS,
                        0,
                        kernels.arguments().add(array).add(words).add(sums));
        context.synchronize("comparing products");
        long sum = 0;
        long present = 0;
        try (LongPointer host = new LongPointer(2L * blocks)) {
            Status.driver(cudart.cuMemcpyDtoH(host, sums.address(), 2L * blocks * Long.BYTES), "reading a fingerprint");
            for (int i = 0; i < blocks; i++) {
                sum += host.get(2L * i);
                present += host.get(2L * i + 1);
            }
        }
        pool.release(sums);
        return new Fingerprint(sum, present, words);
    }
}
