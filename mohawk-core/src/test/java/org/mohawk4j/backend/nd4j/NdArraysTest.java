package org.mohawk4j.backend.nd4j;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.mohawk4j.backend.BackendOptions;
import org.mohawk4j.tensor.Engine;
import org.mohawk4j.tensor.Scope;
import org.mohawk4j.tensor.Tensor;
import org.mohawk4j.tensor.types.DType;
import org.mohawk4j.tensor.types.Shape;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.indexing.NDArrayIndex;

class NdArraysTest {
    private Engine engine;

    @BeforeEach
    void open() {
        engine = Engine.open("nd4j", BackendOptions.defaults());
    }

    @AfterEach
    void close() {
        engine.close();
    }

    @Test
    void anArrayInFortranOrderKeepsItsShapeAndPlaces() {
        INDArray array =
                Nd4j.createFromArray(new float[][] {{1, 2, 3}, {4, 5, 6}}).dup('f');

        Tensor tensor = NdArrays.toTensor(engine, array);

        assertThat(tensor.shape()).isEqualTo(Shape.of(2, 3));
        assertThat(tensor.toDoubles()).containsExactly(1, 2, 3, 4, 5, 6);
    }

    @Test
    void aViewIsCopiedWithoutItsSurroundings() {
        INDArray view =
                Nd4j.createFromArray(new double[][] {{1, 2}, {3, 4}, {5, 6}}).getColumn(1);

        assertThat(NdArrays.toTensor(engine, view).toDoubles()).containsExactly(2, 4, 6);
    }

    @Test
    void tensorsComeBackAsTheyWere() {
        INDArray array = Nd4j.createFromArray(new float[][] {{0.1f, -2f}, {Float.MIN_VALUE, 4f}});
        INDArray back = NdArrays.toINDArray(NdArrays.toTensor(engine, array));

        assertThat(back.dataType()).isEqualTo(DataType.FLOAT);
        assertThat(back.toFloatMatrix()).isDeepEqualTo(array.toFloatMatrix());
    }

    @Test
    void integersBecomeIndices() {
        Tensor ids = NdArrays.toTensor(engine, Nd4j.createFromArray(new long[] {7, 0, 3}));

        assertThat(ids.dtype()).isEqualTo(DType.INT32);
        assertThat(NdArrays.toINDArray(ids).toLongVector()).containsExactly(7, 0, 3);
    }

    @Test
    void aSharedArrayIsTheTensorsMemory() {
        INDArray whole = Nd4j.createFromArray(new float[] {9, 1, 2, 3, 4, 5, 6, 9});
        INDArray part = whole.get(NDArrayIndex.interval(1, 7)).reshape('c', 3, 2);

        Tensor tensor = NdArrays.share(engine, part);

        assertThat(tensor.shape()).isEqualTo(Shape.of(3, 2));
        assertThat(tensor.toDoubles()).containsExactly(1, 2, 3, 4, 5, 6);
        assertThat(tensor.narrow(0, 1, 2).mul(2).toDoubles()).containsExactly(6, 8, 10, 12);
        assertThat(tensor.narrow(0, 2, 1).toDoubles()).containsExactly(5, 6);
        part.putScalar(1, 0, 7);
        assertThat(tensor.toDoubles()).containsExactly(1, 2, 7, 4, 5, 6);
        NdArrays.share(tensor).addi(1);
        assertThat(whole.toFloatVector()).containsExactly(9, 2, 3, 8, 5, 6, 7, 9);
    }

    @Test
    void borrowedMemoryIsNotUsedAgain() {
        INDArray array = Nd4j.createFromArray(new float[] {1, 2, 3});
        try (Scope scope = engine.scope()) {
            scope.adopt(NdArrays.share(engine, array));
        }

        engine.full(5, 3);

        assertThat(array.toFloatVector()).containsExactly(1, 2, 3);
    }

    @Test
    void whatIsNotRowMajorIsNotShared() {
        INDArray columns = Nd4j.createFromArray(new float[][] {{1, 2}, {3, 4}}).transpose();

        assertThat(NdArrays.canShare(engine, columns)).isFalse();
        assertThatThrownBy(() -> NdArrays.share(engine, columns))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("FLOAT [2, 2]")
                .hasMessageContaining("strides [1, 2]");
        assertThat(NdArrays.canShare(engine, Nd4j.ones(DataType.BOOL, 2))).isFalse();
    }
}
