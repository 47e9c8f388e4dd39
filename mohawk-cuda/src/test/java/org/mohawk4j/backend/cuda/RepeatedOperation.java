package org.mohawk4j.backend.cuda;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.SplittableRandom;
import java.util.function.Function;
import org.mohawk4j.backend.Array;
import org.mohawk4j.backend.BinaryOp;
import org.mohawk4j.backend.GraphCapture;
import org.mohawk4j.backend.UnaryOp;
import org.mohawk4j.matrix.FrobeniusDistance;
import org.mohawk4j.matrix.SemiseparableMatrix;
import org.mohawk4j.matrix.SoftmaxMatrix;
import org.mohawk4j.mixer.DiscreteMamba2;
import org.mohawk4j.mixer.MixerState;
import org.mohawk4j.op.Activation;
import org.mohawk4j.op.AdamWFunction;
import org.mohawk4j.op.ArgMaxFunction;
import org.mohawk4j.op.AttentionFunction;
import org.mohawk4j.op.CausalConv1dFunction;
import org.mohawk4j.op.EmbeddingFunction;
import org.mohawk4j.op.GateFunction;
import org.mohawk4j.op.LayerNormFunction;
import org.mohawk4j.op.LinearFunction;
import org.mohawk4j.op.LinearMap;
import org.mohawk4j.op.Mamba2Function;
import org.mohawk4j.op.MlpFunction;
import org.mohawk4j.op.NormedLinearsFunction;
import org.mohawk4j.op.ResidualFunction;
import org.mohawk4j.op.ResidualNormFunction;
import org.mohawk4j.op.RotaryFunction;
import org.mohawk4j.op.SemiseparableFunction;
import org.mohawk4j.op.SemiseparableFunction.Inputs;
import org.mohawk4j.op.SkipFunction;
import org.mohawk4j.op.SummedLinearsFunction;
import org.mohawk4j.op.SummedLinearsFunction.Term;
import org.mohawk4j.op.loss.DistanceFunction;
import org.mohawk4j.op.loss.DistillationFunction;
import org.mohawk4j.op.loss.LmHead;
import org.mohawk4j.tensor.Engine;
import org.mohawk4j.tensor.Tensor;
import org.mohawk4j.tensor.types.DType;
import org.mohawk4j.tensor.types.Shape;

/**
 * An operation that must give the same bits every time.
 *
 * @param function leaves its inputs as they are
 * @param differentiated whether gradients are looked at as well
 * @param inputs their shapes
 */
