package org.mohawk4j.testing;

import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.function.Supplier;
import java.util.function.UnaryOperator;
import org.mohawk4j.nn.Layer;
import org.mohawk4j.tensor.Engine;
import org.mohawk4j.tensor.Gradients;
import org.mohawk4j.tensor.Scope;
import org.mohawk4j.tensor.Tape;
import org.mohawk4j.tensor.Tensor;
import org.mohawk4j.tensor.types.DType;
import org.mohawk4j.tensor.types.Shape;

/**
 * Compares the tape's gradients with central differences of fourth order in double. A function of any shape is weighted
 * with fixed random numbers into one. Small variables are checked element by element, large ones along random
 * directions and at random elements.
 */
public final class GradientCheck {
    /** What every gradient must meet. */
    public static final double TOLERANCE = 1e-6;

    private static final double STEP = 1e-3;

    /** What rounding adds to a difference: the least error that counts. */
    private static final double NOISE = 1e-11;

    private static final int SMALL = 10;
    private static final int DIRECTIONS = 2;
    private static final int ELEMENTS = 4;

    private final Engine engine;

    /** @param engine with float64 parameters */
    public GradientCheck(Engine engine) {
        if (engine.parameterType() != DType.FLOAT64) {
            throw new IllegalArgumentException("differences need FLOAT64, not " + engine.parameterType());
        }
        this.engine = engine;
    }

    /** Something to differentiate by. */
    private record Variable(String name, HostArray value, Supplier<Tensor> tensor, Consumer<HostArray> set) {}

    /** One direction in which a variable moves. */
    @SuppressWarnings("ArrayRecordComponent") // never compared
    private record Direction(String name, double[] entries) {}

    /** A function of tensors, by each of them. */
    public void function(String what, Function<List<Tensor>, Tensor> function, HostArray... inputs) {
        try (Scope outer = engine.scope()) {
            List<Tensor> current = new ArrayList<>();
            List<Variable> variables = new ArrayList<>();
            for (int i = 0; i < inputs.length; i++) {
                int at = i;
                current.add(upload(inputs[i]));
                variables.add(new Variable(
                        "input " + i,
                        inputs[i],
                        () -> current.get(at),
                        moved -> current.set(at, outer.adopt(upload(moved)))));
            }
            check(what, variables, () -> function.apply(List.copyOf(current)));
        }
    }

    /** A module, by its input and by each of its parameters. */
    public void module(String what, Layer module, UnaryOperator<Tensor> function, HostArray input) {
        try (Scope outer = engine.scope()) {
            List<Tensor> current = new ArrayList<>(List.of(upload(input)));
            List<Variable> variables = new ArrayList<>();
            variables.add(new Variable(
                    "the input", input, () -> current.get(0), moved -> current.set(0, outer.adopt(upload(moved)))));
            module.parameters()
                    .forEach((name, parameter) -> variables.add(new Variable(
                            name,
                            HostArray.of(parameter.value().toHost()),
                            parameter::value,
                            moved -> parameter.set(moved.toHostTensor()))));
            check(what, variables, () -> function.apply(current.get(0)));
        }
    }

    private void check(String what, List<Variable> variables, Supplier<Tensor> function) {
        HostArray weights = weightsFor(function);
        List<double[]> gradients = gradients(variables, function, weights);
        boolean anything = false;
        for (int i = 0; i < variables.size(); i++) {
            anything |= checkVariable(what, variables.get(i), gradients.get(i), () -> weighted(function, weights));
        }
        if (!anything) {
            throw new AssertionError(what + " depends on nothing that was varied");
        }
    }

    private HostArray weightsFor(Supplier<Tensor> function) {
        try (Scope scope = engine.scope()) {
            Shape shape = scope.adopt(function.get().affine(1, 0)).shape();
            return HostArray.random(shape, 17);
        }
    }

