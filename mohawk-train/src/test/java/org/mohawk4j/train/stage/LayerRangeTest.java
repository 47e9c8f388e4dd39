package org.mohawk4j.train.stage;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Collections;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class LayerRangeTest {
    private static List<Integer> all(int layers) {
        return IntStream.range(0, layers).boxed().toList();
    }

    private static List<LayerRange> equal(int layers, int ranges) {
        return LayerRange.balanced(Collections.nCopies(layers, 1.0), all(layers), ranges);
    }

    @Test
    void equalLayersAreDividedEquallyWithTheOddOnesInFront() {
        assertThat(equal(6, 1)).containsExactly(new LayerRange(0, 6));
        assertThat(equal(6, 3)).containsExactly(new LayerRange(0, 2), new LayerRange(2, 4), new LayerRange(4, 6));
        assertThat(equal(3, 2)).containsExactly(new LayerRange(0, 2), new LayerRange(2, 3));
        assertThat(equal(4, 4)).extracting(LayerRange::first).containsExactly(0, 1, 2, 3);
    }

    /** The last layer has nothing to train, nor have two of those before. */
    @Test
    void eachRangeEndsBehindALayerOfThoseThatAreNeeded() {
        List<Double> costs = List.of(1.0, 4.0, 1.0, 4.0, 4.0, 1.0);
        assertThat(LayerRange.balanced(costs, List.of(1, 3, 4), 2))
                .containsExactly(new LayerRange(0, 2), new LayerRange(2, 5));
        assertThat(LayerRange.balanced(costs, List.of(1, 3, 4), 3))
                .containsExactly(new LayerRange(0, 2), new LayerRange(2, 4), new LayerRange(4, 5));
    }

    @Test
    void theLargestCostOfARangeIsTheLeastThatThereIs() {
        assertThat(LayerRange.balanced(List.of(9.0, 1.0, 1.0, 1.0, 8.0), all(5), 2))
                .containsExactly(new LayerRange(0, 2), new LayerRange(2, 5));
    }

    @Test
    void thereAreNoMoreRangesThanNeededLayers() {
        assertThatThrownBy(() -> LayerRange.balanced(List.of(1.0, 1.0), List.of(1), 2))
                .isInstanceOf(IllegalArgumentException.class);
    }
}
