package org.mohawk4j.models.llama;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.Arrays;
import java.util.Optional;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.mohawk4j.io.ConfigNode;
import org.mohawk4j.mixer.DiscreteMamba2;
import org.mohawk4j.mixer.MixerConfig;
import org.mohawk4j.mixer.SoftmaxAttention;
import org.mohawk4j.models.mixer.MixerFormat;
import org.mohawk4j.models.mixer.MixerFormats;

/**
 * The {@code Layer} of a block among goombalab/mohawk's components: discrete Mamba-2, the attention of a hybrid, or any
 * mixer that has a {@link MixerFormat}, under its {@code CoreType}.
 *
 * @param namePrefix what stands between {@code mixer.} and a parameter's own name in the file
 */
record ComponentLayer(String name, ObjectNode input, String namePrefix) {

    /**
     * @param layer the {@code Layer}
     * @param backbone the model's {@code input}, whose rotary settings hold for every attention in it
     * @param width D
     */
    static MixerConfig read(ConfigNode layer, ConfigNode backbone, long width) {
        String name = layer.text("name");
        ConfigNode input = layer.object("input");
        if (name.equals(ComponentMamba2.NAME)) {
            return ComponentMamba2.read(input, width);
        }
        for (ComponentAttention attention : ComponentAttention.values()) {
            if (name.equals(attention.component())) {
                return attention.read(input, backbone, width);
            }
        }
        return MixerFormats.all().stream()
                .filter(format -> format.coreType().equals(name))
                .findFirst()
                .orElseThrow(() -> layer.wrong("name", "one of " + known(), name))
                .read(input, width);
    }

    /** The name in the file of one of the mixer's parameters, behind {@code mixer.}. */
    String fileName(String parameter) {
        return namePrefix + (isAttention() ? parameter.replace("dense.", "o_proj.") : parameter);
    }

    /** Whether it is Qwen 2's attention, which stands in a block of that name. */
    boolean isQwen2() {
        return name.equals(ComponentAttention.QWEN2.component());
    }

    private boolean isAttention() {
        return Arrays.stream(ComponentAttention.values()).anyMatch(attention -> name.equals(attention.component()));
    }

    private static String known() {
        return Stream.of(
                        Stream.of(ComponentMamba2.NAME),
                        Arrays.stream(ComponentAttention.values()).map(ComponentAttention::component),
                        MixerFormats.all().stream().map(MixerFormat::coreType))
                .flatMap(names -> names)
                .collect(Collectors.joining(", "));
    }

    /** The inverse of {@link #read}; empty if no component is known for the mixer. */
    static Optional<ComponentLayer> of(MixerConfig mixer) {
        if (mixer instanceof DiscreteMamba2.Config mamba) {
            return Optional.of(new ComponentLayer(ComponentMamba2.NAME, ComponentMamba2.write(mamba), ""));
        }
        if (mixer instanceof SoftmaxAttention.Config attention) {
            for (ComponentAttention component : ComponentAttention.values()) {
                Optional<ObjectNode> input = component.write(attention);
                if (input.isPresent()) {
                    return Optional.of(new ComponentLayer(component.component(), input.get(), "self_attn."));
                }
            }
        }
        return MixerFormats.write(mixer)
                .map(written -> new ComponentLayer(
                        written.format().coreType(),
                        written.json(),
                        written.format().namePrefix()));
    }
}
