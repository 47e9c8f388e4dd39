package org.mohawk4j.op;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import java.util.Optional;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.mohawk4j.InvalidInputException;
import org.mohawk4j.backend.BackendOptions;
import org.mohawk4j.op.SummedLinearsFunction.Term;
import org.mohawk4j.op.glu.GatedMlpFunction;
import org.mohawk4j.op.glu.NormedGluFunction;
import org.mohawk4j.op.loss.CrossEntropyFunction;
import org.mohawk4j.op.loss.DistillationFunction;
import org.mohawk4j.op.loss.DistillationFunction.Weights;
import org.mohawk4j.op.loss.LmHead;
import org.mohawk4j.tensor.Engine;
import org.mohawk4j.tensor.Tensor;
import org.mohawk4j.tensor.types.DType;

/** What does not fit together is refused in one line, before a kernel could read beyond an array. */
class FunctionShapeTest {
    private Engine engine;

    @BeforeEach
    void open() {
        engine = Engine.open("nd4j", BackendOptions.defaults());
    }

    @AfterEach
    void close() {
        engine.close();
    }

    private Tensor x(long... shape) {
        return engine.full(0.5, shape);
    }

    private static void refuses(ThrowingCallable call, String... parts) {
        assertThatThrownBy(call)
                .isInstanceOf(IllegalArgumentException.class)
                .satisfies(e -> assertThat(e.getMessage()).contains(parts).doesNotContain("\n"));
    }

    @Test
    void layerNormNeedsAWeightAndABiasOfItsWidth() {
        refuses(() -> LayerNormFunction.apply(x(2, 3, 5), x(4), x(5), 1e-5), "x [2, 3, 5]", "weight [4]", "bias [5]");
        refuses(() -> LayerNormFunction.apply(x(2, 5), x(5), x(4), 1e-5), "bias [4]");
        refuses(() -> LayerNormFunction.apply(x(2, 5), x(1, 5), x(5), 1e-5), "weight [1, 5]");
        refuses(() -> LayerNormFunction.apply(x(), x(1), x(1), 1e-5), "x []");
    }

    @Test
    void argMaxNeedsATargetWithAnElementForEachRow() {
        refuses(
                () -> ArgMaxFunction.into(engine.indices(new int[2], 2, 1), x(3, 5)),
                "x [3, 5]",
                "3 elements",
                "[2, 1]");
        refuses(() -> ArgMaxFunction.into(x(3), x(3, 5)), "INT32", "FLOAT32 [3]");
    }

    @Test
    void lagSumsNeedSquaresOfOneShape() {
        refuses(
                () -> LagSumsFunction.ofMatrix(x(2, 1, 4, 4), x(2, 1, 3, 3), 2),
                "matrix FLOAT32 [2, 1, 4, 4]",
                "[2, 1, 3, 3]");
        refuses(() -> LagSumsFunction.ofScores(x(2, 1, 4, 3), 2), "[2, 1, 4, 3]");
        refuses(() -> LagSumsFunction.ofScores(x(2, 1, 4, 4), 5), "5 shifts");
    }

    @Test
    void mapsOfOneInputNeedItsWidth() {
        NormedLinearsFunction.Norm norm = new NormedLinearsFunction.Norm(x(5), x(5), 1e-5);
        LinearMap fits = map(x(3, 5), Optional.of(x(3)));
        assertThatCode(() -> NormedLinearsFunction.apply(x(2, 5), norm, List.of(fits), DType.FLOAT32))
                .doesNotThrowAnyException();
        refuses(
                () -> NormedLinearsFunction.apply(x(2, 4), norm, List.of(fits), DType.FLOAT32),
                "x [2, 4]",
                "weight [5]");
        refuses(
                () -> NormedLinearsFunction.apply(
                        x(2, 5), norm, List.of(fits, map(x(3, 4), Optional.empty())), DType.FLOAT32),
                "input [2, 5]",
                "weight [3, 4]");
        refuses(
                () -> NormedLinearsFunction.apply(
                        x(2, 5), norm, List.of(map(x(3, 5), Optional.of(x(5)))), DType.FLOAT32),
                "bias [5]");
    }

