package org.mohawk4j.benchmarks;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import org.mohawk4j.matrix.FrobeniusDistance;
import org.mohawk4j.matrix.SemiseparableMatrix;
import org.mohawk4j.matrix.SoftmaxMatrix;
import org.mohawk4j.op.AttentionFunction;
import org.mohawk4j.op.SemiseparableFunction;
import org.mohawk4j.op.SemiseparableFunction.Inputs;
import org.mohawk4j.tensor.Engine;
import org.mohawk4j.tensor.Scope;
import org.mohawk4j.tensor.Tape;
import org.mohawk4j.tensor.Tensor;

/**
 * One fused operation on random bfloat16 numbers, with or without its gradients.
 *
 * @param inputs each of shape [B,T,H,P] but the last, logDecay [B,T,H], where there is one
 * @param bytes that must be read and written at least
 * @param operations that must be done at least
 */
record KernelTrial(
        String name,
        long batch,
        boolean gradients,
        int inputs,
        boolean decay,
        double bytes,
        double operations,
        Function<List<Tensor>, Tensor> function) {
    private static final long TIME = 2048;
    private static final long HEADS = 32;
    private static final long WIDTH = 64;
    private static final int CHUNK = 64;
    private static final double SCALE = 0.125;

    /** Bytes of one [B,T,H,P] in bfloat16. */
    private static double array(long batch) {
        return 2.0 * batch * TIME * HEADS * WIDTH;
    }

    /** Operations of one causal T·T product of all heads. */
    private static double square(long batch) {
        return 2.0 * batch * HEADS * TIME * TIME / 2 * WIDTH;
    }

    static KernelTrial semiseparable(boolean gradients) {
        long batch = 8;
        // x, b, c and y; with gradients x, b, c and dy again and three gradients
        double bytes = array(batch) * (gradients ? 11 : 4);
        // in chunks of Q: c·b, its product with x, the state's two products
        double operations = 2.0 * batch * HEADS * TIME * WIDTH * (2.0 * CHUNK / 2 + 2 * WIDTH) * (gradients ? 3 : 1);
        return new KernelTrial(
                "semiseparable",
                batch,
                gradients,
                3,
                true,
                bytes,
                operations,
                x -> SemiseparableFunction.apply(
                                new Inputs(x.get(0), x.get(1), x.get(2), x.get(3), Optional.empty()), CHUNK)
                        .y());
    }

    static KernelTrial attention(boolean gradients) {
        long batch = 8;
        return new KernelTrial(
                "attention",
                batch,
                gradients,
                3,
                false,
                array(batch) * (gradients ? 12 : 4),
                square(batch) * (gradients ? 7 : 2),
                x -> AttentionFunction.apply(x.get(0), x.get(1), x.get(2), SCALE));
    }

    static KernelTrial frobenius(boolean gradients) {
        long batch = 1;
        return new KernelTrial(
                "frobenius",
                batch,
                gradients,
                4,
                true,
                array(batch) * (gradients ? 10 : 4),
                square(batch) * (gradients ? 4 : 2),
                x -> FrobeniusDistance.between(
                        x.get(0).engine(),
                        new SoftmaxMatrix(x.get(0).detach(), x.get(1).detach(), SCALE),
                        new SemiseparableMatrix(x.get(2), x.get(3), x.get(4), Optional.empty(), CHUNK)));
    }

    Measurement measure(Chip chip) {
        try (Engine engine = DeviceTimer.open();
                Scope scope = engine.scope()) {
            List<Tensor> tensors = new ArrayList<>();
            for (int i = 0; i < inputs; i++) {
                tensors.add(scope.adopt(DeviceTimer.random(engine, i, batch, TIME, HEADS, WIDTH)));
            }
            if (decay) {
                Tensor random = DeviceTimer.random(engine, inputs, batch, TIME, HEADS);
                tensors.add(scope.adopt(random.cast(engine.parameterType()).affine(0.1, -0.2)));
            }
            Tensor seed = scope.adopt(seed(engine, tensors));
            double seconds = new DeviceTimer(engine).median(() -> run(engine, tensors, seed));
            return new Measurement(
                    name + (gradients ? "-backward" : "-forward"),
                    engine.backend().description(),
                    configuration(),
                    results(engine, chip, seconds));
        }
    }

    private Tensor seed(Engine engine, List<Tensor> tensors) {
        return engine.scoped(() -> function.apply(tensors).fullLike(1));
    }

    private void run(Engine engine, List<Tensor> tensors, Tensor seed) {
        try (Tape tape = engine.tape(gradients ? tensors : List.of())) {
            tape.gradients(function.apply(tensors), seed);
        }
    }

    private Map<String, Object> configuration() {
        Map<String, Object> configuration = new LinkedHashMap<>();
        configuration.put("batch", batch);
        configuration.put("context", TIME);
        configuration.put("heads", HEADS);
        configuration.put("head_dim", WIDTH);
        configuration.put("state_size", WIDTH);
        configuration.put("gradients", gradients);
        return configuration;
    }

    private Map<String, Object> results(Engine engine, Chip chip, double seconds) {
        Map<String, Object> results = new LinkedHashMap<>();
        results.put("milliseconds", Measurement.rounded(1e3 * seconds));
        results.put("terabytes_per_second", Measurement.rounded(bytes / seconds / 1e12));
        results.put("share_of_copying", Measurement.rounded(bytes / seconds / chip.bytesPerSecond()));
        results.put("teraflops", Measurement.rounded(operations / seconds / 1e12));
        results.put("share_of_products", Measurement.rounded(operations / seconds / chip.operationsPerSecond()));
        results.put("peak_gib", Measurement.rounded(engine.backend().memory().reservedBytes() / (double) (1L << 30)));
        return results;
    }
}
