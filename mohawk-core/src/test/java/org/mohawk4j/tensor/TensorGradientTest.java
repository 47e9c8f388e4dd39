package org.mohawk4j.tensor;

import static org.assertj.core.api.Assertions.assertThat;

import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.mohawk4j.tensor.types.DType;
import org.mohawk4j.tensor.types.Shape;
import org.mohawk4j.testing.Float64Test;
import org.mohawk4j.testing.GradientCheck;
import org.mohawk4j.testing.HostArray;

/** Every operation of {@link Tensor} against finite differences. */
class TensorGradientTest extends Float64Test {
    /** Methods that give a tensor which no gradient reaches. */
    private static final Set<String> WITHOUT_GRADIENT = Set.of("detach", "fullLike", "unshared");

    private final Map<String, Consumer<GradientCheck>> cases = new LinkedHashMap<>();

    private static HostArray numbers(long... shape) {
        return HostArray.random(Shape.of(shape), Arrays.hashCode(shape));
    }

    /** Away from zero, where a kink or a pole would spoil differences. */
    private static HostArray apart(long... shape) {
        return numbers(shape).map(v -> v + Math.copySign(0.3, v));
    }

    private static HostArray positive(long... shape) {
        return numbers(shape).map(v -> 1.5 + v);
    }

    /** No two alike, so that maxima stay where they are. */
    private static HostArray distinct(long... shape) {
        HostArray noise = numbers(shape);
        long[] position = {0};
        return HostArray.byIndex(Shape.of(shape), i -> 0.05 * (position[0]++ * 37 % 101) + 0.01 * noise.at(i));
    }

    TensorGradientTest() {
        add("add", x -> x.get(0).add(x.get(1)), numbers(3, 5), numbers(3, 5));
        add("add, right broadcast", x -> x.get(0).add(x.get(1)), numbers(2, 3, 5), numbers(5));
        add("add, left broadcast", x -> x.get(0).add(x.get(1)), numbers(3, 1), numbers(2, 3, 5));
        add("add, both broadcast", x -> x.get(0).add(x.get(1)), numbers(3, 1), numbers(2, 1, 5));
        add("add, rank 0", x -> x.get(0).add(x.get(1)), numbers(), numbers(3, 5));
        add("add to itself", x -> x.get(0).add(x.get(0)), numbers(3, 5));
        add("add number", x -> x.get(0).add(2.5), numbers(3, 5));
        add("sub", x -> x.get(0).sub(x.get(1)), numbers(3, 5), numbers(3, 5));
        add("sub, both broadcast", x -> x.get(0).sub(x.get(1)), numbers(3, 1), numbers(2, 1, 5));
        add("sub from itself", x -> x.get(0).sub(x.get(0)).add(x.get(0)), numbers(3, 5));
        add("mul", x -> x.get(0).mul(x.get(1)), numbers(3, 5), numbers(3, 5));
        add("mul, both broadcast", x -> x.get(0).mul(x.get(1)), numbers(3, 1), numbers(2, 1, 5));
        add("mul, rank 0", x -> x.get(0).mul(x.get(1)), numbers(3, 5), numbers());
        add("mul number", x -> x.get(0).mul(-2.5), numbers(3, 5));
        add("div", x -> x.get(0).div(x.get(1)), numbers(3, 5), apart(3, 5));
        add("div, both broadcast", x -> x.get(0).div(x.get(1)), numbers(3, 1), apart(2, 1, 5));
        add("div by itself", x -> x.get(0).div(x.get(0).square()), apart(3, 5));
        add("affine", x -> x.get(0).affine(-0.5, 3), numbers(3, 5));
        add("affine of scale 1", x -> x.get(0).affine(1, 3), numbers(3, 5));
        add("neg", x -> x.get(0).neg(), numbers(3, 5));
        add("square", x -> x.get(0).square(), numbers(3, 5));
        add("exp", x -> x.get(0).exp(), numbers(3, 5));
        add("log", x -> x.get(0).log(), positive(3, 5));
        add("sqrt", x -> x.get(0).sqrt(), positive(3, 5));
        add("tanh", x -> x.get(0).tanh(), numbers(3, 5));
        add("relu", x -> x.get(0).relu(), apart(3, 5));
        add("sigmoid", x -> x.get(0).mul(4).sigmoid(), numbers(3, 5));
        add("silu", x -> x.get(0).mul(4).silu(), numbers(3, 5));
        add("softplus", x -> x.get(0).mul(4).softplus(), numbers(3, 5));
        add("tril", x -> x.get(0).tril(0, 0), numbers(2, 5, 5));
        add("tril, filled", x -> x.get(0).tril(1, 7), numbers(2, 3, 6));
        add("tril, all kept", x -> x.get(0).tril(9, 7), numbers(2, 3, 6));
        add("cast", x -> x.get(0).cast(DType.FLOAT64).square(), numbers(3, 5));
        add("sum", x -> x.get(0).sum(), numbers(3, 5));
        add("sum, rank 0", x -> x.get(0).sum(), numbers());
        add("sum over axes", x -> x.get(0).sum(-1, 0), numbers(3, 4, 5));
        add("sum over the middle", x -> x.get(0).sum(1), numbers(3, 4, 5));
        add("mean", x -> x.get(0).mean(), numbers(3, 5));
        add("sum, axes kept", x -> x.get(0).sum(new int[] {0, 2}, true), numbers(3, 4, 5));
        add("mean, axes kept", x -> x.get(0).mean(new int[] {1, -1}, true), numbers(3, 4, 5));
        add("max, axis kept", x -> x.get(0).max(-1, true), distinct(4, 5));
        add("max of the middle, axis kept", x -> x.get(0).max(1, true), distinct(2, 5, 3));
        add("softmax", x -> x.get(0).softmax(), numbers(3, 5));
        add("softmax, rank 4", x -> x.get(0).mul(3).softmax(), numbers(2, 2, 3, 4));
        add("softmax, rank 1", x -> x.get(0).softmax(), numbers(5));
        add("cumsum", x -> x.get(0).cumsum(-1), numbers(3, 5));
        add("cumsum of the middle", x -> x.get(0).cumsum(1), numbers(2, 5, 3));
        add("cumsum, reversed", x -> x.get(0).cumsum(0, true), numbers(5, 3));
        add("sumTo", x -> x.get(0).sumTo(Shape.of(3, 1)), numbers(2, 3, 5));
        add("sumTo of rank 0", x -> x.get(0).sumTo(Shape.of()), numbers(2, 3));
        add("broadcastTo", x -> x.get(0).broadcastTo(Shape.of(2, 3, 5)), numbers(3, 1));
        add("broadcastTo, middle", x -> x.get(0).broadcastTo(Shape.of(2, 3, 4, 5)), numbers(2, 3, 1, 5));
        add("matmul", x -> x.get(0).matmul(x.get(1)), numbers(3, 4), numbers(4, 5));
        add("matmul, batched", x -> x.get(0).matmul(x.get(1)), numbers(2, 3, 4), numbers(2, 4, 5));
        add("matmul, T", x -> x.get(0).matmul(true, x.get(1), false), numbers(2, 4, 3), numbers(2, 4, 5));
        add("matmul, _T", x -> x.get(0).matmul(false, x.get(1), true), numbers(2, 3, 4), numbers(2, 5, 4));
        add("matmul, TT", x -> x.get(0).matmul(true, x.get(1), true), numbers(2, 4, 3), numbers(2, 5, 4));
        add("matmul, extents of 1", x -> x.get(0).matmul(true, x.get(1), true), numbers(1, 1, 3), numbers(1, 5, 1));
        add("matmul with itself", x -> x.get(0).matmul(false, x.get(0), true), numbers(3, 4));
        add("reshape", x -> x.get(0).reshape(-1, 2).square(), numbers(3, 4));
        add("permute", x -> x.get(0).permute(2, 0, 1), numbers(3, 4, 2));
        add("permute, extents of 1", x -> x.get(0).permute(1, 0, 3, 2).square(), numbers(1, 3, 1, 2));
        add("narrow", x -> x.get(0).narrow(1, 1, 2), numbers(3, 4, 2));
        add("narrow, first axis", x -> x.get(0).narrow(0, 1, 2).square(), numbers(4, 3));
        add("pad", x -> x.get(0).pad(1, 2, 1), numbers(3, 4));
        add(
                "split, one part unused",
                x -> {
                    List<Tensor> parts = x.get(0).split(1, 2, 3, 1);
                    return parts.get(2).mul(parts.get(0));
                },
                numbers(3, 6, 2));
        add("concat", x -> Tensor.concat(-1, List.of(x.get(0), x.get(1), x.get(0))), numbers(3, 4), numbers(3, 2));
    }

