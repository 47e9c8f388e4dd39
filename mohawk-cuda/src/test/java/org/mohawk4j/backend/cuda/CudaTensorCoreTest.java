package org.mohawk4j.backend.cuda;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;
import org.mohawk4j.backend.BackendOptions;
import org.mohawk4j.backend.cuda.driver.CudaDevice;
import org.mohawk4j.backend.cuda.op.loss.CudaDistillation;
import org.mohawk4j.matrix.FrobeniusDistance;
import org.mohawk4j.matrix.SemiseparableMatrix;
import org.mohawk4j.matrix.SoftmaxMatrix;
import org.mohawk4j.op.AttentionFunction;
import org.mohawk4j.op.AttentionFunction.FusedAttention;
import org.mohawk4j.op.AttentionScores;
import org.mohawk4j.op.RotaryFunction;
import org.mohawk4j.op.SemiseparableFunction;
import org.mohawk4j.op.SemiseparableFunction.FusedSemiseparable;
import org.mohawk4j.op.SemiseparableFunction.Inputs;
import org.mohawk4j.tensor.Engine;
import org.mohawk4j.tensor.Gradients;
import org.mohawk4j.tensor.Scope;
import org.mohawk4j.tensor.Tape;
import org.mohawk4j.tensor.Tensor;
import org.mohawk4j.tensor.types.DType;
import org.mohawk4j.tensor.types.Shape;
import org.mohawk4j.testing.Closeness;
import org.mohawk4j.testing.HostArray;

/**
 * Kernels for tensor cores at the sizes that they are made for, against the plain composition in float64 on the same
 * device: outputs and all gradients, norm of the difference over norm of the expected. With {@code wgmma} where the device
 * has it, and without.
 */
class CudaTensorCoreTest implements GpuTest {
    /** Inputs are exact in bfloat16; what is left are roundings between products and of results. */
    private static final double TOLERANCE = 1e-2;

    private static final int CHUNK = 64;

    /**
     * A function of tensors in the type that it is given, with several outputs.
     *
     * @param frozen how many of the first inputs no gradient is wanted for
     * @param activations how many of the first inputs are narrowed where kernels run; the others stay as parameters are
     */
    private record Case(String name, Function function, int frozen, int activations, List<HostArray> inputs) {}

    @FunctionalInterface
    private interface Function {
        List<Tensor> apply(List<Tensor> inputs);
    }

    private static HostArray numbers(long seed, long... shape) {
        return HostArray.random(Shape.of(shape), seed).roundedTo(DType.BFLOAT16);
    }

    /** Q, K and V of B=2 with H=4 heads in groups of G, half of each head turned by position. */
    private static Case attention(long width, long groups, long queries, long time) {
        int rotaryDim = Math.toIntExact(width / 2);
        double scale = 1 / Math.sqrt(width);
        return new Case(
                "attention, P=" + width + ", G=" + groups + ", Tq=" + queries + ", T=" + time,
                x -> {
                    RotaryFunction.Tables tables = tables(x.get(0).engine(), time, width, rotaryDim);
                    Tensor q = RotaryFunction.apply(x.get(0), tables, time - queries);
                    Tensor k = RotaryFunction.apply(x.get(1), tables, 0);
                    return List.of(AttentionFunction.apply(q, k, x.get(2), scale));
                },
                0,
                3,
                List.of(
                        numbers(1, 2, queries, 4, width).map(v -> 4 * v),
                        numbers(2, 2, time, groups, width),
                        numbers(3, 2, time, groups, width)));
    }

    private static RotaryFunction.Tables tables(Engine engine, long time, long width, int rotaryDim) {
        int half = rotaryDim / 2;
        HostArray angles = HostArray.byIndex(
                Shape.of(time, width),
                i -> i[1] < rotaryDim ? i[0] * Math.pow(10_000, -(double) (i[1] % half) / half) : 0);
        HostArray partner = HostArray.byIndex(
                Shape.of(width, width),
                i -> i[1] < half && i[0] == i[1] + half ? -1 : i[0] < half && i[1] == i[0] + half ? 1 : 0);
        return new RotaryFunction.Tables(
                upload(engine, angles.map(Math::cos)),
                upload(engine, angles.map(Math::sin)),
                upload(engine, partner),
                rotaryDim);
    }

    private static Tensor upload(Engine engine, HostArray values) {
        return engine.tensor(values.toHostTensor(), engine.parameterType());
    }

    /** From a state to a state, B=2, H=4 in groups of G. */
    private static Case semiseparable(long width, long stateSize, long groups, long time) {
        return new Case(
                "semiseparable, P=" + width + ", N=" + stateSize + ", G=" + groups + ", T=" + time,
                x -> {
                    SemiseparableFunction.Result result = SemiseparableFunction.apply(
                            new Inputs(x.get(0), x.get(1), x.get(2), x.get(3), Optional.of(x.get(4))), CHUNK);
                    return List.of(result.y(), result.state());
                },
                0,
                3,
                List.of(
                        numbers(1, 2, time, 4, width),
                        numbers(2, 2, time, groups, stateSize),
                        numbers(3, 2, time, groups, stateSize),
                        decay(2, time, 4),
                        numbers(5, 2, 4, width, stateSize)));
    }

    /** Heads that forget within some positions, and such that remember for hundreds. */
    private static HostArray decay(long batch, long time, long heads) {
        HostArray random = numbers(4, batch, time, heads);
        return HostArray.byIndex(random.shape(), i -> -(1.1 + random.at(i)) * Math.pow(0.1, 1.0 + i[2] % 3));
    }

