package org.mohawk4j.models.llama;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.Optional;
import org.mohawk4j.io.ConfigNode;
import org.mohawk4j.mixer.SoftmaxAttention;
import org.mohawk4j.mixer.SoftmaxAttention.Biases;
import org.mohawk4j.models.AttentionHeads;
import org.mohawk4j.models.RopeFormat;
import org.mohawk4j.nn.RotaryConfig;

/** The attention of a hybrid among goombalab/mohawk's components: Llama's, or Qwen 2's with its biases. */
enum ComponentAttention {
    LLAMA("LlamaAttention") {
        @Override
        Biases biases(ConfigNode input) {
            return input.flag(BIAS, false) ? Biases.ALL : Biases.NONE;
        }
    },
    QWEN2("Qwen2Attention") {
        @Override
        Biases biases(ConfigNode input) {
            return new Biases(true, true, true, false);
        }
    };

    private static final String BIAS = "attention_bias";
    private static final double DEFAULT_THETA = 10_000;

    private final String component;

    ComponentAttention(String component) {
        this.component = component;
    }

    /** What goombalab/mohawk calls it. */
    String component() {
        return component;
    }

    abstract Biases biases(ConfigNode input);

    /**
     * @param rope where the rotary settings stand
     * @param width D
     */
    SoftmaxAttention.Config read(ConfigNode input, ConfigNode rope, long width) {
        AttentionHeads heads = AttentionHeads.read(input, width);
        RotaryConfig rotary = RopeFormat.readWhole(rope, heads.headDim(), DEFAULT_THETA);
        return new SoftmaxAttention.Config(
                width, heads.heads(), heads.keyValueHeads(), heads.headDim(), biases(input), rotary, Optional.empty());
    }

    /** The inverse of {@link #read}; empty for an attention of which this has more to say. */
    Optional<ObjectNode> write(SoftmaxAttention.Config attention) {
        if (attention.rotary().dim() != attention.headDim()) {
            return Optional.empty();
        }
        ObjectNode input = JsonNodeFactory.instance.objectNode();
        AttentionHeads.write(input, attention);
        input.put(BIAS, attention.biases().output());
        RopeFormat.write(input, attention.rotary());
        ConfigNode written = ConfigNode.of(component, input);
        return read(written, written, attention.width()).equals(attention) ? Optional.of(input) : Optional.empty();
    }
}