    @Test
    void aGatedUnitOfANormNeedsMapsOfItsWidth() {
        NormedLinearsFunction.Norm norm = new NormedLinearsFunction.Norm(x(5), Optional.empty(), 1e-5);
        LinearMap fits = map(x(3, 5), Optional.of(x(3)));
        assertThatCode(() -> NormedGluFunction.apply(x(2, 5), norm, fits, fits)).doesNotThrowAnyException();
        refuses(() -> NormedGluFunction.apply(x(2, 4), norm, fits, fits), "x [2, 4]", "weight [5]");
        refuses(
                () -> NormedGluFunction.apply(x(2, 5), norm, fits, map(x(3, 4), Optional.empty())),
                "input [2, 5]",
                "weight [3, 4]");
        refuses(
                () -> NormedGluFunction.apply(x(2, 5), norm, fits, map(x(4, 5), Optional.empty())),
                "gate [2, 3]",
                "up [2, 4]");
    }

    @Test
    void aGatedMlpNeedsMapsThatFitEachOther() {
        GatedMlpFunction.Weights fits = new GatedMlpFunction.Weights(x(3, 5), x(3, 5), x(4, 3));
        assertThatCode(() -> GatedMlpFunction.apply(x(2, 5), fits, Activation.SILU))
                .doesNotThrowAnyException();
        refuses(() -> GatedMlpFunction.apply(x(2, 4), fits, Activation.SILU), "x [2, 4]", "gate [3, 5]");
        refuses(
                () -> GatedMlpFunction.apply(
                        x(2, 5), new GatedMlpFunction.Weights(x(3, 5), x(4, 5), x(4, 3)), Activation.SILU),
                "up [4, 5]");
        refuses(
                () -> GatedMlpFunction.apply(
                        x(2, 5), new GatedMlpFunction.Weights(x(3, 5), x(3, 5), x(4, 4)), Activation.SILU),
                "down [4, 4]");
    }

    @Test
    void mapsThatAreAddedNeedTheStreamsShape() {
        LinearMap fits = map(x(5, 3), Optional.of(x(5)));
        assertThatCode(() -> SummedLinearsFunction.apply(x(2, 5), List.of(new Term(x(2, 3), fits))))
                .doesNotThrowAnyException();
        refuses(() -> SummedLinearsFunction.apply(x(2, 5), List.of(new Term(x(1, 3), fits))), "h [2, 5]", "x [1, 3]");
        refuses(
                () -> SummedLinearsFunction.apply(x(2, 5), List.of(new Term(x(2, 3), map(x(4, 3), Optional.empty())))),
                "h [2, 5]",
                "weight [4, 3]");
        refuses(
                () -> SummedLinearsFunction.apply(x(2, 5), List.of(new Term(x(2, 4), fits))),
                "input [2, 4]",
                "weight [5, 3]");
    }

    private static LinearMap map(Tensor weight, Optional<Tensor> bias) {
        return new LinearMap(weight, bias, Activation.NONE);
    }

    @Test
    void mlpNeedsMapsThatFollowEachOther() {
        refuses(
                () -> MlpFunction.apply(
                        x(2, 5), new MlpFunction.Weights(x(7, 5), x(7), x(5, 6), x(5)), Activation.RELU),
                "first [7, 5]",
                "second [5, 6]");
        refuses(
                () -> MlpFunction.apply(
                        x(2, 5), new MlpFunction.Weights(x(7, 5), x(7), x(5, 7), x(7)), Activation.RELU),
                "bias [7]");
    }

    @Test
    void residualSumNeedsANormOfItsWidth() {
        refuses(
                () -> ResidualNormFunction.apply(x(2, 5), x(2, 5), x(2, 5), x(4), x(5), 1e-5),
                "x [2, 5]",
                "weight [4]");
    }

