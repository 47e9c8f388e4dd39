package org.mohawk4j.nn;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.mohawk4j.mixer.SoftmaxAttention;
import org.mohawk4j.tensor.Scope;
import org.mohawk4j.tensor.Tape;
import org.mohawk4j.tensor.Tensor;
import org.mohawk4j.testing.Float64Test;

/** Whose the tables of rotary embeddings are, and for how long. */
class RotaryTablesTest extends Float64Test {
    private static final SoftmaxAttention.Config CONFIG = new SoftmaxAttention.Config(12, 2, 2, 4, 100);

    private long liveBytes() {
        return engine().backend().memory().liveBytes();
    }

    private void run(SoftmaxAttention mixer, long time) {
        try (Scope scope = engine().scope()) {
            scope.adopt(mixer.forward(engine().full(1, 1, time, 12)));
        }
    }

    private SoftmaxAttention mixer(SoftmaxAttention.Config config) {
        return config.create(engine(), new SplittableRandom(1));
    }

    private static long parameterBytes(Layer module) {
        return Layer.sizeOf(module.parameters()) * Double.BYTES;
    }

    /** Cosines and sines [T,P] and the partners [P,P]. */
    private static long tableBytes(long time) {
        return (2 * time * 6 + 6 * 6) * Double.BYTES;
    }

    /** The backend keeps masks of its own by T. */
    @BeforeEach
    void makeMasks() {
        try (SoftmaxAttention still = mixer(new SoftmaxAttention.Config(12, 2, 2, 0, 100))) {
            for (long time : new long[] {3, 5, 6, 7}) {
                run(still, time);
            }
        }
    }

    @Test
    void closingAMixerFreesItsTables() {
        long before = liveBytes();
        try (SoftmaxAttention mixer = mixer(CONFIG)) {
            run(mixer, 5);
            assertThat(liveBytes() - before).isEqualTo(parameterBytes(mixer) + tableBytes(5));
        }
        assertThat(liveBytes()).isEqualTo(before);
    }

    @Test
    void mixersThatTurnAlikeShareTheirTables() {
        long before = liveBytes();
        SoftmaxAttention one = mixer(CONFIG);
        SoftmaxAttention other = mixer(CONFIG);
        SoftmaxAttention slower = mixer(new SoftmaxAttention.Config(12, 2, 2, 4, 10_000));
        run(one, 5);
        run(other, 5);
        long parameters = parameterBytes(one) + parameterBytes(other);
        assertThat(liveBytes() - before).isEqualTo(parameters + tableBytes(5));
        run(slower, 5);
        assertThat(liveBytes() - before).isEqualTo(parameters + parameterBytes(slower) + 2 * tableBytes(5));
        run(other, 7);
        run(one, 6);
        slower.close();
        assertThat(liveBytes() - before).isEqualTo(parameters + tableBytes(10));
        one.close();
        one.close();
        assertThat(liveBytes() - before).isEqualTo(parameterBytes(other) + tableBytes(10));
        assertThatCode(() -> run(other, 3)).doesNotThrowAnyException();
        other.close();
        assertThat(liveBytes()).isEqualTo(before);
    }

    @Test
    void tablesThatGrowStayForTheBackwardPass() {
        RotaryEmbedding rotary = new RotaryEmbedding(engine(), 4, 4, 100);
        Tensor x = random(1, 1, 3, 2, 4);
        try (Tape tape = engine().tape(List.of(x))) {
            Tensor loss = rotary.apply(x, 0).square().sum();
            rotary.apply(x, 50);
            assertThat(tape.gradients(loss).of(x).orElseThrow().toDoubles())
                    .usingComparatorWithPrecision(1e-13)
                    .containsExactly(x.mul(2).toDoubles());
        }
    }

    @Test
    void aClosedModuleSaysSo() {
        SoftmaxAttention mixer = mixer(CONFIG);
        run(mixer, 2);
        mixer.close();
        assertThatThrownBy(() -> run(mixer, 2))
                .isInstanceOf(IllegalStateException.class)
                .hasMessage("a parameter of shape [12, 12] is used after its module was closed");
        RotaryEmbedding rotary = new RotaryEmbedding(engine(), 4, 4, 100);
        rotary.close();
        assertThatThrownBy(() -> rotary.apply(random(1, 1, 3, 2, 4), 0))
                .isInstanceOf(IllegalStateException.class)
                .hasMessage("a rotary embedding is used after its module was closed");
    }
}
