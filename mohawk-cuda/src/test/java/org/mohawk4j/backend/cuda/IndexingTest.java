package org.mohawk4j.backend.cuda;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;
import org.mohawk4j.tensor.Shape;

class IndexingTest {
    private static Indexing broadcast(Shape own, Shape reached) {
        return new Indexing(reached, Indexing.strides(reached), Indexing.repeated(own, reached));
    }

    @Test
    void neighboursThatLieTogetherAreOneAxis() {
        Shape shape = Shape.of(2, 3, 1, 5);

        assertThat(broadcast(shape, shape).isContiguous()).isTrue();
        assertThat(broadcast(shape, shape).fields()[0]).isEqualTo(1);
    }

    @Test
    void aRepeatedAxisHasNoStride() {
        long[] fields = broadcast(Shape.of(3, 1, 5), Shape.of(2, 3, 4, 5)).fields();

        // axes 2, 3, 4, 5, outermost first: none lies with its neighbour on both sides
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
    void tooManyAxesAreRefused() {
        Shape own = Shape.of(2, 1, 2, 1, 2, 1, 2, 1, 2);
        Shape reached = Shape.of(2, 3, 2, 3, 2, 3, 2, 3, 2);

        assertThatThrownBy(() -> broadcast(own, reached))
                .hasMessageContaining("8 axes")
                .hasMessageContaining("[2, 3,");
    }
}
