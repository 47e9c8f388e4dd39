package org.mohawk4j.backend.cpu;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.mohawk4j.backend.BackendOptions;
import org.mohawk4j.op.Activation;
import org.mohawk4j.op.LayerNormFunction;
import org.mohawk4j.op.LinearFunction;
import org.mohawk4j.op.SemiseparableFunction;
import org.mohawk4j.tensor.Engine;
import org.mohawk4j.tensor.Gradients;
import org.mohawk4j.tensor.Tape;
import org.mohawk4j.tensor.Tensor;
import org.mohawk4j.tensor.types.Shape;
import org.mohawk4j.testing.HostArray;

/** Results are the same to the bit with any number of threads. */
class ThreadCountTest {
    @Test
    void numbersDoNotDependOnTheNumberOfThreads() {
        List<float[]> alone = results(1);
        assertThat(alone).hasSize(6).allSatisfy(numbers -> assertThat(numbers).doesNotContain(Float.NaN));
        for (int threads : new int[] {2, 5}) {
            assertThat(results(threads)).usingRecursiveComparison().isEqualTo(alone);
        }
    }

    /** Output and gradients of a linear map, a norm and a semiseparable product, in many tasks each. */
    private static List<float[]> results(int threads) {
        try (Engine engine = Engine.open("nd4j", BackendOptions.defaults().withThreads(threads))) {
            Tensor x = random(engine, 1, 3, 700, 24);
            Tensor weight = random(engine, 2, 40, 24);
            Tensor bias = random(engine, 3, 40);
            Tensor scale = random(engine, 4, 40);
            Tensor shift = random(engine, 5, 40);
            List<Tensor> watched = List.of(x, weight, bias, scale, shift);
            try (Tape tape = engine.tape(watched)) {
                Tensor hidden = LinearFunction.apply(x, weight, Optional.of(bias), Activation.GELU_TANH);
                Tensor normed = LayerNormFunction.apply(hidden, scale, shift, 1e-5);
                Tensor heads = normed.reshape(3, 700, 4, 10);
                Tensor decay = hidden.narrow(2, 0, 4).square().neg();
                Tensor y = SemiseparableFunction.apply(
                                new SemiseparableFunction.Inputs(heads, heads, heads, decay, Optional.empty()), 64)
                        .y();
                Gradients gradients = tape.gradients(y.square().mean());
                List<float[]> all = new ArrayList<>(List.of(y.toFloats()));
                watched.forEach(
                        input -> all.add(gradients.of(input).orElseThrow().toFloats()));
                return all;
            }
        }
    }

    private static Tensor random(Engine engine, long seed, long... shape) {
        return engine.tensor(HostArray.random(Shape.of(shape), seed).toHostTensor(), engine.parameterType());
    }
}
