package org.mohawk4j.backend.cpu;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.DoubleStream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.mohawk4j.backend.BackendOptions;
import org.mohawk4j.backend.cpu.Lane.Sizes;
import org.mohawk4j.op.Activation;
import org.mohawk4j.op.LinearFunction;
import org.mohawk4j.tensor.Engine;
import org.mohawk4j.tensor.Gradients;
import org.mohawk4j.tensor.Tape;
import org.mohawk4j.tensor.Tensor;
import org.mohawk4j.tensor.types.DType;
import org.mohawk4j.tensor.types.Shape;
import org.mohawk4j.testing.HostArray;
import org.mohawk4j.testing.TensorAssert;

/** Products of several threads, in tiles whose last ones are smaller and in partial sums. */
class ProductTest {
    @ParameterizedTest
    @CsvSource({
        "1, 1, 1",
        "3, 1100, 40",
        "5, 1100, 7",
        "700, 9, 33",
        "1030, 530, 40",
        "40, 24, 2100",
        "130, 515, 1100",
        "2048, 1542, 384"
    })
    void tilesCoverAProductOnce(long rows, long columns, long depth) {
        Sizes sizes = new Sizes(rows, columns, depth);
        for (Tiling tiling : List.of(Tiling.of(sizes), Tiling.whole(sizes))) {
            assertThat(tiling.down(sizes) * tiling.rows()).isBetween(rows, rows + tiling.rows() - 1);
            assertThat(tiling.across(sizes) * tiling.columns()).isBetween(columns, columns + tiling.columns() - 1);
            assertThat(tiling.pieces(sizes) * tiling.depth()).isBetween(depth, depth + tiling.depth() - 1);
        }
        assertThat(Tiling.whole(sizes).depth()).isEqualTo(depth);
    }

    @ParameterizedTest
    @CsvSource({"3, 1100, 40", "5, 1100, 7", "700, 9, 33", "1030, 530, 40", "40, 24, 2100", "130, 515, 700"})
    void aLinearMapAndItsGradientsAreThoseOfDoublePrecision(long rows, long columns, long depth) {
        List<double[]> expected = results(DType.FLOAT64, rows, columns, depth);
        List<double[]> actual = results(DType.FLOAT32, rows, columns, depth);
        for (int i = 0; i < expected.size(); i++) {
            double largest =
                    DoubleStream.of(expected.get(i)).map(Math::abs).max().orElseThrow();
            TensorAssert.assertClose("result " + i, actual.get(i), expected.get(i), 1e-5 * largest);
        }
    }

    /** Output; gradients by input, weight and bias; the product with the weight. */
    private static List<double[]> results(DType dtype, long rows, long columns, long depth) {
        BackendOptions options = BackendOptions.defaults().withThreads(2).withParameterType(dtype);
        try (Engine engine = Engine.open("nd4j", options)) {
            Tensor x = random(engine, 1, rows, depth);
            Tensor weight = random(engine, 2, columns, depth);
            Tensor bias = random(engine, 3, columns);
            Tensor g = random(engine, 4, rows, columns);
            try (Tape tape = engine.tape(List.of(x, weight, bias))) {
                Tensor y = LinearFunction.apply(x, weight, Optional.of(bias), Activation.SILU);
                Gradients gradients = tape.gradients(y.mul(g).sum());
                List<double[]> all = new ArrayList<>(List.of(y.toDoubles()));
                for (Tensor watched : List.of(x, weight, bias)) {
                    all.add(gradients.of(watched).orElseThrow().toDoubles());
                }
                all.add(x.matmul(false, weight, true).toDoubles());
                return all;
            }
        }
    }

    private static Tensor random(Engine engine, long seed, long... shape) {
        return engine.tensor(HostArray.random(Shape.of(shape), seed).toHostTensor(), engine.parameterType());
    }
}
