package org.mohawk4j.mixer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SplittableRandom;
import java.util.TreeMap;
import java.util.stream.LongStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.mohawk4j.matrix.DenseMatrix;
import org.mohawk4j.mixer.SoftmaxAttention.Biases;
import org.mohawk4j.mixer.SoftmaxAttention.QueryKeyNorm;
import org.mohawk4j.nn.Layer;
import org.mohawk4j.nn.RopeScaling;
import org.mohawk4j.nn.RotaryConfig;
import org.mohawk4j.op.AttentionScores;
import org.mohawk4j.op.Heads;
import org.mohawk4j.tensor.Scope;
import org.mohawk4j.tensor.Tensor;
import org.mohawk4j.tensor.types.Shape;
import org.mohawk4j.testing.Float64Test;
import org.mohawk4j.testing.GradientCheck;
import org.mohawk4j.testing.HostArray;
import org.mohawk4j.testing.TensorAssert;

/** The ways to evaluate a mixer agree, and its gradients are right. */
class MixerTest extends Float64Test {
    private static final double TOLERANCE = 1e-10;
    private static final long BATCH = 2;
    private static final int CHUNK = 4;

    /** Each mixer with as many groups as heads and with fewer. */
    private static List<MixerConfig> configs(int chunk) {
        return List.of(
                new DiscreteMamba2.Config(12, 4, 4, 5, 4, chunk),
                new DiscreteMamba2.Config(12, 4, 2, 5, 2, chunk),
                new DiscreteMamba2.Config(12, 4, 1, 3, 3, chunk),
                new DiscreteMamba2.Config(6, 12, 4, 2, 3, 3, chunk),
                new SoftmaxAttention.Config(24, 4, 4, 4, 10_000),
                new SoftmaxAttention.Config(24, 4, 2, 2, 100),
                new SoftmaxAttention.Config(24, 4, 1, 0, 100),
                wide(Biases.NONE, Optional.empty()),
                wide(new Biases(true, true, true, false), Optional.of(new QueryKeyNorm(1e-5, false, false))),
                wide(Biases.ALL, Optional.of(new QueryKeyNorm(1e-5, true, true))),
                scored(new AttentionScores(0.3, 0, 2)),
                scored(new AttentionScores(0.3, 1.5, 3)),
                scored(new AttentionScores(0.7, 0.8, 0)),
                scored(new AttentionScores(0.7, 0, 40)),
                new CausalLinearAttention.Config(12, 4, 5, chunk),
                new CausalLinearAttention.Config(6, 12, 4, 5, chunk),
                new Toeplitz.Config(12, 4, 80, chunk),
                new Toeplitz.Config(10, 8, 4, 80, chunk));
    }

    /** Heads that are together wider than the model, two of keys and values for four of queries. */
    private static SoftmaxAttention.Config wide(Biases biases, Optional<QueryKeyNorm> norm) {
        RotaryConfig rotary = new RotaryConfig(4, 100, new RopeScaling.Llama3(4, 1, 4, 8));
        return new SoftmaxAttention.Config(10, 4, 2, 6, biases, rotary, norm);
    }

    private static SoftmaxAttention.Config scored(AttentionScores scores) {
        RotaryConfig rotary = new RotaryConfig(4, 100, new RopeScaling.Yarn(4, 3, 1, true, 8, 1.1));
        return new SoftmaxAttention.Config(
                10, 4, 2, 6, new SoftmaxAttention.Projections(Biases.NONE, Optional.empty()), rotary, scores);
    }

    static Stream<Arguments> configsAndTimes() {
        return configs(CHUNK).stream()
                .flatMap(config -> Stream.of(1, 2, 4, 7, 13).map(t -> Arguments.of(config, t)));
    }

    static Stream<MixerConfig> configs() {
        return configs(CHUNK).stream();
    }

    /** A mixer none of whose parameters is at a special value. */
    private MatrixMixer mixer(MixerConfig config) {
        MatrixMixer mixer = config.create(engine(), new SplittableRandom(5));
        scramble(mixer, 6);
        return mixer;
    }

    private static void scramble(Layer module, long seed) {
        SplittableRandom seeds = new SplittableRandom(seed);
        module.parameters()
                .values()
                .forEach(parameter -> parameter.set(HostArray.random(parameter.shape(), seeds.nextLong())
                        .map(v -> 0.7 * v)
                        .toHostTensor()));
    }

    private Tensor input(MixerConfig config, long time) {
        return random(7, BATCH, time, config.width());
    }

