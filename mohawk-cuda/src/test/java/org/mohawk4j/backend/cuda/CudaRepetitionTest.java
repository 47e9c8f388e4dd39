package org.mohawk4j.backend.cuda;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.mohawk4j.backend.BackendOptions;
import org.mohawk4j.tensor.Engine;
import org.mohawk4j.tensor.Gradients;
import org.mohawk4j.tensor.Scope;
import org.mohawk4j.tensor.Tape;
import org.mohawk4j.tensor.Tensor;
import org.mohawk4j.tensor.types.DType;
import org.mohawk4j.tensor.types.Shape;
import org.mohawk4j.testing.HostArray;

/** The same numbers give the same bits, results and gradients, twenty times over; and no operation is left out. */
class CudaRepetitionTest implements GpuTest {
    private static final int REPETITIONS = 20;

    private static CudaBackend open(boolean mixed) {
        return new CudaBackend(BackendOptions.defaults().withMixed(mixed));
    }

    @TestFactory
    Stream<DynamicTest> everyOperationRepeatsItsBits() {
        return Stream.of(false, true)
                .flatMap(mixed -> RepeatedOperation.all().stream()
                        .map(operation -> DynamicTest.dynamicTest(
                                operation.name() + (mixed ? " in mixed precision" : " in float32"),
                                () -> check(operation, mixed))));
    }

    /** Large enough that algorithms are timed, which may choose differently each time. */
    @Test
    void backendsAgreeOnALargeProduct() {
        Shape left = Shape.of(4096, 4096);
        Shape right = Shape.of(4096, 2304);
        assertThat(product(left, right)).isEqualTo(product(left, right));
    }

    private static ByteBuffer product(Shape left, Shape right) {
        try (Engine engine = new Engine(open(true))) {
            Tensor a = engine.tensor(HostArray.random(left, 1).toHostTensor(), engine.parameterType());
            Tensor b = engine.tensor(HostArray.random(right, 2).toHostTensor(), engine.parameterType());
            return a.matmul(b).toHost().data();
        }
    }

    /** What the backend offers is found out by asking it, so that a new operation without a case fails here. */
    @Test
    void everyOperationIsAmongThoseRepeated() {
        CallNotes backend = new CallNotes(open(true));
        try (Engine engine = new Engine(backend)) {
            for (RepeatedOperation operation : RepeatedOperation.all()) {
                once(engine, operation, true);
            }
        }
        Set<String> missing = new TreeSet<>(backend.offered());
        missing.removeAll(backend.called());

        assertThat(missing)
                .as("operations of the backend that no repetition calls")
                .isEmpty();
    }

    private static void check(RepeatedOperation operation, boolean mixed) {
        try (Engine engine = new Engine(open(mixed));
                Scope scope = engine.scope()) {
            List<Tensor> inputs = upload(engine, operation, scope);
            List<ByteBuffer> first = run(engine, operation, inputs, mixed);
            for (int i = 1; i < REPETITIONS; i++) {
                assertThat(run(engine, operation, inputs, mixed)).isEqualTo(first);
            }
        }
    }

    /** Does an operation, so that everything it needs has been used. */
    static void once(Engine engine, RepeatedOperation operation, boolean mixed) {
        try (Scope scope = engine.scope()) {
            run(engine, operation, upload(engine, operation, scope), mixed);
        }
    }

    private static List<Tensor> upload(Engine engine, RepeatedOperation operation, Scope scope) {
        List<Tensor> inputs = new ArrayList<>();
        for (Shape shape : operation.inputs()) {
            inputs.add(scope.adopt(
                    engine.tensor(HostArray.random(shape, inputs.size()).toHostTensor(), engine.parameterType())));
        }
        return inputs;
    }

    /** The bits of the results and of all gradients. */
    private static List<ByteBuffer> run(
            Engine engine, RepeatedOperation operation, List<Tensor> inputs, boolean mixed) {
        try (Scope scope = engine.scope()) {
            return operation.differentiated()
                    ? differentiated(engine, operation, inputs, mixed)
                    : bits(operation.function().apply(narrowed(inputs, mixed)));
        }
    }

    private static List<Tensor> narrowed(List<Tensor> inputs, boolean mixed) {
        return inputs.stream()
                .map(x -> mixed && RepeatedOperation.isActivation(x.shape()) ? x.cast(DType.BFLOAT16) : x)
                .toList();
    }

    private static List<ByteBuffer> bits(List<Tensor> tensors) {
        return tensors.stream().map(tensor -> tensor.toHost().data()).toList();
    }

    private static List<ByteBuffer> differentiated(
            Engine engine, RepeatedOperation operation, List<Tensor> inputs, boolean mixed) {
        try (Tape tape = engine.tape(inputs)) {
            List<Tensor> outputs = operation.function().apply(narrowed(inputs, mixed));
            List<ByteBuffer> bits = new ArrayList<>(bits(outputs));
            Tensor loss = engine.zeros();
            for (Tensor output : outputs) {
                Tensor seed = engine.tensor(HostArray.random(output.shape(), 9).toHostTensor(), engine.parameterType());
                loss = loss.add(output.cast(engine.parameterType()).mul(seed).sum());
            }
            Gradients gradients = tape.gradients(loss);
            inputs.forEach(input ->
                    gradients.of(input).ifPresent(g -> bits.add(g.toHost().data())));
            return bits;
        }
    }
}
