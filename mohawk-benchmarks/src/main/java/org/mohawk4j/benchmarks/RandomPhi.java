package org.mohawk4j.benchmarks;

import java.util.Collections;
import java.util.List;
import java.util.SplittableRandom;
import org.mohawk4j.mixer.MixerConfig;
import org.mohawk4j.mixer.SoftmaxAttention;
import org.mohawk4j.models.CausalLm;
import org.mohawk4j.models.CausalLmConfig;
import org.mohawk4j.op.Activation;
import org.mohawk4j.tensor.Engine;

/** Teachers of Phi's form with random weights: rotary embedding on half of each head, an MLP of four times the width. */
final class RandomPhi {
    private RandomPhi() {}

    static CausalLm create(Engine engine, int width, int heads, int vocabulary, int context, int layers) {
        MixerConfig attention = new SoftmaxAttention.Config(width, heads, heads, width / heads / 2, 10_000);
        return new CausalLm(
                engine,
                config(width, vocabulary, context, Collections.nCopies(layers, attention)),
                new SplittableRandom(0));
    }

    static CausalLmConfig config(int width, int vocabulary, int context, List<MixerConfig> mixers) {
        return new CausalLmConfig(vocabulary, width, 4L * width, Activation.GELU_TANH, 1e-5, context, mixers);
    }
}
