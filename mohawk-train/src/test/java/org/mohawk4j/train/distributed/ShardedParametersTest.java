package org.mohawk4j.train.distributed;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.mohawk4j.backend.BackendOptions;
import org.mohawk4j.backend.MemoryOps;
import org.mohawk4j.nn.Linear;
import org.mohawk4j.nn.Parameter;
import org.mohawk4j.tensor.Engine;
import org.mohawk4j.tensor.Scope;
import org.mohawk4j.tensor.Tape;
import org.mohawk4j.tensor.Tensor;
import org.mohawk4j.tensor.types.DType;
import org.mohawk4j.tensor.types.HostTensors;
import org.mohawk4j.train.optimizer.Sharding;

@Timeout(120)
class ShardedParametersTest {
    private static final int LAYERS = 6;
    private static final int WIDTH = 64;
    private static final long BYTES = (long) WIDTH * WIDTH * Double.BYTES;

    /** A chain of linear maps with its weights on each of two ranks. */
    @FunctionalInterface
    private interface Work {
        void run(DataParallel ranks, Engine engine, List<Linear> layers);
    }

    private static void onTwo(Work work) throws InterruptedException {
        List<@Nullable Throwable> thrown = LocalProcessGroup.run(2, group -> {
            try (Engine engine = Engine.open(
                            "nd4j",
                            BackendOptions.defaults()
                                    .withParameterType(DType.FLOAT64)
                                    .withThreads(1));
                    DataParallel ranks = new DataParallel(engine, group, Sharding.across(group.rank(), 2), 0)
                            .withShardedParameters()) {
                List<Linear> layers = new ArrayList<>();
                for (int i = 0; i < LAYERS; i++) {
                    layers.add(new Linear(engine, WIDTH, WIDTH, false, new SplittableRandom(i)));
                }
                work.run(ranks, engine, layers);
            }
        });
        assertThat(thrown).containsOnlyNulls();
    }

    private static List<Parameter> weights(List<Linear> layers) {
        return layers.stream()
                .flatMap(layer -> layer.parameters().values().stream())
                .toList();
    }

    @Test
    void halfOfAParameterIsKeptAndAllOfItReadUntilTheScopeCloses() throws Exception {
        onTwo((ranks, engine, layers) -> {
            List<Parameter> weights = weights(layers);
            double[] before = weights.get(0).value().toDoubles();
            weights.forEach(Parameter::value);
            MemoryOps memory = engine.backend().memory();
            long whole = memory.liveBytes();

            ranks.shard(weights);

            long halved = memory.liveBytes();
            assertThat(whole - halved).isEqualTo(LAYERS * BYTES / 2);
            try (Scope scope = engine.scope()) {
                assertThat(weights.get(0).value().toDoubles()).isEqualTo(before);
                assertThat(memory.liveBytes() - halved).isEqualTo(BYTES);
            }
            assertThat(memory.liveBytes()).isEqualTo(halved);

            ranks.unshard(weights);
            assertThat(weights.get(0).value().toDoubles()).isEqualTo(before);
            assertThat(memory.liveBytes()).isEqualTo(whole);
        });
    }

    /** Each layer is computed again in the backward pass; the second step gathers ahead. */
    @Test
    void gradientsOfPartsAreSumsOverTheRanks() throws Exception {
        onTwo((ranks, engine, layers) -> {
            List<Parameter> weights = weights(layers);
            double[] input = new SplittableRandom(7).doubles(WIDTH).toArray();
            double[] expected = gradient(engine, layers, weights, input);
            ranks.shard(weights);
            for (int step = 0; step < 3; step++) {
                try (Scope scope = engine.scope()) {
                    Tensor x = engine.tensor(input, 1, WIDTH).mul(ranks.rank() + 1);
                    Tensor part = differentiate(engine, layers, weights, x);
                    ranks.settle();
                    double[] found = part.toDoubles();
                    int from = ranks.rank() * found.length;
                    for (int i = 0; i < found.length; i += 97) {
                        // linear in the input: once and twice it
                        assertThat(found[i]).isCloseTo(3 * expected[from + i], within(1e-9));
                    }
                }
            }
        });
    }

    /** A held-out loss reads ahead of itself; what it gathered is not what a later step reads. */
    @Test
    void whatWasGatheredAheadIsDroppedBeforeParametersChange() throws Exception {
        onTwo((ranks, engine, layers) -> {
            List<Parameter> weights = weights(layers);
            ranks.shard(weights);
            for (int step = 0; step < 2; step++) {
                try (Scope scope = engine.scope()) {
                    differentiate(engine, layers, weights, engine.full(1, 1, WIDTH));
                    ranks.endStep();
                }
            }

            ranks.heldOut(() -> {
                try (Scope scope = engine.scope()) {
                    return layers.get(0).apply(engine.full(1, 1, WIDTH)).sum().item();
                }
            });
            weights.forEach(weight -> weight.set(HostTensors.of(weight.shape(), new double[WIDTH * WIDTH])));

            for (Parameter weight : weights) {
                try (Scope scope = engine.scope()) {
                    assertThat(weight.value().toDoubles()).containsOnly(0);
                }
            }
        });
    }

    private static double[] gradient(Engine engine, List<Linear> layers, List<Parameter> weights, double[] input) {
        try (Scope scope = engine.scope()) {
            return differentiate(engine, layers, weights, engine.tensor(input, 1, WIDTH))
                    .toDoubles();
        }
    }

    /** The gradient of the first layer's weights. */
    private static Tensor differentiate(Engine engine, List<Linear> layers, List<Parameter> weights, Tensor x) {
        try (Tape tape = engine.tape(weights.stream().map(Parameter::kept).toList())) {
            Tensor y = x;
            for (Linear layer : layers) {
                y = engine.recompute(y, layer::apply);
            }
            // a weight that is used twice
            y = engine.recompute(y, layers.get(0)::apply);
            return tape.gradients(y.sum()).of(weights.get(0).kept()).orElseThrow();
        }
    }
}
