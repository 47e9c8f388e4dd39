package org.mohawk4j.benchmarks;

import java.util.LinkedHashMap;
import java.util.Map;
import org.mohawk4j.backend.MemoryOps;
import org.mohawk4j.tensor.Engine;
import org.mohawk4j.tensor.Scope;
import org.mohawk4j.tensor.Tensor;
import org.mohawk4j.tensor.types.DType;

/**
 * What the device does at most, measured: the ceiling that other measurements are shares of.
 *
 * @param bytesPerSecond read and written while copying
 * @param operationsPerSecond of a product of square bfloat16 matrices, two for each multiplication and addition
 */
record Chip(double bytesPerSecond, double operationsPerSecond, String backend) {
    private static final long COPIED = 1L << 30;
    private static final long SIDE = 8192;

    static Chip measure() {
        try (Engine engine = DeviceTimer.open();
                Scope scope = engine.scope()) {
            DeviceTimer timer = new DeviceTimer(engine);
            MemoryOps memory = engine.backend().memory();
            Tensor source = scope.adopt(engine.zeros(COPIED / Float.BYTES));
            Tensor target = scope.adopt(engine.zeros(COPIED / Float.BYTES));
            double copy = timer.median(() -> memory.copyInto(target.array(), source.array()));
            Tensor a = scope.adopt(DeviceTimer.random(engine, 1, SIDE, SIDE));
            Tensor b = scope.adopt(DeviceTimer.random(engine, 2, SIDE, SIDE));
            double product = timer.median(() -> a.matmul(b));
            return new Chip(
                    2.0 * COPIED / copy,
                    2.0 * SIDE * SIDE * SIDE / product,
                    engine.backend().description());
        }
    }

    String toJson() {
        Map<String, Object> configuration = new LinkedHashMap<>();
        configuration.put("copied_bytes", COPIED);
        configuration.put("product_side", SIDE);
        configuration.put("product_type", DType.BFLOAT16.toString());
        Map<String, Object> results = new LinkedHashMap<>();
        results.put("terabytes_per_second", Measurement.rounded(bytesPerSecond / 1e12));
        results.put("teraflops", Measurement.rounded(operationsPerSecond / 1e12));
        return new Measurement("chip", backend, configuration, results).toJson();
    }
}
