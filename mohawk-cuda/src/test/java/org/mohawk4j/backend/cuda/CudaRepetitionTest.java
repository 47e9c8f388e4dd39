package org.mohawk4j.backend.cuda;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.function.Function;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.mohawk4j.backend.BackendOptions;
import org.mohawk4j.backend.BackendProvider.Availability;
import org.mohawk4j.functional.Activation;
import org.mohawk4j.functional.AdamWFunction;
import org.mohawk4j.functional.AttentionFunction;
import org.mohawk4j.functional.CausalConv1dFunction;
import org.mohawk4j.functional.DistanceFunction;
import org.mohawk4j.functional.DistillationFunction;
import org.mohawk4j.functional.EmbeddingFunction;
import org.mohawk4j.functional.GateFunction;
import org.mohawk4j.functional.Head;
import org.mohawk4j.functional.LayerNormFunction;
import org.mohawk4j.functional.LinearFunction;
import org.mohawk4j.functional.Mamba2Function;
import org.mohawk4j.functional.MlpFunction;
import org.mohawk4j.functional.ResidualNormFunction;
import org.mohawk4j.functional.SemiseparableFunction;
import org.mohawk4j.functional.SemiseparableFunction.Inputs;
import org.mohawk4j.functional.SkipFunction;
import org.mohawk4j.matrix.FrobeniusDistance;
import org.mohawk4j.matrix.SemiseparableMatrix;
import org.mohawk4j.matrix.SoftmaxMatrix;
import org.mohawk4j.tensor.DType;
import org.mohawk4j.tensor.Engine;
import org.mohawk4j.tensor.Gradients;
import org.mohawk4j.tensor.Scope;
import org.mohawk4j.tensor.Shape;
import org.mohawk4j.tensor.Tape;
import org.mohawk4j.tensor.Tensor;
import org.mohawk4j.testing.HostArray;

/** The same numbers give the same bits, result and gradients, twenty times over. */
@Tag("gpu")
class CudaRepetitionTest {
    private static final int REPETITIONS = 20;
    private static final Shape ROWS = Shape.of(828, 256);
    private static final Shape SEQUENCES = Shape.of(4, 207, 256);
    private static final int[] IDS = new Random(1).ints(4 * 207, 0, 63).toArray();

    @BeforeAll
    static void requireGpu() {
        Availability here = new CudaBackendProvider().availability();
        assumeTrue(here.usable(), here.reason());
    }

    private record Operation(Function<List<Tensor>, Tensor> function, List<Shape> inputs) {}

    private static Map<String, Operation> operations() {
        Map<String, Operation> all = new LinkedHashMap<>();
        Shape heads = Shape.of(4, 207, 4, 64);
        add(
                all,
                "linear",
                x -> LinearFunction.apply(x.get(0), x.get(1), Optional.of(x.get(2)), Activation.GELU_TANH),
                ROWS,
                Shape.of(520, 256),
                Shape.of(520));
        add(
                all,
                "MLP",
                x -> MlpFunction.apply(
                        x.get(0),
                        new MlpFunction.Weights(x.get(1), x.get(2), x.get(3), x.get(4)),
                        Activation.GELU_TANH),
                ROWS,
                Shape.of(520, 256),
                Shape.of(520),
                Shape.of(256, 520),
                Shape.of(256));
        add(
                all,
                "layer norm",
                x -> LayerNormFunction.apply(x.get(0), x.get(1), x.get(2), 1e-5),
                ROWS,
                Shape.of(256),
                Shape.of(256));
        add(
                all,
                "residual sum and its norm",
                x -> ResidualNormFunction.apply(
                                x.get(0).cast(x.get(3).dtype()), x.get(1), x.get(2), x.get(3), x.get(4), 1e-5)
                        .normalised(),
                ROWS,
                ROWS,
                ROWS,
                Shape.of(256),
                Shape.of(256));
        add(
                all,
                "convolution",
                x -> CausalConv1dFunction.apply(x.get(0), x.get(1), x.get(2)),
                SEQUENCES,
                Shape.of(256, 1, 4),
                Shape.of(256));
        add(all, "attention", x -> AttentionFunction.apply(x.get(0), x.get(1), x.get(2), 0.125), heads, heads, heads);
        add(
                all,
                "semiseparable",
                x -> SemiseparableFunction.apply(
                                new Inputs(x.get(0), x.get(1), x.get(2), decay(x.get(3)), Optional.empty()), 64)
                        .y(),
                heads,
                Shape.of(4, 207, 2, 64),
                Shape.of(4, 207, 2, 64),
                Shape.of(4, 207, 4));
        add(
                all,
                "Frobenius distance",
                x -> FrobeniusDistance.between(
                        x.get(0).engine(),
                        new SoftmaxMatrix(x.get(0).detach(), x.get(1).detach(), 0.125),
                        new SemiseparableMatrix(x.get(2), x.get(3), decay(x.get(4)), Optional.of(x.get(5)), 64)),
                heads,
                heads,
                heads,
                heads,
                Shape.of(4, 207, 4),
                Shape.of(4));
        add(all, "gate", x -> GateFunction.apply(x.get(0), x.get(1), x.get(2)), ROWS, ROWS, Shape.of(256));
        add(all, "skip", x -> SkipFunction.apply(x.get(0), x.get(1), x.get(2)), heads, heads, Shape.of(4));
        add(
                all,
                "Mamba-2 between its projections",
                x -> Mamba2Function.apply(
                        x.get(0).cast(x.get(0).engine().backend().productType()),
                        new Mamba2Function.Weights(x.get(1), x.get(2), x.get(3), x.get(4)),
                        new Mamba2Function.Config(256, 4, 2, 64, 64)),
                Shape.of(4, 207, 256 + 2 * 128 + 256 + 4),
                Shape.of(512, 1, 4),
                Shape.of(512),
                Shape.of(4),
                Shape.of(256));
        add(all, "distance", x -> DistanceFunction.apply(x.get(0).detach(), x.get(1)), ROWS, ROWS);
        add(
                all,
                "distillation",
                x -> DistillationFunction.apply(
                        new Head(x.get(0).detach(), x.get(1).detach(), Optional.empty()),
                        new Head(x.get(2), x.get(3), Optional.of(x.get(4))),
                        Optional.empty(),
                        DistillationFunction.Weights.PLAIN),
                ROWS,
                Shape.of(2048, 256),
                ROWS,
                Shape.of(2048, 256),
                Shape.of(2048));
        add(
                all,
                "embedding",
                x -> EmbeddingFunction.apply(x.get(0), x.get(0).engine().indices(IDS, 4, 207)),
                Shape.of(63, 256));
        add(
                all,
                "batched product",
                x -> x.get(0).matmul(false, x.get(1), true),
                Shape.of(8, 207, 65),
                Shape.of(8, 130, 65));
        add(all, "softmax", x -> x.get(0).softmax(), ROWS);
        add(all, "sums", x -> x.get(0).sum(0).mul(x.get(0).sum(1).sum()), ROWS);
        add(all, "running sum", x -> x.get(0).cumulativeSum(1), heads);
        add(
                all,
                "norm of gradients",
                x -> AdamWFunction.norm(
                        x.get(0).engine(), List.of(x.get(0).detach(), x.get(1).detach())),
                Shape.of(1000, 999),
                ROWS);
        return all;
    }