    private List<double[]> gradients(List<Variable> variables, Supplier<Tensor> function, HostArray weights) {
        List<Tensor> watched = variables.stream().map(v -> v.tensor().get()).toList();
        try (Scope scope = engine.scope();
                Tape tape = engine.tape(watched)) {
            Tensor output = function.get();
            Gradients gradients = tape.gradients(output, scope.adopt(upload(weights)));
            List<double[]> values = new ArrayList<>();
            for (Tensor tensor : watched) {
                values.add(gradients
                        .of(tensor)
                        .map(gradient -> requireShape(gradient, tensor.shape()).toDoubles())
                        .orElseGet(
                                () -> new double[Math.toIntExact(tensor.shape().size())]));
            }
            return values;
        }
    }

    private static Tensor requireShape(Tensor gradient, Shape shape) {
        if (!gradient.shape().equals(shape)) {
            throw new AssertionError("a gradient of shape " + gradient.shape() + " for a tensor of shape " + shape);
        }
        return gradient;
    }

    private double weighted(Supplier<Tensor> function, HostArray weights) {
        try (Scope scope = engine.scope()) {
            double[] values = scope.adopt(function.get().affine(1, 0)).toDoubles();
            double sum = 0;
            for (int i = 0; i < values.length; i++) {
                sum += values[i] * weights.flat(i);
            }
            return sum;
        }
    }

    /** Whether the function depends on the variable. */
    private static boolean checkVariable(String what, Variable variable, double[] gradient, Supplier<Double> function) {
        double norm = norm(gradient);
        double typical = norm / Math.sqrt(gradient.length);
        boolean depends = norm > 0;
        for (Direction direction : directions(gradient.length)) {
            double numeric = difference(variable, direction.entries(), function);
            double claimed = dot(gradient, direction.entries());
            double scale = Math.max(Math.abs(numeric), typical * norm(direction.entries()));
            double error = Math.abs(numeric - claimed) / Math.max(scale, NOISE / TOLERANCE);
            depends |= Math.abs(numeric) > 1e-9;
            if (!(error <= TOLERANCE)) {
                throw new AssertionError(what + ", gradient by " + variable.name() + " "
                        + variable.value().shape() + " " + direction.name() + ": differences give " + numeric
                        + ", the tape " + claimed + ", relative error " + error);
            }
        }
        return depends;
    }

    private static List<Direction> directions(int size) {
        List<Direction> directions = new ArrayList<>();
        SplittableRandom random = new SplittableRandom(23);
        if (size > SMALL) {
            for (int i = 0; i < DIRECTIONS; i++) {
                double[] entries = new double[size];
                for (int k = 0; k < size; k++) {
                    entries[k] = random.nextBoolean() ? 1 : -1;
                }
                directions.add(new Direction("along random direction " + i, entries));
            }
        }
        int elements = size > SMALL ? ELEMENTS : size;
        for (int i = 0; i < elements; i++) {
            int element = size > SMALL ? random.nextInt(size) : i;
            double[] entries = new double[size];
            entries[element] = 1;
            directions.add(new Direction("at element " + element, entries));
        }
        return directions;
    }

    private static double difference(Variable variable, double[] direction, Supplier<Double> function) {
        double step = STEP / Math.max(1, norm(direction));
        double result = 8 * (at(variable, direction, step, function) - at(variable, direction, -step, function))
                - (at(variable, direction, 2 * step, function) - at(variable, direction, -2 * step, function));
        variable.set().accept(variable.value());
        return result / (12 * step);
    }

    private static double at(Variable variable, double[] direction, double step, Supplier<Double> function) {
        double[] moved = variable.value().values();
        for (int i = 0; i < moved.length; i++) {
            moved[i] += step * direction[i];
        }
        variable.set().accept(HostArray.of(variable.value().shape(), moved));
        return function.get();
    }

    private Tensor upload(HostArray values) {
        return engine.tensor(values.toHostTensor(), DType.FLOAT64);
    }

    private static double norm(double[] values) {
        return Math.sqrt(dot(values, values));
    }

    private static double dot(double[] a, double[] b) {
        double sum = 0;
        for (int i = 0; i < a.length; i++) {
            sum += a[i] * b[i];
        }
        return sum;
    }
}