record RepeatedOperation(
        String name, Function<List<Tensor>, List<Tensor>> function, boolean differentiated, List<Shape> inputs) {
    private static final Shape ROWS = Shape.of(828, 256);
    private static final Shape SEQUENCES = Shape.of(4, 207, 256);
    private static final Shape HEADS = Shape.of(4, 207, 4, 64);
    private static final Shape GROUPS = Shape.of(4, 207, 2, 64);
    private static final Shape FEW_ROWS = Shape.of(3, 256);
    private static final int[] IDS = new Random(1).ints(4 * 207, 0, 63).toArray();

    /** Whether the numbers are what mixed precision narrows, and no parameter, state or decay. */
    static boolean isActivation(Shape shape) {
        return (shape.rank() == 4 && shape.dim(0) == SEQUENCES.dim(0) && shape.dim(1) != 4)
                || shape.equals(ROWS)
                || shape.equals(SEQUENCES)
                || shape.equals(FEW_ROWS);
    }

    static List<RepeatedOperation> all() {
        List<RepeatedOperation> all = new ArrayList<>();
        addLayers(all);
        addMixers(all);
        addBetweenProjections(all);
        addLosses(all);
        addPlain(all);
        addUntracked(all);
        return all;
    }

    private static void add(
            List<RepeatedOperation> all, String name, Function<List<Tensor>, Tensor> function, Shape... inputs) {
        all.add(new RepeatedOperation(name, x -> List.of(function.apply(x)), true, List.of(inputs)));
    }

    private static void addUntracked(
            List<RepeatedOperation> all, String name, Function<List<Tensor>, List<Tensor>> function, Shape... inputs) {
        all.add(new RepeatedOperation(name, function, false, List.of(inputs)));
    }

    private static void addLayers(List<RepeatedOperation> all) {
        for (Activation activation : Activation.values()) {
            add(
                    all,
                    "linear, " + activation,
                    x -> LinearFunction.apply(x.get(0), x.get(1), Optional.of(x.get(2)), activation),
                    ROWS,
                    Shape.of(520, 256),
                    Shape.of(520));
        }
        add(
                all,
                "layer norm",
                x -> LayerNormFunction.apply(x.get(0), x.get(1), x.get(2), 1e-5),
                ROWS,
                Shape.of(256),
                Shape.of(256));
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
        all.add(new RepeatedOperation(
                "split convolution",
                x -> CausalConv1dFunction.applyParts(x.get(0), x.get(1), x.get(2), 128, 100, 28),
                true,
                List.of(SEQUENCES, Shape.of(256, 1, 4), Shape.of(256))));
        add(all, "residual", x -> ResidualFunction.apply(x.get(0), x.get(1), x.get(2)), ROWS, ROWS, ROWS);
        add(all, "gate", x -> GateFunction.apply(x.get(0), x.get(1), x.get(2)), ROWS, ROWS, Shape.of(256));
        add(all, "skip", x -> SkipFunction.apply(x.get(0), x.get(1), x.get(2)), HEADS, HEADS, Shape.of(4));
        add(
                all,
                "rotary",
                x -> RotaryFunction.apply(
                        x.get(0),
                        new RotaryFunction.Tables(
                                x.get(1).detach(), x.get(2).detach(), x.get(3).detach(), 32),
                        5),
                HEADS,
                Shape.of(212, 64),
                Shape.of(212, 64),
                Shape.of(64, 64));
        add(
                all,
                "embedding",
                x -> EmbeddingFunction.apply(x.get(0), x.get(0).engine().indices(IDS, 4, 207)),
                Shape.of(63, 256));
    }

    private static void addMixers(List<RepeatedOperation> all) {
        add(all, "attention", x -> AttentionFunction.apply(x.get(0), x.get(1), x.get(2), 0.125), HEADS, HEADS, HEADS);
        add(
                all,
                "attention of the last positions, with groups",
                x -> AttentionFunction.apply(x.get(0), x.get(1), x.get(2), 0.125),
                Shape.of(4, 65, 4, 64),
                GROUPS,
                GROUPS);
        all.add(new RepeatedOperation(
                "semiseparable",
                x -> both(SemiseparableFunction.apply(
                        new Inputs(x.get(0), x.get(1), x.get(2), decay(x.get(3)), Optional.empty()), 64)),
                true,
                List.of(HEADS, GROUPS, GROUPS, Shape.of(4, 207, 4))));
        all.add(new RepeatedOperation(
                "semiseparable from a state",
                x -> both(SemiseparableFunction.apply(
                        new Inputs(x.get(0), x.get(1), x.get(2), decay(x.get(3)), Optional.of(x.get(4))), 64)),
                true,
                List.of(HEADS, HEADS, HEADS, Shape.of(4, 207, 4), Shape.of(4, 4, 64, 64))));
        add(
                all,
                "Frobenius distance",
                x -> FrobeniusDistance.between(
                        x.get(0).engine(),
                        new SoftmaxMatrix(x.get(0).detach(), x.get(1).detach(), 0.125),
                        new SemiseparableMatrix(x.get(2), x.get(3), decay(x.get(4)), Optional.of(x.get(5)), 64)),
                HEADS,
                HEADS,
                HEADS,
                HEADS,
                Shape.of(4, 207, 4),
                Shape.of(4));
    }

    private static void addBetweenProjections(List<RepeatedOperation> all) {
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
    }

    private static List<Tensor> both(SemiseparableFunction.Result result) {
        return List.of(result.y(), result.state());
    }

    private static Tensor decay(Tensor x) {
        return x.affine(0.4, -0.5);
    }

    private static void addLosses(List<RepeatedOperation> all) {
        add(all, "distance", x -> DistanceFunction.apply(x.get(0).detach(), x.get(1)), ROWS, ROWS);
        add(
                all,
                "distillation",
                x -> distillation(x, Optional.empty(), DistillationFunction.Weights.PLAIN),
                ROWS,
                Shape.of(2048, 256),
                ROWS,
                Shape.of(2048, 256),
                Shape.of(2048));
        add(
                all,
                "distillation with labels",
                x -> distillation(
                        x,
                        Optional.of(x.get(0).engine().indices(IDS, IDS.length)),
                        new DistillationFunction.Weights(2, 0.25)),
                ROWS,
                Shape.of(2048, 256),
                ROWS,
                Shape.of(2048, 256),
                Shape.of(2048));
    }

    private static Tensor distillation(List<Tensor> x, Optional<Tensor> labels, DistillationFunction.Weights weights) {
        return DistillationFunction.apply(
                new LmHead(x.get(0).detach(), x.get(1).detach(), Optional.empty()),
                new LmHead(x.get(2), x.get(3), Optional.of(x.get(4))),
                labels,
                weights);
    }

    private static void addPlain(List<RepeatedOperation> all) {
        add(
                all,
                "batched product",
                x -> x.get(0).matmul(false, x.get(1), true),
                Shape.of(8, 207, 65),
                Shape.of(8, 130, 65));
        add(all, "softmax", x -> x.get(0).softmax(), ROWS);
        add(all, "sums", x -> x.get(0).sum(0).mul(x.get(0).sum(1).sum()), ROWS);
        add(all, "a long sum", x -> x.get(0).sum(), Shape.of(3, 1_000_003));
        add(all, "running sum", x -> x.get(0).cumsum(1), HEADS);
        add(all, "running sum along rows", x -> x.get(0).cumsum(-1, true), ROWS);
        add(all, "maximum", x -> x.get(0).max(0, true).add(x.get(0).max(1, true)), ROWS);
        add(all, "lower triangle", x -> x.get(0).tril(3, -1), ROWS);
        add(
                all,
                "rearranging",
                x -> Tensor.concat(
                                1,
                                List.of(x.get(0).permute(0, 2, 1, 3), x.get(1).permute(0, 2, 1, 3)))
                        .narrow(2, 5, 190)
                        .pad(3, 1, 2),
                HEADS,
                GROUPS);
        add(all, "broadcasting", x -> x.get(0).broadcastTo(ROWS).mul(x.get(1)), Shape.of(828, 1), ROWS);
    }

    private static void addUntracked(List<RepeatedOperation> all) {
        for (UnaryOp op : UnaryOp.values()) {
            addUntracked(
                    all,
                    "unary " + op,
                    x -> made(
                            x,
                            x.get(0)
                                    .engine()
                                    .backend()
                                    .elementwise()
                                    .unary(op, x.get(0).array())),
                    ROWS);
        }
        for (BinaryOp op : BinaryOp.values()) {
            addUntracked(
                    all,
                    "binary " + op,
                    x -> made(
                            x,
                            x.get(0)
                                    .engine()
                                    .backend()
                                    .elementwise()
                                    .binary(op, x.get(0).array(), x.get(1).array())),
                    ROWS,
                    Shape.of(256));
        }
        addUntracked(all, "accumulation", RepeatedOperation::accumulated, ROWS, ROWS);
        addUntracked(all, "argmax", x -> List.of(ArgMaxFunction.apply(x.get(0))), ROWS);
        for (long rows : new long[] {1, 3}) {
            addUntracked(
                    all,
                    "linear of " + rows + " rows",
                    x -> List.of(LinearFunction.apply(
                            x.get(0).narrow(0, 0, rows),
                            x.get(1).cast(x.get(0).engine().backend().productType()),
                            Optional.of(x.get(2)),
                            Activation.GELU_TANH)),
                    FEW_ROWS,
                    Shape.of(520, 256),
                    Shape.of(520));
        }
        for (long rows : new long[] {1, 3}) {
            addUntracked(
                    all,
                    "a block's maps of " + rows + " rows",
                    x -> maps(x, rows),
                    FEW_ROWS,
                    Shape.of(256),
                    Shape.of(256),
                    Shape.of(520, 256),
                    Shape.of(256, 520),
                    Shape.of(256, 256));
        }
        addUntracked(all, "positions of Mamba-2", RepeatedOperation::steps, Shape.of(2, 5, 128));
        addUntracked(all, "a recording", RepeatedOperation::recorded, FEW_ROWS, Shape.of(256, 256));
        addUntracked(
                all,
                "norm of gradients",
                x -> List.of(AdamWFunction.norm(x.get(0).engine(), x)),
                Shape.of(1000, 999),
                Shape.of(77));
        addUntracked(all, "AdamW", RepeatedOperation::updated, Shape.of(1000, 99), Shape.of(77));
    }

    private static List<Tensor> made(List<Tensor> x, Array result) {
        return List.of(x.get(0).engine().wrap(result));
    }

    /** A copy, for what changes numbers in place. */
    private static Tensor copy(Tensor x) {
        Engine engine = x.engine();
        return engine.wrap(engine.backend().memory().cast(x.array(), x.dtype()));
    }

    private static List<Tensor> accumulated(List<Tensor> x) {
        Engine engine = x.get(0).engine();
        Tensor sum = copy(x.get(0));
        engine.backend().elementwise().accumulate(sum.array(), x.get(1).array(), 0.3);
        Tensor replaced = copy(x.get(0));
        engine.backend().memory().copyInto(replaced.array(), x.get(1).array());
        engine.backend()
                .memory()
                .copyInto(replaced.array(), 1, 3, x.get(0).narrow(1, 9, 11).array());
        return List.of(sum, replaced);
    }

    /** What a block begins and ends with when it generates, one after the other. */
    private static List<Tensor> maps(List<Tensor> x, long rows) {
        Engine engine = x.get(0).engine();
        DType products = engine.backend().productType();
        Tensor h = x.get(0).narrow(0, 0, rows).cast(engine.parameterType());
        List<LinearMap> first = List.of(
                new LinearMap(x.get(3).cast(products), Optional.empty(), Activation.GELU_TANH),
                new LinearMap(x.get(5).cast(products), Optional.of(x.get(2)), Activation.NONE));
        List<Tensor> made = NormedLinearsFunction.apply(
                h, new NormedLinearsFunction.Norm(x.get(1), x.get(2), 1e-5), first, products);
        Tensor sum = SummedLinearsFunction.apply(
                h,
                List.of(
                        new Term(
                                made.get(1), new LinearMap(x.get(5).cast(products), Optional.empty(), Activation.NONE)),
                        new Term(
                                made.get(0),
                                new LinearMap(x.get(4).cast(products), Optional.of(x.get(2)), Activation.NONE))));
        return List.of(made.get(0), made.get(1), sum);
    }

    private static List<Tensor> steps(List<Tensor> x) {
        Tensor u = x.get(0);
        DiscreteMamba2.Config config = new DiscreteMamba2.Config(u.dim(2), 2, 2, 64, 4, 64);
        try (DiscreteMamba2 mixer = config.create(u.engine(), new SplittableRandom(5));
                MixerState state = mixer.newState(u.dim(0))) {
            List<Tensor> outputs = new ArrayList<>();
            for (long t = 0; t < u.dim(1); t++) {
                outputs.add(mixer.forward(u.narrow(1, t, 1), state));
            }
            return List.of(Tensor.concat(1, outputs));
        }
    }

    private static List<Tensor> recorded(List<Tensor> x) {
        Engine engine = x.get(0).engine();
        GraphCapture recorder = engine.backend().graphCapture().orElseThrow();
        // what a recording makes goes with it, so the result is copied to where it stays
        Tensor result = engine.wrap(
                engine.backend().memory().full(x.get(0).shape(), x.get(0).dtype(), 0));
        Runnable work = () -> {
            Tensor y = x.get(0).matmul(x.get(1)).softmax();
            engine.backend().memory().copyInto(result.array(), y.array());
        };
        work.run();
        try (GraphCapture.Recording recording = recorder.record(work)) {
            recording.replay();
            recording.replay();
        }
        return List.of(result);
    }

    private static List<Tensor> updated(List<Tensor> x) {
        Engine engine = x.get(0).engine();
        List<AdamWFunction.Slot> slots = x.stream()
                .map(value -> new AdamWFunction.Slot(
                        copy(value),
                        value,
                        value.fullLike(0.1),
                        value.fullLike(0.2),
                        value.shape().rank() > 1))
                .toList();
        Tensor scale = AdamWFunction.clipScale(AdamWFunction.norm(engine, x), 1);
        AdamWFunction.update(engine, slots, scale, new AdamWFunction.Hyperparameters(1e-2, 0.9, 0.95, 1e-8, 0.1, 3));
        return slots.stream()
                .flatMap(slot -> Arrays.asList(slot.value(), slot.firstMoment(), slot.secondMoment()).stream())
                .toList();
    }
}
