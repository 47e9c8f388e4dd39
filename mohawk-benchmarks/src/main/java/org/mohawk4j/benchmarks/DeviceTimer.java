package org.mohawk4j.benchmarks;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import org.mohawk4j.backend.BackendOptions;
import org.mohawk4j.backend.EventTimer;
import org.mohawk4j.tensor.Engine;
import org.mohawk4j.tensor.Scope;
import org.mohawk4j.tensor.Tensor;
import org.mohawk4j.tensor.types.DType;

/** Times work by the device's own clock. What the work makes is freed each time. */
final class DeviceTimer {
    private static final int WARM_UP = 300;
    private static final int RUNS = 21;

    private final Engine engine;
    private final EventTimer stopwatch;

    DeviceTimer(Engine engine) {
        this.engine = engine;
        this.stopwatch = engine.backend().eventTimer().orElseThrow();
    }

    /** The GPU, with products in bfloat16. */
    static Engine open() {
        return Engine.open("cuda", BackendOptions.defaults().withMixed(true));
    }

    /** Uniform bfloat16 in -1..1. */
    static Tensor random(Engine engine, long seed, long... shape) {
        SplittableRandom random = new SplittableRandom(seed);
        int size = Math.toIntExact(Arrays.stream(shape).reduce(1, Math::multiplyExact));
        float[] values = new float[size];
        for (int i = 0; i < size; i++) {
            values[i] = (float) (2 * random.nextDouble() - 1);
        }
        return engine.tensor(values, shape).cast(DType.BFLOAT16);
    }

    /** Seconds of the median run. */
    double median(Runnable work) {
        return seconds(WARM_UP, RUNS, work)[RUNS / 2];
    }

    /** Seconds of each run after some to warm up, from the fastest to the slowest. */
    double[] seconds(int warmUp, int runs, Runnable work) {
        for (int i = 0; i < warmUp; i++) {
            run(work);
        }
        List<EventTimer.Mark> marks = new ArrayList<>(List.of(stopwatch.mark()));
        for (int i = 0; i < runs; i++) {
            run(work);
            marks.add(stopwatch.mark());
        }
        double[] seconds = new double[runs];
        for (int i = 0; i < runs; i++) {
            seconds[i] = marks.get(i + 1).secondsSince(marks.get(i));
        }
        marks.forEach(EventTimer.Mark::close);
        Arrays.sort(seconds);
        return seconds;
    }

    private void run(Runnable work) {
        try (Scope scope = engine.scope()) {
            work.run();
        }
    }
}
