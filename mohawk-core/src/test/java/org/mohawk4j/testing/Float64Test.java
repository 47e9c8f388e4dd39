package org.mohawk4j.testing;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.mohawk4j.backend.BackendOptions;
import org.mohawk4j.tensor.Engine;
import org.mohawk4j.tensor.Tensor;
import org.mohawk4j.tensor.types.DType;
import org.mohawk4j.tensor.types.Shape;

/**
 * A test with an engine in double, on the CPU, closed after each test. One thread: handing small arrays to others costs
 * more than they are worth, and far more on a busy machine.
 */
public abstract class Float64Test {
    private Engine engine;

    @BeforeEach
    void openEngine() {
        engine = Engine.open(
                "nd4j",
                BackendOptions.defaults().withParameterType(DType.FLOAT64).withThreads(1));
    }

    @AfterEach
    void closeEngine() {
        engine.close();
    }

    protected final Engine engine() {
        return engine;
    }

    /** Random numbers in -1..1 on the engine. */
    protected final Tensor random(long seed, long... shape) {
        return tensor(HostArray.random(Shape.of(shape), seed));
    }

    protected final Tensor tensor(HostArray values) {
        return engine.tensor(values.toHostTensor(), DType.FLOAT64);
    }
}
