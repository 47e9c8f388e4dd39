package org.mohawk4j.backend.cuda;

import static org.mohawk4j.backend.cuda.RepeatedOperation.FEW_ROWS;
import static org.mohawk4j.backend.cuda.RepeatedOperation.ROWS;
import static org.mohawk4j.backend.cuda.RepeatedOperation.addUntracked;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.SplittableRandom;
import org.mohawk4j.backend.Array;
import org.mohawk4j.backend.BinaryOp;
import org.mohawk4j.backend.GraphCapture;
import org.mohawk4j.backend.UnaryOp;
import org.mohawk4j.mixer.DiscreteMamba2;
import org.mohawk4j.mixer.MixerState;
import org.mohawk4j.op.Activation;
import org.mohawk4j.op.AdamWFunction;
import org.mohawk4j.op.ArgMaxFunction;
import org.mohawk4j.op.LagSumsFunction;
import org.mohawk4j.op.LinearFunction;
import org.mohawk4j.op.LinearMap;
import org.mohawk4j.op.NormedLinearsFunction;
import org.mohawk4j.op.SummedLinearsFunction;
import org.mohawk4j.op.SummedLinearsFunction.Term;
import org.mohawk4j.op.glu.NormedGluFunction;
import org.mohawk4j.tensor.Engine;
import org.mohawk4j.tensor.Tensor;
import org.mohawk4j.tensor.types.DType;
import org.mohawk4j.tensor.types.Shape;

/** Repeated operations that no tape knows, or that change numbers in place. */
final class UndifferentiatedOperations {
    private UndifferentiatedOperations() {}

    static void addTo(List<RepeatedOperation> all) {
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
        addUntracked(all, "accumulation", UndifferentiatedOperations::accumulated, ROWS, ROWS);
        addUntracked(all, "argmax", x -> List.of(ArgMaxFunction.apply(x.get(0))), ROWS);
        addUntracked(all, "argmax into an array", UndifferentiatedOperations::argMaxInto, ROWS);
        addUntracked(
                all,
                "lag sums",
                x -> List.of(LagSumsFunction.ofMatrix(x.get(0), x.get(1), 4), LagSumsFunction.ofScores(x.get(1), 4)),
                Shape.of(3, 1, 300, 300),
                Shape.of(3, 1, 300, 300));
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
        for (long rows : new long[] {1, 3}) {
            addUntracked(
                    all,
                    "a gated MLP of " + rows + " rows",
                    x -> gated(x, rows),
                    FEW_ROWS,
                    Shape.of(256),
                    Shape.of(520, 256),
                    Shape.of(520, 256),
                    Shape.of(256, 520),
                    Shape.of(256, 256));
        }
        addUntracked(all, "positions of Mamba-2", UndifferentiatedOperations::steps, Shape.of(2, 5, 128));
        addUntracked(all, "a recording", UndifferentiatedOperations::recorded, FEW_ROWS, Shape.of(256, 256));
        addUntracked(
                all,
                "norm of gradients",
                x -> List.of(AdamWFunction.norm(x.get(0).engine(), x)),
                Shape.of(1000, 999),
                Shape.of(77));
        addUntracked(all, "AdamW", UndifferentiatedOperations::updated, Shape.of(1000, 99), Shape.of(77));
    }

    private static List<Tensor> made(List<Tensor> x, Array result) {
        return List.of(x.get(0).engine().wrap(result));
    }

    /** A copy, for what changes numbers in place. */
    private static Tensor copy(Tensor x) {
        Engine engine = x.engine();
        return engine.wrap(engine.backend().memory().cast(x.array(), x.dtype()));
    }

    private static List<Tensor> argMaxInto(List<Tensor> x) {
        int rows = Math.toIntExact(x.get(0).dim(0));
        Tensor target = x.get(0).engine().indices(new int[rows], rows, 1);
        ArgMaxFunction.into(target, x.get(0));
        return List.of(target);
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

    /** A map of a norm, a sum that takes nothing of it early, and an MLP whose sum is all early. */
    private static List<Tensor> gated(List<Tensor> x, long rows) {
        Engine engine = x.get(0).engine();
        DType products = engine.backend().productType();
        Tensor h = x.get(0).narrow(0, 0, rows).cast(engine.parameterType());
        NormedLinearsFunction.Norm norm = new NormedLinearsFunction.Norm(x.get(1), Optional.empty(), 1e-5);
        LinearMap square = new LinearMap(x.get(5).cast(products), Optional.empty(), Activation.NONE);
        Tensor mapped =
                NormedLinearsFunction.apply(h, norm, List.of(square), products).get(0);
        Tensor middle = SummedLinearsFunction.apply(h, List.of(new Term(mapped.affine(1, 0), square)));
        Tensor inner = NormedGluFunction.apply(
                middle,
                norm,
                new LinearMap(x.get(2).cast(products), Optional.empty(), Activation.SILU),
                new LinearMap(x.get(3).cast(products), Optional.empty(), Activation.NONE));
        LinearMap down = new LinearMap(x.get(4).cast(products), Optional.empty(), Activation.NONE);
        return List.of(inner, SummedLinearsFunction.apply(middle, List.of(new Term(inner, down))));
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
                        value.shape().rank() > 1 ? 0.1 : 0))
                .toList();
        Tensor scale = AdamWFunction.clipScale(AdamWFunction.norm(engine, x), 1);
        AdamWFunction.update(engine, slots, scale, new AdamWFunction.Hyperparameters(1e-2, 0.9, 0.95, 1e-8, 3));
        return slots.stream()
                .flatMap(slot -> Arrays.asList(slot.value(), slot.firstMoment(), slot.secondMoment()).stream())
                .toList();
    }
}
