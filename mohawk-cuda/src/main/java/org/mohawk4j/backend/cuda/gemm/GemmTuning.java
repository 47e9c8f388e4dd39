package org.mohawk4j.backend.cuda.gemm;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.bytedeco.cuda.global.cudart;
import org.bytedeco.javacpp.LongPointer;
import org.mohawk4j.backend.DeviceMemoryException;
import org.mohawk4j.backend.EventTimer.Mark;
import org.mohawk4j.backend.cuda.compile.CudaKernels;
import org.mohawk4j.backend.cuda.driver.CudaContext;
import org.mohawk4j.backend.cuda.driver.CudaEventTimer;
import org.mohawk4j.backend.cuda.driver.CudaException;
import org.mohawk4j.backend.cuda.driver.CudaStatus;
import org.mohawk4j.backend.cuda.memory.CudaArray;
import org.mohawk4j.backend.cuda.memory.CudaPool;
import org.mohawk4j.tensor.types.DType;
import org.mohawk4j.tensor.types.Shape;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Chooses among the algorithms of a large product the fastest on this device, of those that add in the order of the
 * heuristic's first: so which of them is taken changes nothing but speed, and runs that choose differently still agree.
 * That they do is concluded from several products of random numbers, all of whose bits must be the first's: of the numbers
 * that are to be multiplied, such as a weight that starts out as the identity, different orders can give the same sums.
 */
final class GemmTuning {
    private static final Logger LOG = LoggerFactory.getLogger(GemmTuning.class);
    private static final String SOURCE = "gemm/fingerprint.cu";

    /** Multiplications below which choosing takes longer than it gains. */
    private static final long LEAST_WORK = 1L << 35;

    private static final int ROUNDS = 3;
    private static final int RUNS = 2;

    /** Pairs of random operands that an algorithm has to multiply as the first does. */
    private static final int SAMPLES = 3;

    /** What another algorithm has to gain at least. */
    private static final double GAIN = 0.02;

    private final CudaContext context;
    private final CudaPool pool;
    private final CudaKernels kernels;
    private final CudaEventTimer stopwatch;

    GemmTuning(CudaContext context, CudaPool pool, CudaKernels kernels) {
        this.context = context;
        this.pool = pool;
        this.kernels = kernels;
        this.stopwatch = new CudaEventTimer(context);
    }

    /** Algorithms for one product, by the heuristic's order, of which one is taken. */
    interface Choice {
        /** Multiplications of numbers. */
        long multiplications();

        int algorithms();

        /** Takes an algorithm from now on. */
        void decide(int index);
    }

    /** The product as its plan is set, of operands of the plan's sizes and types, into the same result every time. */
    interface Product {
        void of(CudaArray a, CudaArray b);
    }

    /**
     * Makes the choice of a plan that has none.
     *
     * @param result what {@code product} writes, as often as it is called
     */
    void choose(Choice plan, CudaArray a, CudaArray b, CudaArray result, Product product) {
        plan.decide(0);
        if (plan.multiplications() < LEAST_WORK) {
            return;
        }
        boolean[] same = likeTheFirst(plan, a, b, result, product);
        double[] seconds = new double[same.length];
        Arrays.fill(seconds, Double.POSITIVE_INFINITY);
        for (int round = 0; round < ROUNDS; round++) {
            for (int i = 0; i < seconds.length; i++) {
                if (same[i]) {
                    plan.decide(i);
                    seconds[i] = Math.min(seconds[i], seconds(() -> product.of(a, b)));
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

    /** Takes and releases the memory of a choice, where there is no device to choose on. */
    void occupy(long multiplications, CudaArray a, CudaArray b) {
        if (multiplications >= LEAST_WORK) {
            CudaArray first = pool.take(a.dtype(), a.shape());
            pool.release(pool.take(b.dtype(), b.shape()));
            pool.release(first);
        }
    }

    /** Which algorithms can be taken; none where there is no room to find out. */
    private boolean[] likeTheFirst(Choice plan, CudaArray a, CudaArray b, CudaArray result, Product product) {
        boolean[] same = new boolean[plan.algorithms()];
        List<CudaArray> operands = new ArrayList<>();
        try {
            operands.add(pool.take(a.dtype(), a.shape()));
            operands.add(pool.take(b.dtype(), b.shape()));
            Arrays.fill(same, true);
            for (long sample = 0; sample < SAMPLES && same[0]; sample++) {
                fillAtRandom(operands.get(0), 2 * sample);
                fillAtRandom(operands.get(1), 2 * sample + 1);
                retainSame(plan, same, result, () -> product.of(operands.get(0), operands.get(1)));
            }
        } catch (DeviceMemoryException e) {
            LOG.debug("{}: the heuristic's first, since there is no room to try others: {}", plan, e.getMessage());
            Arrays.fill(same, false);
        } finally {
            operands.forEach(pool::release);
        }
        return same;
    }

    /** Keeps those that give what the first gives, comparing all of them with it again; none if it does not repeat. */
    private void retainSame(Choice plan, boolean[] same, CudaArray result, Runnable run) {
        plan.decide(0);
        run.run();
        Fingerprint expected = fingerprint(result);
        for (int i = 0; i < same.length; i++) {
            plan.decide(i);
            same[i] = same[i] && expected.isTelling() && gives(run, result, expected);
        }
        if (!same[0]) {
            Arrays.fill(same, false);
        }
    }

    private void fillAtRandom(CudaArray array, long seed) {
        kernels.get(SOURCE, "random", array.dtype())
                .each(
                        array.size(),
                        kernels.arguments().add(array).add(array.size()).add(seed));
    }

    private boolean gives(Runnable run, CudaArray result, Fingerprint expected) {
        try {
            run.run();
            return fingerprint(result).equals(expected);
        } catch (CudaException e) {
            LOG.debug("skipped: {}", e.getMessage());
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
        /** Of zeros every order of summation gives the same. */
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
                .blocks(blocks, kernels.arguments().add(array).add(words).add(sums));
        context.synchronize("comparing products");
        long sum = 0;
        long present = 0;
        try (LongPointer host = new LongPointer(2L * blocks)) {
            CudaStatus.driver(
                    cudart.cuMemcpyDtoH(host, sums.address(), 2L * blocks * Long.BYTES), "reading a fingerprint");
            for (int i = 0; i < blocks; i++) {
                sum += host.get(2L * i);
                present += host.get(2L * i + 1);
            }
        }
        pool.release(sums);
        return new Fingerprint(sum, present, words);
    }
}
