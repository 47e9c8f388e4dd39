package org.mohawk4j.benchmarks;

import java.util.List;
import java.util.Optional;
import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;
import org.mohawk4j.backend.BackendOptions;
import org.mohawk4j.matrix.SemiseparableMatrix;
import org.mohawk4j.tensor.Engine;
import org.mohawk4j.tensor.Scope;
import org.mohawk4j.tensor.Tape;
import org.mohawk4j.tensor.Tensor;
import org.mohawk4j.tensor.types.Shape;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;

/** The chunked product with a semiseparable matrix: its time should grow as T does. */
@State(org.openjdk.jmh.annotations.Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MILLISECONDS)
@Warmup(iterations = 3, time = 2)
@Measurement(iterations = 5, time = 4)
@Fork(
        value = 1,
        jvmArgsAppend = {"-XX:+UseSerialGC", "-Dorg.bytedeco.javacpp.maxphysicalbytes=0"})
@SuppressWarnings("NullAway.Init") // JMH sets parameters and calls prepare() before anything else
public class SemiseparableBenchmark {
    @Param({"2048", "8192"})
    public int time;

    @Param("1")
    public int batch;

    @Param("4")
    public int heads;

    @Param("64")
    public int headDim;

    @Param("64")
    public int stateSize;

    @Param("64")
    public int chunk;

    private Engine engine;
    private Tensor x;
    private Tensor b;
    private Tensor c;
    private Tensor logDecay;
    private Tensor seed;

    @Setup(Level.Trial)
    public void prepare() {
        engine = Engine.open("nd4j", BackendOptions.defaults());
        SplittableRandom random = new SplittableRandom(0);
        x = normal(random, batch, time, heads, headDim);
        b = normal(random, batch, time, heads, stateSize);
        c = normal(random, batch, time, heads, stateSize);
        seed = normal(random, batch, time, heads, headDim);
        logDecay = normal(random, batch, time, heads).softplus().neg();
    }

    private Tensor normal(SplittableRandom random, long... shape) {
        float[] values = new float[Math.toIntExact(Shape.of(shape).size())];
        for (int i = 0; i < values.length; i++) {
            values[i] = (float) random.nextGaussian();
        }
        return engine.tensor(values, shape);
    }

    /** {@code y = M x}. */
    @Benchmark
    public long forward() {
        try (Scope scope = engine.scope()) {
            return matrix().multiply(x).dim(0);
        }
    }

    /** {@code y = M x} and the gradients of x, B, C and the decay. */
    @Benchmark
    public long forwardAndBackward() {
        try (Scope scope = engine.scope();
                Tape tape = engine.tape(List.of(x, b, c, logDecay))) {
            return tape.gradients(matrix().multiply(x), seed)
                    .of(x)
                    .orElseThrow()
                    .dim(0);
        }
    }

    private SemiseparableMatrix matrix() {
        return new SemiseparableMatrix(c, b, logDecay, Optional.empty(), chunk);
    }

    @TearDown(Level.Trial)
    public void close() {
        engine.close();
    }
}
