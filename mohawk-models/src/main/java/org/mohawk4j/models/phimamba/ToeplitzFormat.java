package org.mohawk4j.models.phimamba;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.Optional;
import org.mohawk4j.io.ConfigNode;
import org.mohawk4j.mixer.MixerConfig;
import org.mohawk4j.mixer.Toeplitz;

/** {@link Toeplitz}, which goombalab's code does not have. */
public final class ToeplitzFormat implements MixerFormat {
    @Override
    public String coreType() {
        return "org.mohawk4j.toeplitz";
    }

    @Override
    public MixerConfig read(ConfigNode input, long width) {
        long inner = input.optionalPositive("d_inner").orElse(width);
        return new Toeplitz.Config(
                width,
                inner,
                input.divisor("n_heads", inner, "the width of all heads together, " + inner),
                input.positive("max_time"),
                input.positiveInt("chunk_size"));
    }

    @Override
    public Optional<ObjectNode> write(MixerConfig mixer) {
        if (!(mixer instanceof Toeplitz.Config config)) {
            return Optional.empty();
        }
        ObjectNode json = JsonNodeFactory.instance.objectNode();
        if (config.innerWidth() != config.width()) {
            json.put("d_inner", config.innerWidth());
        }
        json.put("n_heads", config.heads());
        json.put("max_time", config.maxTime());
        json.put("chunk_size", config.chunk());
        return Optional.of(json);
    }
}