    private static Case frobenius(long width, long stateSize, long groups, long time) {
        return new Case(
                "Frobenius distance, P=" + width + ", N=" + stateSize + ", G=" + groups + ", T=" + time,
                x -> List.of(FrobeniusDistance.between(
                        x.get(0).engine(),
                        new SoftmaxMatrix(x.get(0), x.get(1), 1 / Math.sqrt(width)),
                        new SemiseparableMatrix(x.get(2), x.get(3), x.get(4), Optional.of(x.get(5)), CHUNK))),
                2,
                4,
                List.of(
                        numbers(1, 1, time, 4, width).map(v -> 4 * v),
                        numbers(2, 1, time, 4, width),
                        numbers(3, 1, time, groups, stateSize).map(v -> v / 4),
                        numbers(4, 1, time, groups, stateSize).map(v -> v / 4),
                        decay(1, time, 4),
                        numbers(6, 4)));
    }

    private static Stream<Case> cases() {
        List<Case> all = new ArrayList<>();
        for (long width : new long[] {64, 128}) {
            for (long time : new long[] {65, 207, 2048}) {
                all.add(attention(width, 4, time, time));
                all.add(attention(width, 2, time, time));
            }
            all.add(attention(width, 1, 65, 207));
            all.add(attention(width, 4, 207, 2048));
            for (long time : new long[] {207, 2048}) {
                all.add(semiseparable(width, width, 4, time));
                all.add(semiseparable(width, width, 2, time));
                all.add(frobenius(width, width, 4, time));
                all.add(frobenius(width, width, 2, time));
            }
        }
        return all.stream();
    }

    @TestFactory
    Stream<DynamicTest> kernelsComputeWhatTheCompositionDoes() {
        return Stream.of(true, false)
                .flatMap(warpgroups -> cases().map(test -> DynamicTest.dynamicTest(
                        test.name() + (warpgroups ? "" : ", without warpgroups"), () -> check(test, warpgroups))));
    }

    private static void check(Case test, boolean warpgroups) {
        BackendOptions mixed = BackendOptions.defaults().withMixed(true);
        CudaDevice device = CudaDevice.of(0);
        List<HostArray> actual;
        try (Engine engine = new Engine(new CudaBackend(
                mixed,
                device,
                warpgroups && device.hasWarpgroupProducts(),
                CudaDistillation.logitsAtOnce(device.memoryBytes())))) {
            assumeServed(engine, test);
            actual = run(engine, test, true);
        }
        List<HostArray> expected;
        try (Engine engine = new Engine(new CudaBackend(
                BackendOptions.defaults().withParameterType(DType.FLOAT64),
                device,
                false,
                CudaDistillation.logitsAtOnce(device.memoryBytes())))) {
            expected = run(engine, test, false);
        }
        assertThat(actual).hasSameSizeAs(expected);
        for (int i = 0; i < expected.size(); i++) {
            assertThat(Closeness.relativeError(
                            actual.get(i).values(), expected.get(i).values()))
                    .as("relative error of result %d (outputs, then gradients) of %s", i, test.name())
                    .isLessThanOrEqualTo(TOLERANCE);
        }
    }

    /** On smaller devices some sizes run as the composition, which other tests look at. */
    private static void assumeServed(Engine engine, Case test) {
        Shape first = test.inputs().get(0).shape();
        boolean served = test.name().startsWith("attention")
                ? engine.backend()
                        .fused(FusedAttention.class)
                        .orElseThrow()
                        .supports(4, 4, first.dim(3), AttentionScores.scaled(1), true)
                : !test.name().startsWith("semiseparable")
                        || engine.backend()
                                .fused(FusedSemiseparable.class)
                                .orElseThrow()
                                .supports(
                                        first.dim(3),
                                        test.inputs().get(1).shape().dim(3));
        assumeTrue(served, "left to the composition on this device");
    }

    /** All outputs, then the gradients of the inputs that are not frozen, for a random gradient of each output. */
    private static List<HostArray> run(Engine engine, Case test, boolean narrowed) {
        try (Scope scope = engine.scope()) {
            List<Tensor> inputs = test.inputs().stream()
                    .map(values -> scope.adopt(upload(engine, values)))
                    .toList();
            List<Tensor> watched = inputs.subList(test.frozen(), inputs.size());
            try (Tape tape = engine.tape(watched)) {
                List<Tensor> given = new ArrayList<>();
                for (int i = 0; i < inputs.size(); i++) {
                    Tensor x = i < test.frozen() ? inputs.get(i).detach() : inputs.get(i);
                    given.add(narrowed && i < test.activations() ? x.cast(DType.BFLOAT16) : x);
                }
                List<Tensor> outputs = test.function().apply(given);
                List<HostArray> results = new ArrayList<>();
                Tensor loss = engine.zeros();
                for (Tensor output : outputs) {
                    results.add(HostArray.of(output.toHost()));
                    Tensor seed = upload(
                            engine, numbers(9 + results.size(), output.shape().toArray()));
                    loss = loss.add(
                            output.cast(engine.parameterType()).mul(seed).sum());
                }
                Gradients gradients = tape.gradients(loss);
                for (Tensor input : watched) {
                    results.add(HostArray.of(gradients.of(input).orElseThrow().toHost()));
                }
                return results;
            }
        }
    }
}
