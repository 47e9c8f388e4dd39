package org.mohawk4j.tensor.types;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

class HostTensorsTest {
    @ParameterizedTest
    @CsvSource({
        "0x0000, 0.0",
        "0x8000, -0.0",
        "0x0001, 0x1p-24",
        "0x03ff, 0x3ffp-24",
        "0x0400, 0x1p-14",
        "0x3c00, 1.0",
        "0x3c01, 0x401p-10",
        "0xc000, -2.0",
        "0x7bff, 65504.0",
        "0x7c00, Infinity",
        "0xfc00, -Infinity"
    })
    void float16BitsMeanWhatTheStandardSays(String bits, String value) {
        assertThat(HostTensors.float16ToFloat(bits(bits))).isEqualTo(Float.parseFloat(hex(value)));
    }

    @ParameterizedTest
    @CsvSource({
        "0x0000, 0.0",
        "0x8000, -0.0",
        "0x0001, 0x1p-133",
        "0x0080, 0x1p-126",
        "0x3f80, 1.0",
        "0x4049, 3.140625",
        "0xc2f7, -123.5",
        "0x7f7f, 0xffp120",
        "0x7f80, Infinity",
        "0xff80, -Infinity"
    })
    void bfloat16BitsMeanWhatTheFormatSays(String bits, String value) {
        assertThat(HostTensors.bfloat16ToFloat(bits(bits))).isEqualTo(Float.parseFloat(hex(value)));
    }

    @ParameterizedTest
    @EnumSource(names = {"FLOAT16", "BFLOAT16"})
    void all65536ValuesSurviveTheWayThroughWiderTypes(DType narrow) {
        HostTensor all = allBits(narrow);

        HostTensor viaFloat = HostTensors.convert(HostTensors.convert(all, DType.FLOAT32), narrow);
        assertThat(viaFloat.data().mismatch(all.data())).isEqualTo(-1);
        // The processor marks NaN as quiet when it widens to double; every other bit stays.
        HostTensor viaDouble = HostTensors.convert(HostTensors.convert(all, DType.FLOAT64), narrow);
        assertThat(HostTensors.toFloats(viaDouble)).containsExactly(HostTensors.toFloats(all));
    }

    @ParameterizedTest
    @EnumSource(names = {"FLOAT16", "BFLOAT16"})
    void roundingIsToNearestWithTiesToEven(DType narrow) {
        float[] grid = HostTensors.toFloats(allBits(narrow));
        int largest = narrow == DType.FLOAT16 ? 0x7bff : 0x7f7f;
        for (int i = 0; i < largest; i++) {
            double low = grid[i];
            double high = grid[i + 1];
            double middle = (low + high) / 2;
            int even = i % 2 == 0 ? i : i + 1;

            assertThat(round(middle, narrow)).isEqualTo(even);
            assertThat(round(Math.nextDown(middle), narrow)).isEqualTo(i);
            assertThat(round(Math.nextUp(middle), narrow)).isEqualTo(i + 1);
            assertThat(round(-middle, narrow)).isEqualTo(0x8000 | even);
            assertThat(round((float) middle, narrow)).isEqualTo(even);
            assertThat(round(Math.nextDown((float) middle), narrow)).isEqualTo(i);
            assertThat(round(Math.nextUp((float) middle), narrow)).isEqualTo(i + 1);
        }
        double beyond = grid[largest] + (grid[largest] - (double) grid[largest - 1]) / 2;
        assertThat(round(Math.nextDown(beyond), narrow)).isEqualTo(largest);
        assertThat(round(beyond, narrow)).isEqualTo(largest + 1);
        assertThat(round(1e300, narrow)).isEqualTo(largest + 1);
        assertThat(round(Float.MAX_VALUE, narrow)).isEqualTo(largest + 1);
        assertThat(round(Double.MIN_VALUE, narrow)).isZero();
    }

    @ParameterizedTest
    @EnumSource(names = {"FLOAT16", "BFLOAT16", "FLOAT32"})
    void nanStaysNan(DType narrow) {
        double[] nans = {
            Double.NaN,
            Double.longBitsToDouble(0x7ff0000000000001L),
            Double.longBitsToDouble(0xfff8000000000000L),
            Float.intBitsToFloat(0x7f800001),
            Float.intBitsToFloat(0xffffffff)
        };
        HostTensor tensor = HostTensors.of(Shape.of(nans.length), nans);

        assertThat(HostTensors.toDoubles(HostTensors.convert(tensor, narrow))).containsOnly(Double.NaN);
        HostTensor floats = HostTensors.convert(tensor, DType.FLOAT32);
        assertThat(HostTensors.toDoubles(HostTensors.convert(floats, narrow))).containsOnly(Double.NaN);
    }