    private void add(String name, Function<List<Tensor>, Tensor> function, HostArray... inputs) {
        cases.put(name, check -> check.function(name, function, inputs));
    }

    @TestFactory
    Stream<DynamicTest> everyGradientAgreesWithDifferences() {
        return cases.entrySet().stream()
                .map(entry -> DynamicTest.dynamicTest(
                        entry.getKey(), () -> entry.getValue().accept(new GradientCheck(engine()))));
    }

    @Test
    void noOperationIsLeftOut() {
        Set<String> operations = Arrays.stream(Tensor.class.getDeclaredMethods())
                .filter(m -> Modifier.isPublic(m.getModifiers())
                        && Set.of(Tensor.class, List.class).contains(m.getReturnType()))
                .map(Method::getName)
                .filter(name -> !WITHOUT_GRADIENT.contains(name))
                .collect(Collectors.toCollection(TreeSet::new));
        Set<String> checked = cases.keySet().stream()
                .map(name -> name.split("[ ,]", 2)[0])
                .collect(Collectors.toCollection(TreeSet::new));
        assertThat(checked).containsExactlyInAnyOrderElementsOf(operations);
    }

    @Test
    void equalMaximaShareTheGradient() {
        Tensor x = engine().tensor(new double[] {1, 3, 3, 2}, 4);
        try (Tape tape = engine().tape(List.of(x))) {
            Gradients gradients = tape.gradients(x.max(0, true));
            assertThat(gradients.of(x).orElseThrow().toDoubles()).containsExactly(0, 0.5, 0.5, 0);
        }
    }

    @Test
    void reluHasNoGradientAtZero() {
        Tensor x = engine().tensor(new double[] {-1, 0, 2}, 3);
        try (Tape tape = engine().tape(List.of(x))) {
            assertThat(tape.gradients(x.relu().sum()).of(x).orElseThrow().toDoubles())
                    .containsExactly(0, 0, 1);
        }
    }
}
