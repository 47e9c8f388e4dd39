package org.mohawk4j.safetensors;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.mohawk4j.tensor.types.Shape;

class TensorTableTest {
    @Test
    void keepsEveryEntryThroughItsGrowth() {
        Random random = new Random(7);
        TensorTable table = new TensorTable();
        Map<String, Shape> expected = new HashMap<>();
        for (int i = 0; i < 5000; i++) {
            String name = "n".repeat(i % 1000 == 0 ? 300_000 : random.nextInt(300)) + i + "\u00e9\ud83d\ude00";
            long[] dims = i % 3 == 0
                    ? new long[] {random.nextLong() >>> 1 >>> random.nextInt(63)}
                    : random.longs(random.nextInt(5), 0, 2000).toArray();
            expected.put(name, Shape.of(dims));
            assertThat(table.add(name, SafetensorsDtype.F4, dims, dims.length, i, i + 1))
                    .isTrue();
            assertThat(table.add(name, SafetensorsDtype.U64, dims, 0, 0, 0)).isFalse();
        }

        assertThat(table.count()).isEqualTo(5000);
        expected.forEach((name, shape) -> {
            int index = table.find(name);
            assertThat(table.name(index)).isEqualTo(name);
            assertThat(table.shape(index)).isEqualTo(shape);
            assertThat(table.dtype(index)).isEqualTo(SafetensorsDtype.F4);
            assertThat(table.begin(index)).isEqualTo(index);
            assertThat(table.end(index)).isEqualTo(index + 1);
        });
        assertThat(table.find("n")).isEqualTo(-1);
    }

    @Test
    void ordersByPositionAndKeepsTheOrderOfEmptyEntries() {
        TensorTable table = new TensorTable();
        table.add("c", SafetensorsDtype.U8, new long[] {2}, 1, 5, 7);
        table.add("y", SafetensorsDtype.U8, new long[] {0}, 1, 5, 5);
        table.add("x", SafetensorsDtype.U8, new long[] {0}, 1, 5, 5);
        table.add("a", SafetensorsDtype.U8, new long[] {5}, 1, 0, 5);

        assertThat(Arrays.stream(table.inDataOrder()).mapToObj(table::name)).containsExactly("a", "y", "x", "c");
    }

    @Test
    void aShapeOfManyLargeDimensionsIsKept() {
        long[] dims = new long[60_000];
        Arrays.fill(dims, 1);
        dims[0] = Long.MAX_VALUE;
        TensorTable table = new TensorTable();
        table.add("a", SafetensorsDtype.BOOL, dims, dims.length, 0, 0);

        assertThat(table.shape(0)).isEqualTo(Shape.of(dims));
    }
}
