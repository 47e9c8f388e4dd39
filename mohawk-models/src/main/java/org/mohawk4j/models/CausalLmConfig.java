package org.mohawk4j.models;

import java.util.List;
import org.mohawk4j.Arguments;
import org.mohawk4j.InvalidInputException;
import org.mohawk4j.mixer.MixerConfig;
import org.mohawk4j.mixer.SoftmaxAttention;
import org.mohawk4j.nn.RopeScaling;
import org.mohawk4j.op.Activation;

/**
 * A decoder-only language model: embedding, blocks around a mixer each, final norm, head.
 *
 * @param vocabulary V
 * @param width D
 * @param maxPositions the longest T it was made for
 * @param embeddingScale multiplies the embedding, as Gemma's is by √D; 1: it is as it is
 * @param block what surrounds the mixers
 * @param mixers one per layer
 */
public record CausalLmConfig(
        long vocabulary,
        long width,
        long maxPositions,
        double embeddingScale,
        BlockConfig block,
        HeadConfig head,
        List<MixerConfig> mixers) {
    /** The most layers that a model may have, ten times what any has: a wrong number must not fill the memory. */
    public static final int MAX_LAYERS = 10_000;

    public CausalLmConfig {
        mixers = List.copyOf(mixers);
        Arguments.positive("model: embedding scale", embeddingScale);
        long mlpWidth = block.mlp().width();
        if (vocabulary <= 0 || width <= 0 || mlpWidth <= 0 || maxPositions <= 0 || mixers.isEmpty()) {
            throw new InvalidInputException("a model needs positive dimensions and at least one layer; got vocabulary "
                    + vocabulary + ", width " + width + ", MLP width " + mlpWidth + ", positions " + maxPositions
                    + ", layers " + mixers.size());
        }
        for (MixerConfig mixer : mixers) {
            if (mixer.width() != width) {
                throw new InvalidInputException(
                        "a mixer of width " + mixer.width() + " does not fit a model of width " + width);
            }
        }
    }

    /** With the embedding as it is. */
    public CausalLmConfig(
            long vocabulary,
            long width,
            long maxPositions,
            BlockConfig block,
            HeadConfig head,
            List<MixerConfig> mixers) {
        this(vocabulary, width, maxPositions, 1, block, head, mixers);
    }

    /**
     * Of Phi's form: {@link ParallelBlock}s with layer norms and an MLP of two maps, biases everywhere, an untied head.
     *
     * @param mlpWidth F
     * @param activation between the MLP's two linear maps
     * @param layerNormEpsilon added to the variance in every norm
     */
    public CausalLmConfig(
            long vocabulary,
            long width,
            long mlpWidth,
            Activation activation,
            double layerNormEpsilon,
            long maxPositions,
            List<MixerConfig> mixers) {
        this(
                vocabulary,
                width,
                maxPositions,
                new BlockConfig(
                        ParallelBlock.FORM,
                        new NormConfig(NormConfig.Kind.LAYER, layerNormEpsilon),
                        new MlpConfig(mlpWidth, activation, false, true)),
                new HeadConfig(false, true),
                mixers);
    }

    /** L. */
    public int layers() {
        return mixers.size();
    }

    /** The longest sequence whose positions are turned as those of shorter ones, by a rotary scaling that looks at that. */
    long sameRotation() {
        return mixers.stream()
                .filter(SoftmaxAttention.Config.class::isInstance)
                .map(mixer -> ((SoftmaxAttention.Config) mixer).rotary().scaling())
                .filter(RopeScaling.LongRope.class::isInstance)
                .mapToLong(scaling -> ((RopeScaling.LongRope) scaling).originalPositions())
                .min()
                .orElse(Long.MAX_VALUE);
    }

    /** The same model with other mixers. */
    public CausalLmConfig withMixers(List<MixerConfig> replacements) {
        return new CausalLmConfig(vocabulary, width, maxPositions, embeddingScale, block, head, replacements);
    }
}
