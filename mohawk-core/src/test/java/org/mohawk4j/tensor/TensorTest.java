package org.mohawk4j.tensor;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.lang.reflect.Modifier;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.mohawk4j.tensor.types.DType;
import org.mohawk4j.tensor.types.Shape;
import org.mohawk4j.testing.Float64Test;

/** Tensor's surface: its size, its errors, its way in and out. */
class TensorTest extends Float64Test {
    /** A public method more is a method more in every reader's head: raise this with a reason. */
    private static final int PUBLIC_METHODS = 58;

    @Test
    void theInterfaceStaysSmall() {
        long methods = Arrays.stream(Tensor.class.getDeclaredMethods())
                .filter(m -> Modifier.isPublic(m.getModifiers()) && !m.isSynthetic())
                .count();
        assertThat(methods).isLessThanOrEqualTo(PUBLIC_METHODS);
    }

    static Stream<Arguments> misfits() {
        return Stream.of(
                Arguments.of("add", List.of("[2, 3]", "[2, 4]")),
                Arguments.of("matmul", List.of("[2, 3]", "[2, 4]")),
                Arguments.of("matmul of ranks", List.of("[2, 3]", "[1, 3, 2]")),
                Arguments.of("reshape", List.of("[2, 3]", "[4, -1]")),
                Arguments.of("narrow", List.of("[2, 3]", "2..4", "axis 1")),
                Arguments.of("axis", List.of("[2, 3]", "axis 2")),
                Arguments.of("item", List.of("[2, 3]")),
                Arguments.of("split", List.of("[2, 2]", "[2, 3]")),
                Arguments.of("concat", List.of("[2, 3]", "[1, 4]")),
                Arguments.of("broadcast", List.of("[2, 3]", "[3, 2]")),
                Arguments.of("permute", List.of("[2, 3]", "[0, 0]")),
                Arguments.of("permute of ranks", List.of("[2, 3]", "[0, 1, 2]")),
                Arguments.of("sumTo", List.of("[2, 3]", "[3, 2]")),
                Arguments.of("numbers", List.of("[2, 3]", "6", "5")));
    }

    private ThrowingCallable misuse(String what, Tensor x) {
        return switch (what) {
            case "add" -> () -> x.add(engine().zeros(2, 4));
            case "matmul" -> () -> x.matmul(engine().zeros(2, 4));
            case "matmul of ranks" -> () -> x.matmul(engine().zeros(1, 3, 2));
            case "reshape" -> () -> x.reshape(4, -1);
            case "narrow" -> () -> x.narrow(1, 2, 3);
            case "axis" -> () -> x.sum(2);
            case "item" -> x::item;
            case "split" -> () -> x.split(1, 2, 2);
            case "concat" -> () -> Tensor.concat(0, List.of(x, engine().zeros(1, 4)));
            case "broadcast" -> () -> x.broadcastTo(Shape.of(3, 2));
            case "permute" -> () -> x.permute(0, 0);
            case "permute of ranks" -> () -> x.permute(0, 1, 2);
            case "sumTo" -> () -> x.sumTo(Shape.of(3, 2));
            case "numbers" -> () -> engine().tensor(new double[5], 2, 3);
            default -> throw new IllegalArgumentException(what);
        };
    }

    @ParameterizedTest
    @MethodSource("misfits")
    void whatDoesNotFitIsSaidInOneLine(String what, List<String> named) {
        Tensor x = engine().zeros(2, 3);
        assertThatThrownBy(misuse(what, x))
                .isInstanceOfAny(IllegalArgumentException.class, IllegalStateException.class)
                .satisfies(e -> assertThat(e.getMessage()).contains(named).doesNotContain("\n"));
    }

    @Test
    void numbersGoInAndOut() {
        assertThat(engine().tensor(new float[] {1.5f, -2}, 2).toDoubles()).containsExactly(1.5, -2);
        assertThat(engine().tensor(new double[] {1.5, -2}, 1, 2).toFloats()).containsExactly(1.5f, -2f);
        assertThat(engine().full(2.5).item()).isEqualTo(2.5);
        assertThat(engine().full(2.5).shape()).isEqualTo(Shape.of());
        Tensor ids = engine().indices(new int[] {7, -1}, 2);
        assertThat(ids.dtype()).isEqualTo(DType.INT32);
        assertThat(ids.toHost().data().getInt(4)).isEqualTo(-1);
    }

    @Test
    void castKeepsTheGradientsType() {
        Tensor x = engine().full(2, 3);
        try (Tape tape = engine().tape(List.of(x))) {
            Tensor narrow = x.cast(DType.FLOAT32);
            assertThat(narrow.dtype()).isEqualTo(DType.FLOAT32);
            Tensor gradient = tape.gradients(narrow.square().sum()).of(x).orElseThrow();
            assertThat(gradient.dtype()).isEqualTo(DType.FLOAT64);
            assertThat(gradient.toDoubles()).containsExactly(4, 4, 4);
        }
    }

    @Test
    void aTensorDescribesItself() {
        assertThat(engine().zeros(2, 3)).hasToString("Tensor FLOAT64 [2, 3] on nd4j");
    }

    @Test
    void negativeAxesCountFromTheLast() {
        Tensor x = random(1, 2, 3, 4);
        assertThat(x.sum(-1).shape()).isEqualTo(Shape.of(2, 3));
        assertThat(x.sum(-2, 0).shape()).isEqualTo(Shape.of(4));
        assertThat(x.dim(-3)).isEqualTo(2);
        assertThat(x.sum(-1).toDoubles()).containsExactly(x.sum(2).toDoubles());
    }
}
