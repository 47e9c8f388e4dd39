package org.mohawk4j.backend.contract;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.Function;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;
import org.mohawk4j.backend.Backend;
import org.mohawk4j.backend.FusedOp;
import org.mohawk4j.backend.GraphCapture;
import org.mohawk4j.op.AdamWFunction;
import org.mohawk4j.tensor.Engine;
import org.mohawk4j.tensor.Gradients;
import org.mohawk4j.tensor.Scope;
import org.mohawk4j.tensor.Tape;
import org.mohawk4j.tensor.Tensor;
import org.mohawk4j.tensor.types.DType;
import org.mohawk4j.tensor.types.Shape;
import org.mohawk4j.testing.Closeness;
import org.mohawk4j.testing.HostArray;
import org.mohawk4j.testing.TensorAssert;

/**
 * Runs a function on a backend with its kernels and without them, and compares outputs and gradients: with all inputs
 * tracked, and if they are small with each one alone, so that what is skipped for frozen inputs is skipped rightly.
 */
final class KernelProbe {
    private static final long SMALL = 2000;

    /** What operands and results of eight bits may cost: norm of the difference over norm of the expected. */
    private static final double MIXED = 1e-2;

    /** Likewise in float32, up to sums of {@link #PLAIN_LENGTH} terms. */
    private static final double PLAIN = 1e-5;

    private static final double PLAIN_LENGTH = 1024;

    /** How far an element may be off for the typical one. */
    private static final double OUTLIER = 20;

    private static final long FEW = 8;

    private final BackendProbe probe;
    private final Engine fused;
    private final Engine plain;

    /** How far mixed precision goes: what a kernel is applied to, and the gradient that comes back to it. */
    enum Narrow {
        NOTHING,
        INPUTS,
        INPUTS_AND_GRADIENT
    }

    private final Narrow narrow;

    KernelProbe(BackendProbe probe, Narrow narrow) {
        this.probe = probe;
        this.narrow = narrow;
        Backend backend = probe.backend();
        this.fused = new Engine(backend);
        this.plain = new Engine(new PlainBackend(backend));
    }

    /** Output and the gradients by the tracked inputs. */
    private record Outcome(HostArray output, List<HostArray> gradients) {}

    Tensor ids(Engine engine, HostArray values) {
        int[] whole = Arrays.stream(values.values()).mapToInt(v -> (int) v).toArray();
        return engine.indices(whole, values.shape().toArray());
    }

    /** Whether this probe narrows what kernels are applied to. */
    boolean isNarrow() {
        return narrow != Narrow.NOTHING;
    }

    <K extends FusedOp> K fused(Class<K> type) {
        return probe.backend().fused(type).orElseThrow();
    }

    /** What a kernel is applied to, other than parameters: in bfloat16 where that is to be tried. */
    Tensor activation(Tensor x) {
        return isNarrow() && x.engine() == fused ? x.cast(DType.BFLOAT16) : x;
    }

    /** A weight as a model keeps it that is not trained: in the type of products. */
    Tensor narrowed(Tensor weight) {
        return weight.engine() == fused ? weight.cast(probe.backend().productType()) : weight;
    }

    void check(String what, Function<List<Tensor>, Tensor> function, HostArray... inputs) {
        checkWithTeacher(what, function, 0, inputs);
    }

    /** @param frozen how many of the first inputs no gradient is wanted for */
    void checkWithTeacher(String what, Function<List<Tensor>, Tensor> function, int frozen, HostArray... inputs) {
        String name = what + " of "
                + Arrays.toString(Arrays.stream(inputs).map(HostArray::shape).toArray());
        List<Integer> all = new ArrayList<>();
        for (int i = frozen; i < inputs.length; i++) {
            all.add(i);
        }
        long length = longestSum(inputs);
        Outcome expected = run(plain, function, all, inputs);
        compare(name, run(fused, function, all, inputs), expected, all, length);
        compare(
                name + ", nothing tracked",
                run(fused, function, List.of(), inputs),
                new Outcome(expected.output(), List.of()),
                List.of(),
                length);
        boolean small = Arrays.stream(inputs).allMatch(input -> input.shape().size() <= SMALL);
        for (int i = 0; small && i < all.size(); i++) {
            List<Integer> one = List.of(all.get(i));
            Outcome alone =
                    new Outcome(expected.output(), List.of(expected.gradients().get(i)));
            compare(name + ", input " + one + " tracked", run(fused, function, one, inputs), alone, one, length);
        }
        long held = probe.backend().memory().liveBytes();
        run(fused, function, all, inputs);
        if (probe.backend().memory().liveBytes() != held) {
            long left = probe.backend().memory().liveBytes() - held;
            throw new AssertionError(name + " leaves " + left + " bytes behind");
        }
    }