    @ParameterizedTest
    @MethodSource("configsAndTimes")
    void theMatrixTimesTheValuesIsTheMixer(MixerConfig config, long time) {
        MatrixMixer mixer = mixer(config);
        Tensor u = input(config, time);
        Tensor matrix = mixer.matrix(u).materialize();
        assertThat(matrix.shape()).isEqualTo(Shape.of(BATCH, mixer.heads(), time, time));
        Tensor values = Heads.repeat(mixer.values(u), mixer.heads());
        Tensor expected = mixer.output(u, Heads.merge(new DenseMatrix(matrix).multiply(values)));
        Tensor actual = mixer.forward(u);
        assertThat(actual.shape()).isEqualTo(u.shape());
        TensorAssert.assertRelative("forward", actual, expected, TOLERANCE);
    }

    @Test
    void aProjectedMixerIsAsWideInsideAsItsHeadsTogether() {
        Map<String, Shape> shapes = new TreeMap<>();
        mixer(new CausalLinearAttention.Config(6, 12, 4, 5, CHUNK))
                .parameters()
                .forEach((name, parameter) -> shapes.put(name, parameter.shape()));

        assertThat(shapes)
                .containsOnly(
                        Map.entry("v_proj.weight", Shape.of(12, 6)),
                        Map.entry("out_proj.weight", Shape.of(6, 12)),
                        Map.entry("b_proj.weight", Shape.of(20, 6)),
                        Map.entry("c_proj.weight", Shape.of(20, 6)));
    }

    @ParameterizedTest
    @MethodSource("configsAndTimes")
    void theMatrixIsCausal(MixerConfig config, long time) {
        Tensor matrix = mixer(config).matrix(input(config, time)).materialize();
        assertThat(matrix.tril(0, 0).sub(matrix).square().sum().item()).isZero();
    }

    @ParameterizedTest
    @MethodSource("configsAndTimes")
    void theChunkDoesNotMatter(MixerConfig config, long time) {
        int index = configs(CHUNK).indexOf(config);
        Tensor expected = mixer(config).forward(input(config, time));
        for (int chunk : new int[] {1, 3, 64}) {
            MatrixMixer other = mixer(configs(chunk).get(index));
            TensorAssert.assertRelative("chunk " + chunk, other.forward(input(config, time)), expected, TOLERANCE);
        }
    }

    @ParameterizedTest
    @MethodSource("configsAndTimes")
    void oneStepAtATimeAgrees(MixerConfig config, long time) {
        MatrixMixer mixer = mixer(config);
        Tensor u = input(config, time);
        assertPieces(mixer, u, LongStream.generate(() -> 1).limit(time).toArray());
    }

    @ParameterizedTest
    @MethodSource("configs")
    void prefillInTwoPartsAndThenStepsAgree(MixerConfig config) {
        MatrixMixer mixer = mixer(config);
        assertPieces(mixer, input(config, 13), 6, 4, 1, 1, 1);
        assertPieces(mixer, input(config, 13), 1, 9, 2, 1);
    }

    @ParameterizedTest
    @MethodSource("configs")
    void aStateGrowsWithTheSequence(MixerConfig config) {
        MatrixMixer mixer = mixer(config);
        assertPieces(mixer, input(config, 75), 60, 1, 1, 1, 1, 1, 10);
        assertPieces(mixer, input(config, 70), 69, 1);
    }

    private void assertPieces(MatrixMixer mixer, Tensor u, long... lengths) {
        List<Tensor> outputs = new ArrayList<>();
        try (MixerState state = mixer.newState(BATCH)) {
            long position = 0;
            for (long length : lengths) {
                long from = position;
                assertThat(state.position()).isEqualTo(position);
                // a scope per step, as in generation
                outputs.add(engine().scoped(() -> mixer.forward(u.narrow(1, from, length), state)));
                position += length;
            }
            assertThat(state.position()).isEqualTo(position).isEqualTo(u.dim(1));
        }
        TensorAssert.assertRelative("in pieces", Tensor.concat(1, outputs), mixer.forward(u), TOLERANCE);
    }

    @ParameterizedTest
    @MethodSource("configs")
    void generationHoldsConstantMemoryAfterItsState(MixerConfig config) {
        MatrixMixer mixer = mixer(config);
        Tensor u = input(config, 1);
        MixerState state = mixer.newState(BATCH);
        long before = engine().backend().memory().liveBytes();
        for (int i = 0; i < 20; i++) {
            try (Scope scope = engine().scope()) {
                scope.adopt(mixer.forward(u, state));
            }
        }
        long growth = engine().backend().memory().liveBytes() - before;
        if (config instanceof Toeplitz.Config) {
            assertThat(growth).isEqualTo(20 * BATCH * config.width() * Double.BYTES);
        } else if (!(config instanceof SoftmaxAttention.Config)) {
            assertThat(growth).isZero();
        }
        state.close();
        assertThat(engine().backend().memory().liveBytes()).isLessThan(before + 1);
    }

