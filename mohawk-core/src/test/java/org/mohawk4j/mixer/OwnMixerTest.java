package org.mohawk4j.mixer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.random.RandomGenerator;
import org.junit.jupiter.api.Test;
import org.mohawk4j.matrix.FrobeniusDistance;
import org.mohawk4j.matrix.MixingMatrix;
import org.mohawk4j.nn.Initializer;
import org.mohawk4j.nn.Linear;
import org.mohawk4j.nn.Parameter;
import org.mohawk4j.op.Heads;
import org.mohawk4j.tensor.Engine;
import org.mohawk4j.tensor.Gradients;
import org.mohawk4j.tensor.Scope;
import org.mohawk4j.tensor.Tape;
import org.mohawk4j.tensor.Tensor;
import org.mohawk4j.tensor.types.Shape;
import org.mohawk4j.testing.Float64Test;
import org.mohawk4j.testing.GradientCheck;
import org.mohawk4j.testing.HostArray;

/** A mixer as a user would write one: no gradient, no state, and yet it trains and generates. */
class OwnMixerTest extends Float64Test {
    /** {@code M[t,s] = weight^(t-s) sigmoid(gate_s)}: a decaying mean over gated positions, one weight per head. */
    private static final class GatedMean extends MatrixMixer {
        private final Parameter decay;
        private final Linear gate;
        private final Linear value;
        private final Linear out;

        GatedMean(Engine engine, long width, int heads, RandomGenerator random) {
            super(engine, heads);
            decay = parameter("decay", Shape.of(heads), Initializer.constant(0.3));
            gate = part("gate", new Linear(engine, width, heads, true, random));
            value = part("value", new Linear(engine, width, width, false, random));
            out = part("out", new Linear(engine, width, width, false, random));
        }

        /** Any record with these two methods is a mixing matrix. */
        private record Gated(Tensor decay, Tensor gate) implements MixingMatrix {
            @Override
            public Tensor multiply(Tensor x) {
                return materialize().matmul(x.permute(0, 2, 1, 3)).permute(0, 2, 1, 3);
            }

            @Override
            public Tensor materialize() {
                long time = gate.dim(1);
                Tensor lags = gate.engine().full(1, time, time).tril(0, 0).cumsum(0);
                Tensor powers = lags.affine(1, -1)
                        .mul(decay.softplus().neg().reshape(-1, 1, 1))
                        .exp();
                return powers.mul(gate.permute(0, 2, 1).reshape(gate.dim(0), -1, 1, time))
                        .tril(0, 0);
            }
        }

        @Override
        public MixingMatrix matrix(Tensor u) {
            return new Gated(decay.value(), gate.apply(u).sigmoid());
        }

        @Override
        protected Tensor values(Tensor u) {
            return Heads.split(value.apply(u), heads());
        }

        @Override
        protected Tensor output(Tensor u, Tensor mixed) {
            return out.apply(mixed);
        }
    }

    private final SplittableRandom random = new SplittableRandom(3);

    private List<Double> train(MatrixMixer student, List<Parameter> parameters, double rate, Loss loss) {
        List<Double> losses = new ArrayList<>();
        for (int step = 0; step < 30; step++) {
            List<Tensor> values = parameters.stream().map(Parameter::value).toList();
            try (Scope scope = student.engine().scope();
                    Tape tape = student.engine().tape(values)) {
                Tensor current = scope.adopt(loss.of(student));
                Gradients gradients = tape.gradients(current);
                losses.add(current.item());
                for (Tensor value : values) {
                    gradients
                            .of(value)
                            .ifPresent(g -> student.engine()
                                    .backend()
                                    .elementwise()
                                    .accumulate(value.array(), g.array(), -rate));
                }
            }
        }
        return losses;
    }

    @FunctionalInterface
    private interface Loss {
        Tensor of(MatrixMixer student);
    }

    @Test
    void itsMatrixLearnsATeachersMatrix() {
        MatrixMixer teacher = new SoftmaxAttention.Config(12, 3, 3, 0, 100).create(engine(), random);
        GatedMean student = new GatedMean(engine(), 12, 3, random);
        Tensor u = random(5, 2, 9, 12);
        List<Double> losses = train(
                student,
                List.copyOf(student.parameters().values()),
                1,
                s -> FrobeniusDistance.between(engine(), teacher.matrix(u), s.matrix(u)));
        assertThat(losses.get(losses.size() - 1)).isLessThan(0.8 * losses.get(0));
    }

    @Test
    void itsOutputLearnsATeachersOutput() {
        MatrixMixer teacher = new SoftmaxAttention.Config(12, 3, 3, 0, 100).create(engine(), random);
        GatedMean student = new GatedMean(engine(), 12, 3, random);
        Tensor u = random(5, 2, 9, 12);
        List<Double> losses = train(
                student,
                List.copyOf(student.parameters().values()),
                1,
                s -> s.forward(u).sub(teacher.forward(u)).square().mean());
        assertThat(losses.get(losses.size() - 1)).isLessThan(0.8 * losses.get(0));
    }

    @Test
    void itsGradientsAgreeWithDifferences() {
        GatedMean mixer = new GatedMean(engine(), 6, 3, random);
        new GradientCheck(engine()).module("own mixer", mixer, mixer::forward, HostArray.random(Shape.of(1, 5, 6), 4));
    }

    @Test
    void itGeneratesWithoutAStateOfItsOwn() {
        GatedMean mixer = new GatedMean(engine(), 6, 3, random);
        Tensor u = random(5, 2, 4, 6);
        double[] whole = mixer.forward(u).toDoubles();
        try (MixerState state = mixer.newState(2)) {
            Tensor first = mixer.forward(u.narrow(1, 0, 3), state);
            Tensor last = mixer.forward(u.narrow(1, 3, 1), state);
            double[] pieces = Tensor.concat(1, List.of(first, last)).toDoubles();
            assertThat(pieces).containsExactly(whole, within(1e-13));
        }
    }
}
