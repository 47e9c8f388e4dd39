package org.mohawk4j.train.parity;

import java.nio.file.Path;
import java.util.Set;
import java.util.TreeSet;
import org.mohawk4j.InvalidInputException;
import org.mohawk4j.safetensors.TensorSource;
import org.mohawk4j.tensor.Engine;
import org.mohawk4j.tensor.Scope;
import org.mohawk4j.tensor.Tensor;

/** Keeps the worst relative error of one file. NaN is worse than everything. */
final class GoldenComparison {
    static final String IDS = "input_ids";

    private final Engine engine;
    private final Path file;
    private final TensorSource expected;
    private final Set<String> compared = new TreeSet<>();
    private String worst = "none";
    private double worstError;
    private int tensors;

    GoldenComparison(Engine engine, Path file, TensorSource expected) {
        this.engine = engine;
        this.file = file;
        this.expected = expected;
    }

    /** Small copies of golden data leave tensors out; what they have must be compared. */
    void checkIfPresent(String name, Tensor actual) {
        if (expected.contains(name)) {
            check(name, actual);
        }
    }

    void requireAllCompared() {
        Set<String> left = new TreeSet<>(expected.names());
        left.removeAll(compared);
        left.remove(IDS);
        if (!left.isEmpty()) {
            throw new InvalidInputException(file + ": expected tensors of the model's layers, found also " + left);
        }
    }

    void check(String name, Tensor actual) {
        compared.add(name);
        try (Scope scope = engine.scope()) {
            Tensor wanted = scope.adopt(engine.tensor(expected.tensor(name), engine.parameterType()));
            if (!wanted.shape().equals(actual.shape())) {
                throw new InvalidInputException(file + ": " + name + ": expected shape " + actual.shape()
                        + " by the configuration, found " + wanted.shape());
            }
            double difference = norm(actual.toDoubles(), wanted.toDoubles());
            double size = norm(
                    wanted.toDoubles(),
                    new double[Math.toIntExact(wanted.shape().size())]);
            record(name, size > 0 ? difference / size : difference);
        }
    }

    /** A gradient that the golden data does not have must be zero. */
    void checkZero(String name, Tensor actual) {
        record(
                name,
                norm(
                        actual.toDoubles(),
                        new double[Math.toIntExact(actual.shape().size())]));
    }

    private void record(String name, double error) {
        tensors++;
        if (!(error <= worstError) || worst.equals("none")) {
            worst = name;
            worstError = Double.isNaN(error) ? Double.POSITIVE_INFINITY : error;
        }
    }

    GoldenParity.FileResult result() {
        return new GoldenParity.FileResult(String.valueOf(file.getFileName()), worst, worstError, tensors);
    }

    private static double norm(double[] a, double[] b) {
        double sum = 0;
        for (int i = 0; i < a.length; i++) {
            sum += (a[i] - b[i]) * (a[i] - b[i]);
        }
        return Math.sqrt(sum);
    }
}