    @Test
    void gateNeedsTwoOfOneShapeAndABiasOfTheirWidth() {
        refuses(() -> GateFunction.apply(x(2, 5), x(1, 5), x(5)), "x [2, 5]", "z [1, 5]", "bias [5]");
        refuses(() -> GateFunction.apply(x(2, 5), x(2, 5), x(1)), "bias [1]");
    }

    @Test
    void skipNeedsTwoOfOneShapeAndANumberForEachHead() {
        refuses(() -> SkipFunction.apply(x(2, 3, 4, 5), x(2, 3, 4, 6), x(4)), "y [2, 3, 4, 5]", "x [2, 3, 4, 6]");
        refuses(() -> SkipFunction.apply(x(2, 4, 5), x(2, 4, 5), x(5)), "skip [5]", "[H]");
        refuses(() -> SkipFunction.apply(x(5), x(5), x(1)), "x [5]");
    }

    @Test
    void convolutionNeedsAWeightAndABiasForEachChannel() {
        refuses(
                () -> CausalConv1dFunction.apply(x(2, 7, 5), x(4, 1, 3), x(5)),
                "x [2, 7, 5]",
                "weight [4, 1, 3]",
                "[C,1,K]");
        refuses(() -> CausalConv1dFunction.apply(x(2, 7, 5), x(5, 1, 3), x(1)), "bias [1]");
        refuses(() -> CausalConv1dFunction.apply(x(2, 7, 5), x(5, 3), x(5)), "weight [5, 3]");
        refuses(() -> CausalConv1dFunction.applyParts(x(2, 7, 5), x(5, 1, 3), x(5), 2, 2), "[2, 2]", "sum C");
        refuses(() -> CausalConv1dFunction.applyParts(x(2, 7, 5), x(5, 1, 3), x(5), 6, -1), "[6, -1]");
        refuses(
                () -> CausalConv1dFunction.continued(x(2, 3, 5), x(2, 1, 5), x(5, 1, 3), x(5)),
                "history [2, 3, 5]",
                "[B,K-1,C]");
    }

    @Test
    void linearNeedsABiasForEachOutput() {
        refuses(
                () -> LinearFunction.apply(x(2, 5), x(3, 5), Optional.of(x(5)), Activation.NONE),
                "weight [3, 5]",
                "bias [5]");
    }

    @Test
    void residualNeedsThreeOfOneShape() {
        refuses(() -> ResidualFunction.apply(x(2, 5), x(2, 5), x(1, 5)), "[2, 5]", "[1, 5]");
    }

    @Test
    void rotaryNeedsTablesOfItsWidthForEveryPosition() {
        RotaryFunction.Tables tables = new RotaryFunction.Tables(x(7, 6), x(7, 6), x(6, 6), 4);

        assertThatCode(() -> RotaryFunction.apply(x(1, 5, 2, 6), tables, 2)).doesNotThrowAnyException();
        refuses(() -> RotaryFunction.apply(x(1, 5, 2, 6), tables, 3), "x [1, 5, 2, 6] from position 3", "cos [7, 6]");
        refuses(() -> RotaryFunction.apply(x(1, 5, 2, 6), tables, -1), "position -1");
        refuses(() -> RotaryFunction.apply(x(1, 5, 2, 8), tables, 0), "x [1, 5, 2, 8]");
        refuses(
                () -> RotaryFunction.apply(x(1, 5, 2, 6), new RotaryFunction.Tables(x(7, 6), x(6, 6), x(6, 6), 4), 0),
                "sin [6, 6]");
        refuses(
                () -> RotaryFunction.apply(x(1, 5, 2, 6), new RotaryFunction.Tables(x(7, 6), x(7, 6), x(6, 6), 8), 0),
                "8 entries");
    }

    private LmHead head(long rows, long width, long vocabulary) {
        return new LmHead(x(rows, width), x(vocabulary, width), Optional.of(x(vocabulary)));
    }