    /** As {@link #check}, of a function without gradients. */
    void checkUntracked(String what, Function<List<Tensor>, Tensor> function, HostArray... inputs) {
        String name = what + " of "
                + Arrays.toString(Arrays.stream(inputs).map(HostArray::shape).toArray());
        compare(
                name,
                run(fused, function, List.of(), inputs),
                run(plain, function, List.of(), inputs),
                List.of(),
                longestSum(inputs));
    }

    /** Whole numbers, which must be the same. */
    void checkIndices(Function<Tensor, Tensor> function, HostArray input) {
        try (Scope scope = fused.scope()) {
            Tensor x = activation(scope.adopt(upload(fused, input)));
            Tensor same = upload(plain, HostArray.of(x.toHost()));
            TensorAssert.assertClose(
                    "indices of " + input.shape(),
                    HostArray.of(function.apply(x).toHost()),
                    HostArray.of(function.apply(same).toHost()),
                    HostArray.filled(Shape.of(input.shape().dim(0)), 0));
        }
    }

    /** A recording does its work anew on the numbers that are there, and leaves nothing behind. */
    static void checkRecorder(BackendProbe probe) {
        GraphCapture recorder = probe.backend().graphCapture().orElseThrow();
        Engine engine = new Engine(probe.backend());
        long before = probe.backend().memory().liveBytes();
        try (Scope scope = engine.scope()) {
            Tensor x = scope.adopt(engine.zeros(63, 65));
            Tensor weight = scope.adopt(engine.tensor(numbers(9, 65, 65).toHostTensor(), engine.parameterType()));
            UnaryOperator<Tensor> work =
                    in -> in.matmul(weight).softmax().mul(in).sum(0);
            List<Tensor> made = new ArrayList<>(List.of(work.apply(x)));
            try (GraphCapture.Recording recording = recorder.record(() -> made.set(0, work.apply(x)))) {
                for (int seed = 0; seed < 3; seed++) {
                    Tensor next = engine.tensor(numbers(seed, 63, 65).toHostTensor(), engine.parameterType());
                    engine.backend().memory().copyInto(x.array(), next.array());
                    recording.replay();
                    TensorAssert.assertClose(
                            "replay " + seed,
                            HostArray.of(made.get(0).toHost()),
                            HostArray.of(work.apply(x).toHost()),
                            HostArray.filled(Shape.of(65), 0));
                }
            }
        }
        if (probe.backend().memory().liveBytes() != before) {
            throw new AssertionError("a recording leaves memory behind");
        }
    }

    private static HostArray numbers(long seed, long... shape) {
        return HostArray.random(Shape.of(shape), seed);
    }

    /** Three steps over parameters of odd sizes, clipped, some without decay. */
    void checkAdamW() {
        List<List<HostArray>> expected = trained(plain);
        List<List<HostArray>> actual = trained(fused);
        for (int i = 0; i < expected.size(); i++) {
            for (int k = 0; k < 3; k++) {
                String what = List.of("value", "first moment", "second moment").get(k) + " of parameter " + i;
                compare(
                        what,
                        actual.get(i).get(k),
                        expected.get(i).get(k),
                        expected.get(i).get(k).shape().size());
            }
        }
    }

    private List<List<HostArray>> trained(Engine engine) {
        List<Shape> shapes = List.of(Shape.of(1), Shape.of(13), Shape.of(63, 65), Shape.of(2048), Shape.of(207, 5));
        try (Scope scope = engine.scope()) {
            List<AdamWFunction.Slot> slots = new ArrayList<>();
            for (int i = 0; i < shapes.size(); i++) {
                Tensor value = scope.adopt(upload(engine, HostArray.random(shapes.get(i), i)));
                Tensor gradient = upload(engine, HostArray.random(shapes.get(i), 10 + i));
                slots.add(new AdamWFunction.Slot(
                        value, gradient, value.fullLike(0), value.fullLike(0), parts(shapes.get(i))));
            }
            List<Tensor> gradients =
                    slots.stream().map(AdamWFunction.Slot::gradient).toList();
            for (int step = 1; step <= 3; step++) {
                Tensor scale = AdamWFunction.clipScale(AdamWFunction.norm(engine, gradients), step == 2 ? 1e6 : 1);
                AdamWFunction.update(
                        engine, slots, scale, new AdamWFunction.Hyperparameters(1e-2, 0.9, 0.95, 1e-8, step));
            }
            return slots.stream()
                    .map(s -> Stream.of(s.value(), s.firstMoment(), s.secondMoment())
                            .map(t -> HostArray.of(t.toHost()))
                            .toList())
                    .toList();
        }
    }

