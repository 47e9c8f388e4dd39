package org.mohawk4j.benchmarks;

import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import org.mohawk4j.backend.BackendOptions;
import org.mohawk4j.models.CausalLm;
import org.mohawk4j.models.ModelFolder;
import org.mohawk4j.tensor.Engine;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;

/** One training step of each stage: losses, gradients, clipping, update. */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MILLISECONDS)
@Warmup(iterations = 3, time = 3)
@Measurement(iterations = 5, time = 5)
@Fork(
        value = 1,
        jvmArgsAppend = {"-XX:+UseSerialGC", "-Dorg.bytedeco.javacpp.maxphysicalbytes=0"})
@SuppressWarnings("NullAway.Init") // JMH sets parameters and calls prepare() before anything else
public class StageBenchmark {
    @Param({"1", "2", "3"})
    public int stage;

    /** Relative to the working directory. */
    @Param("mohawk-train/src/main/resources/org/mohawk4j/train/sample/teacher")
    public String teacher;

    @Param("8")
    public int batch;

    @Param("256")
    public int context;

    private Engine engine;
    private CausalLm model;
    private StageTrial trial;

    @Setup(Level.Trial)
    public void prepare() {
        engine = Engine.open("nd4j", BackendOptions.defaults());
        model = ModelFolder.load(engine, Path.of(teacher));
        trial = new StageTrial(model, stage, batch, context);
    }

    @Benchmark
    public double step() {
        return trial.step().loss();
    }

    @TearDown(Level.Trial)
    public void close() {
        trial.close();
        model.close();
        engine.close();
    }
}