    @Test
    void distillationNeedsHeadsOfOneVocabularyAndAsManyRows() {
        refuses(
                () -> DistillationFunction.apply(head(3, 4, 7), head(3, 5, 8), Optional.empty(), Weights.PLAIN),
                "one R and one V",
                "weight [7, 4]",
                "weight [8, 5]");
        refuses(
                () -> DistillationFunction.apply(head(3, 4, 7), head(2, 4, 7), Optional.empty(), Weights.PLAIN),
                "hidden [3, 4]",
                "hidden [2, 4]");
        refuses(
                () -> DistillationFunction.apply(
                        head(3, 4, 7),
                        new LmHead(x(3, 5), x(7, 5), Optional.of(x(6))),
                        Optional.empty(),
                        Weights.PLAIN),
                "the student's",
                "bias [6]");
        refuses(
                () -> DistillationFunction.apply(
                        new LmHead(x(3, 4), x(7, 5), Optional.empty()), head(3, 4, 7), Optional.empty(), Weights.PLAIN),
                "the teacher's",
                "hidden [3, 4], weight [7, 5]");
    }

    @Test
    void distillationNeedsALabelOfTheVocabularyForEachRow() {
        Weights hard = new Weights(1, 0.5);

        refuses(
                () -> DistillationFunction.apply(
                        head(3, 4, 7), head(3, 4, 7), Optional.of(engine.indices(new int[2], 2)), hard),
                "labels INT32 [2]");
        refuses(
                () -> DistillationFunction.apply(head(3, 4, 7), head(3, 4, 7), Optional.of(x(3)), hard),
                "labels FLOAT32 [3]");
        assertThatThrownBy(() -> DistillationFunction.apply(
                        head(3, 4, 7), head(3, 4, 7), Optional.of(engine.indices(new int[] {0, 7, 1}, 3)), hard))
                .isInstanceOf(InvalidInputException.class)
                .hasMessage("label: expected 0 to 6, found 7");
    }

    /** A view of ids does not know their range; kernels look at each. */
    @Test
    void labelsOfAViewAreOfTheVocabulary() {
        Tensor labels =
                engine.indices(new int[] {0, 1, 7, -100}, 1, 4).narrow(1, 1, 3).reshape(3);

        refuses(
                () -> DistillationFunction.apply(
                        head(3, 4, 7), head(3, 4, 7), Optional.of(labels), new Weights(1, 0.5)),
                "index 7 into 7 rows");
        refuses(() -> CrossEntropyFunction.apply(head(3, 4, 7), labels), "index 7 into 7 rows");
    }

    @Test
    void crossEntropyNeedsALabelForEachRow() {
        refuses(() -> CrossEntropyFunction.apply(head(3, 4, 7), engine.indices(new int[2], 2)), "a label of INT32");
        refuses(() -> CrossEntropyFunction.apply(head(3, 4, 7), x(3)), "a label of INT32");
    }

    @Test
    void embeddingNeedsIdsOfItsTable() {
        assertThat(EmbeddingFunction.apply(x(7, 3), engine.indices(new int[] {0, 6}, 1, 2))
                        .shape()
                        .toArray())
                .containsExactly(1, 2, 3);
        assertThatThrownBy(() -> EmbeddingFunction.apply(x(7, 3), engine.indices(new int[] {0, 7, 2}, 3)))
                .isInstanceOf(InvalidInputException.class)
                .hasMessage("id: expected 0 to 6, found 7");
        assertThatThrownBy(() -> EmbeddingFunction.apply(x(7, 3), engine.indices(new int[] {3, -1}, 2)))
                .isInstanceOf(InvalidInputException.class)
                .hasMessage("id: expected 0 to 6, found -1");
        refuses(() -> EmbeddingFunction.apply(x(7), engine.indices(new int[1], 1)), "table [7]");
        refuses(() -> EmbeddingFunction.apply(x(7, 3), x(2)), "ids " + DType.FLOAT32);
    }
}
