package org.mohawk4j.backend.cuda.op.tensor;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;
import org.mohawk4j.tensor.types.Shape;

class IndexingTest {
    private static Indexing broadcast(Shape own, Shape reached) {
        return new Indexing(reached, Indexing.strides(reached), Indexing.repeated(own, reached));
    }

    @Test
    void neighborsThatLieTogetherAreOneAxis() {
        Shape shape = Shape.of(2, 3, 1, 5);

        assertThat(broadcast(shape, shape).isContiguous()).isTrue();
        assertThat(broadcast(shape, shape).fields()[0]).isEqualTo(1);
    }

    @Test
    void aRepeatedAxisHasNoStride() {
        long[] fields = broadcast(Shape.of(3, 1, 5), Shape.of(2, 3, 4, 5)).fields();

        // axes 2, 3, 4, 5, outermost first: none lies with its neighbor on both sides
        assertThat(fields[0]).isEqualTo(4);
        assertThat(new long[] {fields[17], fields[18], fields[19], fields[20]}).containsExactly(0, 5, 0, 1);
    }

    @Test
    void aRowForAllRowsHasTwoAxes() {
        assertThat(broadcast(Shape.of(5), Shape.of(2, 3, 5)).fields()[0]).isEqualTo(2);
        assertThat(broadcast(Shape.of(), Shape.of(2, 3, 5)).fields()[0]).isEqualTo(1);
        assertThat(broadcast(Shape.of(), Shape.of(2, 3, 5)).isContiguous()).isFalse();
    }

    @Test
    void neighborsAreMovedAsOneWhereBothSidesAllowIt() {
        Shape part = Shape.of(5, 12);
        Indexing at = new Indexing(part, Indexing.strides(part), new long[] {20, 1});

        assertThat(at.together(8)).isEqualTo(4);
        assertThat(at.together(2)).isEqualTo(2);
        long[] fields = at.grouped(4).fields();
        assertThat(new long[] {fields[0], fields[1], fields[2]}).containsExactly(2, 5, 3);
        assertThat(new long[] {fields[9], fields[10]}).containsExactly(3, 1);
        assertThat(new long[] {fields[17], fields[18]}).containsExactly(5, 1);
    }

    @Test
    void turnedAxesAreMovedOneByOne() {
        Shape shape = Shape.of(8, 16);

        assertThat(new Indexing(shape, Indexing.strides(shape), new long[] {1, 8}).together(8))
                .isEqualTo(1);
        assertThat(new Indexing(shape, Indexing.strides(shape), new long[] {17, 1}).together(8))
                .isEqualTo(1);
    }

    @Test
    void tooManyAxesAreRefused() {
        Shape own = Shape.of(2, 1, 2, 1, 2, 1, 2, 1, 2);
        Shape reached = Shape.of(2, 3, 2, 3, 2, 3, 2, 3, 2);

        assertThatThrownBy(() -> broadcast(own, reached))
                .hasMessageContaining("8 axes")
                .hasMessageContaining("[2, 3,");
    }
}
