package org.mohawk4j.backend.cuda;

import static org.mohawk4j.backend.cuda.RepeatedOperation.GROUPS;
import static org.mohawk4j.backend.cuda.RepeatedOperation.HEADS;
import static org.mohawk4j.backend.cuda.RepeatedOperation.IDS;
import static org.mohawk4j.backend.cuda.RepeatedOperation.ROWS;
import static org.mohawk4j.backend.cuda.RepeatedOperation.SEQUENCES;
import static org.mohawk4j.backend.cuda.RepeatedOperation.add;

import java.util.List;
import java.util.Optional;
import org.mohawk4j.matrix.FrobeniusDistance;
import org.mohawk4j.matrix.SemiseparableMatrix;
import org.mohawk4j.matrix.SoftmaxMatrix;
import org.mohawk4j.op.Activation;
import org.mohawk4j.op.AttentionFunction;
import org.mohawk4j.op.AttentionScores;
import org.mohawk4j.op.CausalConv1dFunction;
import org.mohawk4j.op.EmbeddingFunction;
import org.mohawk4j.op.GateFunction;
import org.mohawk4j.op.LayerNormFunction;
import org.mohawk4j.op.LinearFunction;
import org.mohawk4j.op.Mamba2Function;
import org.mohawk4j.op.MlpFunction;
import org.mohawk4j.op.ResidualFunction;
import org.mohawk4j.op.ResidualNormFunction;
import org.mohawk4j.op.ResidualRmsNormFunction;
import org.mohawk4j.op.RmsNormFunction;
import org.mohawk4j.op.RotaryFunction;
import org.mohawk4j.op.SemiseparableFunction;
import org.mohawk4j.op.SemiseparableFunction.Inputs;
import org.mohawk4j.op.SkipFunction;
import org.mohawk4j.op.glu.GatedMlpFunction;
import org.mohawk4j.op.glu.GluFunction;
import org.mohawk4j.op.loss.DistanceFunction;
import org.mohawk4j.op.loss.DistillationFunction;
import org.mohawk4j.op.loss.LmHead;
import org.mohawk4j.tensor.Tensor;
import org.mohawk4j.tensor.types.Shape;

/** Repeated operations whose gradients are looked at as well. */
final class DifferentiatedOperations {
    private DifferentiatedOperations() {}

    static void addTo(List<RepeatedOperation> all) {
        addLayers(all);
        addMixers(all);
        addBetweenProjections(all);
        addLosses(all);
        addTied(all);
        addPlain(all);
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
                        .normalized(),
                ROWS,
                ROWS,
                ROWS,
                Shape.of(256),
                Shape.of(256));
        add(all, "RMS norm", x -> RmsNormFunction.apply(x.get(0), x.get(1), 1e-5), ROWS, Shape.of(256));
        add(all, "RMS norm of heads", x -> RmsNormFunction.apply(x.get(0), x.get(1), 1e-5), HEADS, Shape.of(64));
        add(
                all,
                "RMS norm of long rows",
                x -> RmsNormFunction.apply(x.get(0), x.get(1), 1e-5),
                Shape.of(70, 1024),
                Shape.of(1024));
        add(
                all,
                "residual sum and its RMS norm",
                x -> ResidualRmsNormFunction.apply(x.get(0).cast(x.get(2).dtype()), x.get(1), x.get(2), 1e-5)
                        .normalized(),
                ROWS,
                ROWS,
                Shape.of(256));
        for (Activation activation : Activation.values()) {
            add(
                    all,
                    "gated linear unit, " + activation,
                    x -> GluFunction.apply(x.get(0), x.get(1), activation),
                    ROWS,
                    ROWS);
        }
        add(
                all,
                "gated MLP",
                x -> GatedMlpFunction.apply(
                        x.get(0), new GatedMlpFunction.Weights(x.get(1), x.get(2), x.get(3)), Activation.SILU),
                ROWS,
                Shape.of(520, 256),
                Shape.of(520, 256),
                Shape.of(256, 520));
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

    /** The loss of a tied head, whose gradient the embedding's rows are added to. */
    private static void addTied(List<RepeatedOperation> all) {
        add(
                all,
                "distillation of a tied head",
                x -> {
                    Tensor rows =
                            EmbeddingFunction.apply(x.get(0), x.get(0).engine().indices(IDS, IDS.length));
                    return DistillationFunction.apply(
                            new LmHead(x.get(1).detach(), x.get(2).detach(), Optional.empty()),
                            new LmHead(rows, x.get(0), Optional.empty()),
                            Optional.empty(),
                            DistillationFunction.Weights.PLAIN);
                },
                Shape.of(2048, 256),
                ROWS,
                Shape.of(2048, 256));
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
        add(
                all,
                "attention within a window, of bounded scores",
                x -> AttentionFunction.apply(x.get(0), x.get(1), x.get(2), new AttentionScores(0.125, 1.5, 70)),
                HEADS,
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
        add(all, "relative distance", x -> DistanceFunction.relative(x.get(0).detach(), x.get(1)), ROWS, ROWS);
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
}
