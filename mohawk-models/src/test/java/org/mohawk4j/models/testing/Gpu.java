package org.mohawk4j.models.testing;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.util.Collections;
import java.util.Optional;
import java.util.ServiceLoader;
import java.util.SplittableRandom;
import org.mohawk4j.backend.BackendOptions;
import org.mohawk4j.backend.BackendProvider;
import org.mohawk4j.backend.BackendProvider.Availability;
import org.mohawk4j.mixer.MixerConfig;
import org.mohawk4j.mixer.SoftmaxAttention;
import org.mohawk4j.models.BlockConfig;
import org.mohawk4j.models.CausalLm;
import org.mohawk4j.models.CausalLmConfig;
import org.mohawk4j.models.HeadConfig;
import org.mohawk4j.models.MlpConfig;
import org.mohawk4j.models.NormConfig;
import org.mohawk4j.models.SequentialBlock;
import org.mohawk4j.nn.RotaryConfig;
import org.mohawk4j.op.Activation;
import org.mohawk4j.tensor.Engine;

/** What tests on a GPU share: the GPU, and a teacher of sizes that the fused kernels serve. */
public final class Gpu {
    public static final int WIDTH = 128;
    public static final int HEADS = 2;
    public static final int VOCABULARY = 512;
    public static final int CONTEXT = 256;

    private Gpu() {}

    /** Skips the tests with the backend's own reason where there is none. */
    public static void require() {
        Availability here = availability(0);
        assumeTrue(here.usable(), here.reason());
    }

    /** What the backend says of the device of this index. */
    public static Availability availability(int device) {
        return ServiceLoader.load(BackendProvider.class).stream()
                .map(ServiceLoader.Provider::get)
                .filter(provider -> provider.name().equals("cuda"))
                .map(provider -> provider.availability(BackendOptions.defaults().withDevice(device)))
                .findFirst()
                .orElseThrow();
    }

    /** Skips the tests where two ranks have no GPU each, unless NCCL is told that they share one. */
    public static void requireTwo() {
        require();
        Availability second = availability(deviceOf(1));
        assumeTrue(second.usable(), second.reason());
    }

    /** The device of this rank. */
    public static int deviceOf(int rank) {
        return "1".equals(System.getenv("NCCL_MULTI_RANK_GPU_ENABLE")) ? 0 : rank;
    }

    public static Engine open() {
        return Engine.open("cuda", BackendOptions.defaults().withMixed(true));
    }

    public static CausalLm teacher(Engine engine) {
        MixerConfig attention = new SoftmaxAttention.Config(WIDTH, HEADS, HEADS, 32, 10_000);
        CausalLmConfig config = new CausalLmConfig(
                VOCABULARY, WIDTH, 4L * WIDTH, Activation.GELU_TANH, 1e-5, CONTEXT, Collections.nCopies(2, attention));
        return new CausalLm(engine, config, new SplittableRandom(0));
    }

    /** Grouped queries, RMS norms, gated MLPs, a tied head. Most of the stream is what blocks add to it. */
    public static CausalLm llama(Engine engine) {
        MixerConfig attention = new SoftmaxAttention.Config(
                WIDTH,
                HEADS,
                1,
                WIDTH / HEADS,
                SoftmaxAttention.Biases.NONE,
                new RotaryConfig(WIDTH / HEADS, 10_000),
                Optional.empty());
        CausalLmConfig config = new CausalLmConfig(
                VOCABULARY,
                WIDTH,
                CONTEXT,
                0.05,
                new BlockConfig(
                        SequentialBlock.PRE_NORM,
                        new NormConfig(NormConfig.Kind.RMS, 1e-5),
                        new MlpConfig(3L * WIDTH, Activation.SILU, true, false)),
                new HeadConfig(true, false),
                Collections.nCopies(2, attention));
        return new CausalLm(engine, config, new SplittableRandom(0));
    }
}