    /** Matrices in three stretches, of which the second begins at an odd place and does not move. */
    private static List<AdamWFunction.Part> parts(Shape shape) {
        if (shape.rank() == 1) {
            return List.of(new AdamWFunction.Part(shape.size(), 1, 0));
        }
        return List.of(
                new AdamWFunction.Part(33, 0.5, 0.1),
                new AdamWFunction.Part(100, 0, 0.1),
                new AdamWFunction.Part(shape.size() - 133, 3, 0.2));
    }

    private Tensor upload(Engine engine, HostArray values) {
        return engine.tensor(values.toHostTensor(), probe.dtype());
    }

    /** Numbers that mixed precision need not round: whether a backend rounds some of them in a way of its own is not asked. */
    private HostArray exact(HostArray input) {
        return probe.mixed() ? input.roundedTo(DType.BFLOAT16) : input;
    }

    private Outcome run(
            Engine engine, Function<List<Tensor>, Tensor> function, List<Integer> tracked, HostArray... inputs) {
        try (Scope scope = engine.scope()) {
            List<Tensor> tensors = Arrays.stream(inputs)
                    .map(input -> scope.adopt(upload(engine, exact(input))))
                    .toList();
            List<Tensor> watched = tracked.stream().map(tensors::get).toList();
            try (Tape tape = engine.tape(watched)) {
                poison(inputs);
                Tensor output = function.apply(tensors);
                HostArray seed = HostArray.random(output.shape(), 17);
                HostArray values = HostArray.of(output.toHost());
                poison(inputs);
                Gradients gradients = tape.gradients(output, narrowed(upload(engine, seed), output));
                return new Outcome(
                        values,
                        watched.stream()
                                .map(w -> gradients
                                        .of(w)
                                        .map(g -> HostArray.of(g.toHost()))
                                        .orElseGet(() -> HostArray.filled(w.shape(), 0)))
                                .toList());
            }
        }
    }

    private static void requireFinite(String what, HostArray numbers) {
        long broken =
                Arrays.stream(numbers.values()).filter(v -> !Double.isFinite(v)).count();
        if (broken > 0) {
            throw new AssertionError(what + ": " + broken + " of " + numbers.shape() + " are not finite");
        }
    }

    /** A sum goes along the last axis of an input or across all others. */
    private static long longestSum(HostArray... inputs) {
        long longest = 1;
        for (HostArray input : inputs) {
            long size = input.shape().size();
            long last = input.shape().rank() == 0 ? 1 : input.shape().dim(-1);
            longest = Math.max(longest, Math.max(last, size / last));
        }
        return longest;
    }

    private Tensor narrowed(Tensor gradient, Tensor output) {
        return narrow == Narrow.INPUTS_AND_GRADIENT ? gradient.cast(output.dtype()) : gradient;
    }

    private void poison(HostArray... inputs) {
        for (HostArray input : inputs) {
            probe.poison(input.shape().size());
        }
    }

    private void compare(String what, Outcome actual, Outcome expected, List<Integer> tracked, long length) {
        compare(what, actual.output(), expected.output(), length);
        for (int i = 0; i < tracked.size(); i++) {
            compare(
                    what + ", gradient by input " + tracked.get(i),
                    actual.gradients().get(i),
                    expected.gradients().get(i),
                    length);
        }
    }

    /**
     * Norm against norm, and no element far off for the typical one. Numbers that are none always fail: of the inputs here
     * each function has finite results.
     *
     * @param length of the longest sum that the numbers come from
     */
    private void compare(String what, HostArray actual, HostArray expected, long length) {
        requireFinite(what, actual);
        requireFinite(what + ", expected", expected);
        double tolerance = probe.mixed()
                ? MIXED
                : PLAIN * probe.epsilon() / Math.ulp(1f) * Math.max(1, Math.sqrt(length / PLAIN_LENGTH));
        double size = Math.sqrt(
                Arrays.stream(expected.values()).map(v -> v * v).average().orElse(0));
        TensorAssert.assertClose(
                what,
                actual,
                expected,
                expected.map(v -> OUTLIER * tolerance * (Math.abs(v) + size) + tolerance * 1e-3));
        double error = Closeness.relativeError(actual.values(), expected.values());
        // a few numbers may be small differences of large ones
        if (size > 0 && expected.shape().size() >= FEW && !(error <= tolerance)) {
            throw new AssertionError(what + ": relative error " + error + " exceeds " + tolerance);
        }
    }
}
