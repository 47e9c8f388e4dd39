package org.mohawk4j.outside;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import java.util.Optional;
import java.util.SplittableRandom;
import java.util.random.RandomGenerator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.mohawk4j.matrix.MixingMatrix;
import org.mohawk4j.matrix.SemiseparableMatrix;
import org.mohawk4j.matrix.SoftmaxMatrix;
import org.mohawk4j.mixer.KeyValueCache;
import org.mohawk4j.mixer.MatrixMixer;
import org.mohawk4j.mixer.MixerState;
import org.mohawk4j.mixer.ProjectedMixer;
import org.mohawk4j.mixer.RecurrentState;
import org.mohawk4j.nn.Initializer;
import org.mohawk4j.nn.Linear;
import org.mohawk4j.nn.Parameter;
import org.mohawk4j.op.AttentionFunction;
import org.mohawk4j.op.Heads;
import org.mohawk4j.op.SemiseparableFunction;
import org.mohawk4j.tensor.Engine;
import org.mohawk4j.tensor.Tensor;
import org.mohawk4j.tensor.types.Shape;
import org.mohawk4j.testing.Float64Test;
import org.mohawk4j.testing.TensorAssert;

/** Mixers of another package, with a recurrence and with a cache. */
class OutsideMixerTest extends Float64Test {
    private static final int HEADS = 2;
    private static final int STATES = 3;

    /** Heads that each forget at a rate of their own. */
    private static final class Forgetful extends ProjectedMixer {
        private final Linear cProj;
        private final Linear bProj;
        private final Parameter rate;

        Forgetful(Engine engine, long width, RandomGenerator random) {
            super(engine, width, HEADS, random);
            cProj = part("c_proj", new Linear(engine, width, HEADS * STATES, false, random));
            bProj = part("b_proj", new Linear(engine, width, HEADS * STATES, false, random));
            rate = parameter("rate", Shape.of(HEADS), Initializer.constant(0));
        }

        @Override
        public SemiseparableMatrix matrix(Tensor u) {
            Tensor logDecay = rate.value().softplus().neg().broadcastTo(Shape.of(u.dim(0), u.dim(1), HEADS));
            return new SemiseparableMatrix(
                    Heads.split(cProj.apply(u), HEADS),
                    Heads.split(bProj.apply(u), HEADS),
                    logDecay,
                    Optional.empty(),
                    4);
        }

        @Override
        public MixerState newState(long batch) {
            return new RecurrentState(engine(), engine().zeros(batch, HEADS, 6 / HEADS, STATES));
        }

        @Override
        public Tensor forward(Tensor u, MixerState state) {
            RecurrentState memory = (RecurrentState) state;
            SemiseparableFunction.Result result = matrix(u).multiply(values(u), Optional.of(memory.part(0)));
            memory.advance(u.dim(1), result.state());
            return output(u, Heads.merge(result.y()));
        }
    }

    /** Attention whose keys are its queries. */
    private static final class Symmetric extends ProjectedMixer {
        private final Linear kProj;

        Symmetric(Engine engine, long width, RandomGenerator random) {
            super(engine, width, HEADS, random);
            kProj = part("k_proj", new Linear(engine, width, width, false, random));
        }

        @Override
        public MixingMatrix matrix(Tensor u) {
            Tensor k = Heads.split(kProj.apply(u), HEADS);
            return new SoftmaxMatrix(k, k, 0.7);
        }

        @Override
        public MixerState newState(long batch) {
            return new KeyValueCache(engine(), batch, HEADS, 6 / HEADS);
        }

        @Override
        public Tensor forward(Tensor u, MixerState state) {
            KeyValueCache cache = (KeyValueCache) state;
            Tensor k = Heads.split(kProj.apply(u), HEADS);
            cache.append(k, values(u));
            return output(u, Heads.merge(AttentionFunction.apply(k, cache.keys(), cache.values(), 0.7)));
        }
    }

    private List<MatrixMixer> mixers() {
        return List.of(
                new Forgetful(engine(), 6, new SplittableRandom(1)),
                new Symmetric(engine(), 6, new SplittableRandom(2)));
    }

    @ParameterizedTest
    @ValueSource(longs = {1, 3, 70})
    void aStateContinuesWhatWasReadBefore(long piece) {
        Tensor u = random(3, 2, 90, 6);
        for (MatrixMixer mixer : mixers()) {
            Tensor whole = mixer.forward(u);
            try (MixerState state = mixer.newState(2)) {
                for (long from = 0; from < 90; from += piece) {
                    long length = Math.min(piece, 90 - from);
                    Tensor part = mixer.forward(u.narrow(1, from, length), state);
                    TensorAssert.assertRelative("from " + from, part, whole.narrow(1, from, length), 1e-10);
                }
                assertThat(state.position()).isEqualTo(90);
            }
        }
    }

    @Test
    void closingAStateFreesItsMemory() {
        for (MatrixMixer mixer : mixers()) {
            engine().scoped(() -> mixer.forward(random(3, 2, 100, 6)));
            long before = engine().backend().memory().liveBytes();
            try (MixerState state = mixer.newState(2)) {
                assertThat(state.position()).isZero();
                assertThat(engine().backend().memory().liveBytes()).isGreaterThan(before);
            }
            assertThat(engine().backend().memory().liveBytes()).isEqualTo(before);
        }
    }

    @Test
    void whatDoesNotFitAStateIsNamed() {
        try (RecurrentState state = new RecurrentState(engine(), engine().zeros(2, 3), engine().zeros(2, 4))) {
            assertThatThrownBy(() -> state.advance(1, engine().zeros(2, 3)))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessage("recurrent state: expected parts of shapes [[2, 3], [2, 4]], got [[2, 3]]");
            assertThatThrownBy(() -> state.advance(0)).hasMessageContaining("positions: expected");
            state.advance(2);
            assertThat(state.position()).isEqualTo(2);
        }
        try (KeyValueCache cache = new KeyValueCache(engine(), 2, 3, 4)) {
            assertThatThrownBy(() -> cache.append(engine().zeros(2, 5, 3, 4), engine().zeros(2, 5, 1, 4)))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessage("key/value cache of [B,G,P] [2, 3, 4]: expected keys and values [B,T,G,P], got"
                            + " [2, 5, 3, 4] and [2, 5, 1, 4]");
            assertThat(cache.position()).isZero();
        }
        assertThatThrownBy(() -> new KeyValueCache(engine(), 0, 3, 4)).hasMessageContaining("batch: expected");
    }

    @Test
    void aMixerThatForgetsToReadItsStateIsNamed() {
        MatrixMixer half = new ProjectedMixer(engine(), 6, HEADS, new SplittableRandom(2)) {
            @Override
            public MixingMatrix matrix(Tensor u) {
                return new SoftmaxMatrix(values(u), values(u), 1);
            }

            @Override
            public MixerState newState(long batch) {
                return new RecurrentState(engine(), engine().zeros(batch, 1));
            }
        };
        assertThatThrownBy(() -> half.forward(random(1, 1, 2, 6), half.newState(1)))
                .isInstanceOf(IllegalStateException.class)
                .hasMessageContaining("got RecurrentState");
    }
}
