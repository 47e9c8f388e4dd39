package org.mohawk4j.benchmarks;

import java.util.Arrays;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.SplittableRandom;
import java.util.stream.Collectors;
import org.mohawk4j.InvalidInputException;
import org.mohawk4j.mixer.DiscreteMamba2;
import org.mohawk4j.mixer.MixerConfig;
import org.mohawk4j.mixer.SoftmaxAttention;
import org.mohawk4j.models.BlockConfig;
import org.mohawk4j.models.CausalLm;
import org.mohawk4j.models.CausalLmConfig;
import org.mohawk4j.models.HeadConfig;
import org.mohawk4j.models.MlpConfig;
import org.mohawk4j.models.NormConfig;
import org.mohawk4j.models.SequentialBlock;
import org.mohawk4j.nn.RopeScaling;
import org.mohawk4j.nn.RotaryConfig;
import org.mohawk4j.op.Activation;
import org.mohawk4j.tensor.Engine;

/** Models that are measured on a GPU, with random weights made in memory; students have discrete Mamba-2 everywhere. */
enum ModelShape {
    /** Phi-1.5: D 2048, L 24, H 32, F 8192, V 51200. */
    PHI("phi-1.5", 24, 51_200) {
        @Override
        MixerConfig attention() {
            return new SoftmaxAttention.Config(WIDTH, HEADS, HEADS, HEAD_DIM / 2, 10_000);
        }

        @Override
        CausalLmConfig config(int context, int layers, MixerConfig mixer) {
            return RandomPhi.config(WIDTH, vocabulary, context, Collections.nCopies(layers, mixer));
        }
    },
    /** Llama 3.2 1B: D 2048, L 16, H 32, G 8, F 8192, V 128256, the head tied to the embedding. */
    LLAMA_1B("llama-1b", 16, 128_256) {
        @Override
        MixerConfig attention() {
            return new SoftmaxAttention.Config(
                    WIDTH,
                    HEADS,
                    8,
                    HEAD_DIM,
                    SoftmaxAttention.Biases.NONE,
                    new RotaryConfig(HEAD_DIM, 500_000, new RopeScaling.Llama3(32, 1, 4, 8192)),
                    Optional.empty());
        }

        @Override
        CausalLmConfig config(int context, int layers, MixerConfig mixer) {
            return new CausalLmConfig(
                    vocabulary,
                    WIDTH,
                    context,
                    new BlockConfig(
                            SequentialBlock.PRE_NORM,
                            new NormConfig(NormConfig.Kind.RMS, 1e-5),
                            new MlpConfig(4L * WIDTH, Activation.SILU, true, false)),
                    new HeadConfig(true, false),
                    Collections.nCopies(layers, mixer));
        }
    };

    private static final int WIDTH = 2048;
    private static final int HEADS = 32;
    private static final int HEAD_DIM = WIDTH / HEADS;

    private final String label;
    private final int layers;
    final int vocabulary;

    ModelShape(String label, int layers, int vocabulary) {
        this.label = label;
        this.layers = layers;
        this.vocabulary = vocabulary;
    }

    /** What rows and arguments call it. */
    String label() {
        return label;
    }

    /** L, if no other number is asked for. */
    int layers() {
        return layers;
    }

    /** The teacher's mixer. */
    abstract MixerConfig attention();

    abstract CausalLmConfig config(int context, int layers, MixerConfig mixer);

    CausalLm teacher(Engine engine, int context, int layers) {
        return random(engine, config(context, layers, attention()));
    }

    CausalLm student(Engine engine, int context, int layers) {
        return random(engine, config(context, layers, DiscreteMamba2.Config.like(attention())));
    }

    private static CausalLm random(Engine engine, CausalLmConfig config) {
        return new CausalLm(engine, config, new SplittableRandom(0));
    }

    static ModelShape of(String label) {
        return Arrays.stream(values())
                .filter(shape -> shape.label.equals(label))
                .findFirst()
                .orElseThrow(() -> new InvalidInputException("shape: expected one of "
                        + Arrays.stream(values()).map(ModelShape::label).collect(Collectors.joining(", ")) + ", got "
                        + label));
    }

    /** What a measurement says of the model. */
    Map<String, Object> describe(int layersMeasured) {
        Map<String, Object> configuration = new LinkedHashMap<>();
        configuration.put("shape", label);
        configuration.put("layers", layersMeasured);
        configuration.put("width", WIDTH);
        configuration.put("heads", HEADS);
        configuration.put("vocabulary", vocabulary);
        return configuration;
    }
}