    /** A few times what a query sees, whatever the length. */
    @ParameterizedTest
    @ValueSource(ints = {1, 40, 100})
    void aWindowBoundsTheCache(int window) {
        MatrixMixer mixer = mixer(scored(new AttentionScores(0.3, 0, window)));
        Tensor u = random(7, BATCH, 400, 10);
        Tensor whole = mixer.forward(u);
        List<Tensor> outputs = new ArrayList<>();
        try (MixerState state = mixer.newState(BATCH)) {
            long bytes = 0;
            for (int i = 0; i < 400; i++) {
                int t = i;
                long before = engine().backend().memory().liveBytes();
                outputs.add(engine().scoped(() -> mixer.forward(u.narrow(1, t, 1), state)));
                bytes += engine().backend().memory().liveBytes()
                        - before
                        - outputs.get(i).nbytes();
            }
            // of keys and values, what all that was made beyond the first 64 positions
            assertThat(64 + bytes / (2 * BATCH * 2 * 6 * Double.BYTES)).isLessThanOrEqualTo(Math.max(64, 4 * window));
            assertThat(state.position()).isEqualTo(400);
        }
        TensorAssert.assertRelative("in pieces", Tensor.concat(1, outputs), whole, TOLERANCE);
    }

    @ParameterizedTest
    @MethodSource("configs")
    void gradientsAgreeWithDifferences(MixerConfig config) {
        MatrixMixer mixer = mixer(config);
        HostArray u = HostArray.random(Shape.of(1, 5, config.width()), 8);
        new GradientCheck(engine()).module(config.toString(), mixer, mixer::forward, u);
    }

    @ParameterizedTest
    @MethodSource("configs")
    void gradientsOfTheMatrixAgreeWithDifferences(MixerConfig config) {
        MatrixMixer mixer = mixer(config);
        HostArray u = HostArray.random(Shape.of(1, 5, config.width()), 9);
        new GradientCheck(engine())
                .module(config.toString(), mixer, x -> mixer.matrix(x).materialize(), u);
    }

    @Test
    void aNewMambaIsItsBareMatrixPlusIdentity() {
        DiscreteMamba2 mixer =
                new DiscreteMamba2.Config(12, 4, 4, 5, 4, CHUNK).create(engine(), new SplittableRandom(3));
        Tensor u = random(4, BATCH, 7, 12);
        Tensor mixed = random(5, BATCH, 7, 12);
        Tensor outProj = mixer.parameters().get("out_proj.weight").value();
        Tensor expected = mixed.reshape(-1, 12).matmul(false, outProj, true).reshape(BATCH, 7, 12);
        // the gate's bias is kept in float32 precision
        TensorAssert.assertRelative("an open gate", mixer.output(u, mixed), expected, 1e-7);
        Tensor inProj = mixer.parameters().get("in_proj.weight").value();
        Tensor x =
                u.reshape(-1, 12).matmul(false, inProj.narrow(0, 0, 12), true).reshape(BATCH, 7, 4, 3);
        TensorAssert.assertRelative("an identity convolution", mixer.values(u), x, TOLERANCE);
    }

    @Test
    void dimensionsThatDoNotFitAreNamed() {
        assertThatThrownBy(() -> new DiscreteMamba2.Config(12, 5, 1, 4, 4, 8)).hasMessageContaining("5 heads");
        assertThatThrownBy(() -> new DiscreteMamba2.Config(12, 4, 3, 4, 4, 8)).hasMessageContaining("3 groups");
        assertThatThrownBy(() -> new DiscreteMamba2.Config(12, 4, 4, 4, 1, 8)).hasMessageContaining("4, 1 and 8");
        assertThatThrownBy(() -> new SoftmaxAttention.Config(12, 4, 3, 2, 10))
                .hasMessageContaining("3 key/value heads");
        MatrixMixer toeplitz = mixer(new Toeplitz.Config(12, 4, 80, CHUNK));
        assertThatThrownBy(() -> toeplitz.matrix(random(1, 1, 81, 12)))
                .hasMessageContaining("80")
                .hasMessageContaining("81");
    }
}