    private static Tensor decay(Tensor x) {
        return x.affine(0.4, -0.5);
    }

    private static void add(
            Map<String, Operation> all, String name, Function<List<Tensor>, Tensor> function, Shape... inputs) {
        all.put(name, new Operation(function, List.of(inputs)));
    }

    @TestFactory
    Stream<DynamicTest> everyOperationRepeatsItsBits() {
        return Stream.of(false, true)
                .flatMap(mixed -> operations().entrySet().stream()
                        .map(entry -> DynamicTest.dynamicTest(
                                entry.getKey() + (mixed ? " in mixed precision" : " in float32"),
                                () -> check(entry.getValue(), mixed))));
    }

    /** Large enough that algorithms are timed, which may choose differently each time. */
    @Test
    void backendsAgreeOnALargeProduct() {
        Shape left = Shape.of(4096, 4096);
        Shape right = Shape.of(4096, 2304);
        assertThat(product(left, right)).isEqualTo(product(left, right));
    }

    private static ByteBuffer product(Shape left, Shape right) {
        try (Engine engine = new Engine(
                new CudaBackendProvider().open(BackendOptions.defaults().withMixed(true)))) {
            Tensor a = engine.tensor(HostArray.random(left, 1).toHostTensor(), engine.parameterType());
            Tensor b = engine.tensor(HostArray.random(right, 2).toHostTensor(), engine.parameterType());
            return a.matmul(b).toHost().data();
        }
    }

    private static void check(Operation operation, boolean mixed) {
        try (Engine engine = new Engine(
                        new CudaBackendProvider().open(BackendOptions.defaults().withMixed(mixed)));
                Scope scope = engine.scope()) {
            List<Tensor> inputs = new ArrayList<>();
            for (Shape shape : operation.inputs()) {
                inputs.add(scope.adopt(
                        engine.tensor(HostArray.random(shape, inputs.size()).toHostTensor(), engine.parameterType())));
            }
            List<ByteBuffer> first = run(engine, operation, inputs, mixed);
            for (int i = 1; i < REPETITIONS; i++) {
                assertThat(run(engine, operation, inputs, mixed)).isEqualTo(first);
            }
        }
    }

    /** The bits of the result and of all gradients. */
    private static List<ByteBuffer> run(Engine engine, Operation operation, List<Tensor> inputs, boolean mixed) {
        try (Scope scope = engine.scope();
                Tape tape = engine.tape(inputs)) {
            List<Tensor> given = inputs.stream()
                    .map(x -> mixed && isActivation(x.shape()) ? x.cast(DType.BFLOAT16) : x)
                    .toList();
            Tensor output = operation.function().apply(given);
            List<ByteBuffer> bits = new ArrayList<>(List.of(output.toHost().data()));
            Tensor seed = scope.adopt(
                    engine.tensor(HostArray.random(output.shape(), 9).toHostTensor(), engine.parameterType()));
            Gradients gradients = tape.gradients(output, seed);
            inputs.forEach(input ->
                    gradients.of(input).ifPresent(g -> bits.add(g.toHost().data())));
            return bits;
        }
    }

    /** Whether the numbers are what mixed precision narrows, and no parameter or decay. */
    private static boolean isActivation(Shape shape) {
        return shape.rank() == 4 || shape.equals(ROWS) || shape.equals(SEQUENCES);
    }
}
