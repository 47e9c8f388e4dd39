package org.mohawk4j.models.export;

import java.util.Locale;
import java.util.Optional;
import java.util.function.Predicate;
import org.mohawk4j.InvalidInputException;
import org.mohawk4j.mixer.DiscreteMamba2;
import org.mohawk4j.mixer.MixerConfig;
import org.mohawk4j.mixer.SoftmaxAttention;
import org.mohawk4j.models.CausalLmConfig;
import org.mohawk4j.models.ModelFormat;
import org.mohawk4j.models.ParallelBlock;
import org.mohawk4j.models.llama.ComponentsFormat;
import org.mohawk4j.models.llamba.LlambaFormat;
import org.mohawk4j.models.phimamba.PhiMambaFormat;
import org.mohawk4j.safetensors.SafetensorsFolderWriter;

/** A form that other software opens. */
public enum ExportForm {
    /** Hugging Face transformers, with classes of ours beside the weights. */
    TRANSFORMERS {
        @Override
        ModelFormat format(CausalLmConfig config) {
            return new MohawkFormat();
        }

        @Override
        Optional<String> obstacle(CausalLmConfig config) {
            return unknownMixer(config, mixer -> MixerJson.writeOwn(mixer).isPresent());
        }
    },
    /** goombalab/phi-mamba for Phi's students, goombalab/mohawk for those of Llama and Qwen. */
    GOOMBALAB {
        @Override
        ModelFormat format(CausalLmConfig config) {
            return ofPhi(config) ? new PhiMambaFormat() : new ComponentsFormat();
        }

        @Override
        Optional<String> obstacle(CausalLmConfig config) {
            Optional<String> unknown = unknownMixer(
                    config,
                    mixer -> mixer instanceof DiscreteMamba2.Config || mixer instanceof SoftmaxAttention.Config);
            return unknown.or(() -> ofPhi(config) ? obstacleOfPhi(config) : Optional.empty());
        }

        private boolean ofPhi(CausalLmConfig config) {
            return config.block().form().equals(ParallelBlock.FORM);
        }

        /** The keys of ours that a Phi-Mamba may have, which goombalab's code passes over. */
        private Optional<String> obstacleOfPhi(CausalLmConfig config) {
            if (config.block().mlp().width() != 4 * config.width()) {
                return Optional.of("its MLP is " + config.block().mlp().width() + " wide, phi-mamba's only 4·D = "
                        + 4 * config.width());
            }
            double epsilon = config.block().norm().epsilon();
            if (epsilon != PHI_EPSILON) {
                return Optional.of("its norms have epsilon " + epsilon + ", phi-mamba's only " + PHI_EPSILON);
            }
            return config.mixers().stream()
                    .filter(mixer -> mixer instanceof SoftmaxAttention.Config)
                    .filter(mixer -> mixer.width() != PHI_WIDTH || mixer.heads() != PHI_HEADS)
                    .findFirst()
                    .map(mixer -> "its attention has D " + mixer.width() + " and " + mixer.heads()
                            + " heads, phi-mamba's only D " + PHI_WIDTH + " and " + PHI_HEADS + " heads");
        }
    },
    /** cartesia-ai's Llamba. */
    LLAMBA {
        @Override
        ModelFormat format(CausalLmConfig config) {
            return new LlambaFormat();
        }

        @Override
        Optional<String> obstacle(CausalLmConfig config) {
            return LlambaFormat.obstacle(config);
        }
    };

    private static final double PHI_EPSILON = 1e-5;
    /** Phi-1.5's, whatever config.json says. */
    private static final long PHI_WIDTH = 2048;

    private static final int PHI_HEADS = 32;

    abstract ModelFormat format(CausalLmConfig config);

    /** What keeps a model from having this form, in words, as far as the form's format would not find it. */
    abstract Optional<String> obstacle(CausalLmConfig config);

    /** The most bytes of weights in one file: only transformers reads shards. */
    long maxShardBytes() {
        return this == TRANSFORMERS ? SafetensorsFolderWriter.SHARD_BYTES : Long.MAX_VALUE;
    }

    /**
     * The format that writes a model in this form.
     *
     * @throws InvalidInputException naming what the form has no way to describe
     */
    public ModelFormat require(CausalLmConfig config) {
        obstacle(config).ifPresent(reason -> {
            throw refused(reason);
        });
        ModelFormat format = format(config);
        if (format.write(config).isEmpty()) {
            throw refused("a " + format.name() + " model has no blocks or attention like its own");
        }
        return format;
    }

    private InvalidInputException refused(String reason) {
        return new InvalidInputException("the model cannot be exported as " + this + ": " + reason);
    }

    private static Optional<String> unknownMixer(CausalLmConfig config, Predicate<MixerConfig> known) {
        for (int i = 0; i < config.layers(); i++) {
            MixerConfig mixer = config.mixers().get(i);
            if (!known.test(mixer)) {
                return Optional.of("layer " + i + " has a mixer that it does not have, " + name(mixer));
            }
        }
        return Optional.empty();
    }

    /** A mixer by its class, which a configuration called Config is nested in. */
    private static String name(MixerConfig mixer) {
        Class<?> type = mixer.getClass();
        Class<?> outer = type.getEnclosingClass();
        return (outer == null || !type.getSimpleName().equals("Config") ? type : outer).getSimpleName();
    }

    @Override
    public String toString() {
        return name().toLowerCase(Locale.ROOT);
    }
}