    @Test
    void longTensorsAreConvertedThroughout() {
        double[] values = new Random(3).doubles(3 * 4096 + 17, -4, 4).toArray();
        HostTensor tensor = HostTensors.of(Shape.of(values.length), values);

        float[] floats = HostTensors.toFloats(tensor);
        double[] halves = HostTensors.toDoubles(HostTensors.convert(tensor, DType.FLOAT16));
        float[] brain =
                HostTensors.toFloats(HostTensors.convert(HostTensors.convert(tensor, DType.FLOAT16), DType.BFLOAT16));

        for (int i = 0; i < values.length; i++) {
            assertThat(floats[i]).isEqualTo((float) values[i]);
            assertThat(halves[i]).isCloseTo(values[i], org.assertj.core.data.Offset.offset(0x1p-10));
            assertThat(brain[i]).isCloseTo(floats[i], org.assertj.core.data.Offset.offset(0x1p-6f));
        }
    }

    @Test
    void integersStayExactOrAreRefused() {
        HostTensor longs = HostTensors.of(Shape.of(3), 1L, -5L, Integer.MAX_VALUE);
        HostTensor ints = HostTensors.convert(longs, DType.INT32);

        assertThat(ints.data().getInt(8)).isEqualTo(Integer.MAX_VALUE);
        assertThat(HostTensors.toLongs(ints)).containsExactly(1, -5, Integer.MAX_VALUE);
        assertThat(HostTensors.toLongs(HostTensors.convert(ints, DType.INT64))).isEqualTo(HostTensors.toLongs(longs));
        assertThat(HostTensors.toFloats(longs)).containsExactly(1, -5, 0x1p31f);
        assertThat(HostTensors.toDoubles(HostTensors.convert(ints, DType.FLOAT64)))
                .containsExactly(1, -5, Integer.MAX_VALUE);
        assertThatThrownBy(() -> HostTensors.convert(HostTensors.of(Shape.of(), 1L << 31), DType.INT32))
                .isInstanceOf(ArithmeticException.class);
        assertThat(HostTensors.toLongs(
                        HostTensors.convert(HostTensors.of(Shape.of(3), 2.5f, -3.7f, 0.2f), DType.INT32)))
                .containsExactly(2, -4, 0);
        for (double bad : new double[] {Double.NaN, 0x1p63, Double.NEGATIVE_INFINITY}) {
            assertThatThrownBy(() -> HostTensors.convert(HostTensors.of(Shape.of(), bad), DType.INT64))
                    .isInstanceOf(ArithmeticException.class);
        }
        assertThatThrownBy(() -> HostTensors.toLongs(HostTensors.of(Shape.of(), 1f)))
                .isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    void theSameTypeIsTheSameObject() {
        HostTensor tensor = HostTensors.of(Shape.of(2), 1f, 2f);

        assertThat(HostTensors.convert(tensor, DType.FLOAT32)).isSameAs(tensor);
        assertThatThrownBy(() -> HostTensors.of(Shape.of(3), 1f, 2f)).isInstanceOf(IllegalArgumentException.class);
    }

    private static HostTensor allBits(DType dtype) {
        ByteBuffer bits = ByteBuffer.allocate(1 << 17).order(ByteOrder.LITTLE_ENDIAN);
        IntStream.range(0, 1 << 16).forEach(i -> bits.putShort((short) i));
        return new HostTensor(dtype, Shape.of(1 << 16), bits.flip());
    }

    private static int round(double value, DType narrow) {
        return HostTensors.convert(HostTensors.of(Shape.of(), value), narrow)
                        .data()
                        .getShort()
                & 0xffff;
    }

    private static int round(float value, DType narrow) {
        return HostTensors.convert(HostTensors.of(Shape.of(), value), narrow)
                        .data()
                        .getShort()
                & 0xffff;
    }

    private static short bits(String hex) {
        return (short) (int) Integer.decode(hex);
    }

    private static String hex(String value) {
        return value.startsWith("0x") && !value.contains(".") ? value.replace("p", ".0p") : value;
    }
}
