package org.mohawk4j.train.config;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.nio.file.Path;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.mohawk4j.InvalidInputException;
import org.mohawk4j.train.yaml.ConfigMapper;
import org.mohawk4j.train.yaml.Ranges;

/**
 * Layers that keep their attention because a ranking puts them first; in YAML {@code keep-attention: auto:K} or {@code
 * auto:K:STUDY}.
 *
 * @param count K
 * @param study folder of a study of hybrids with the ranking; empty: the run ranks the layers when it starts
 */
public record AutoAttention(int count, Optional<Path> study) {
    static final String KEPT = "keep-attention";
    private static final String KEY = "auto-attention";
    private static final Pattern FORM = Pattern.compile("auto:(\\d{1,9})(?::(.+))?");
    private static final Pattern LAYER = Pattern.compile("\\d{1,9}");

    /** Checks the range. */
    public AutoAttention {
        Ranges.atLeast(1, KEPT + ": auto", count);
    }

    /** Ranked by the run itself. */
    public static AutoAttention of(int count) {
        return new AutoAttention(count, Optional.empty());
    }

    /** As it is written. */
    @Override
    public String toString() {
        return "auto:" + count + study.map(folder -> ":" + folder).orElse("");
    }

    /** Puts the written form into a tree, in the place of the list and of the value of its own that a record has. */
    static void show(ObjectNode training, Optional<AutoAttention> found) {
        training.remove(KEY);
        found.ifPresent(auto -> training.put(KEPT, auto.toString()));
    }

    /** The opposite of {@link #show}. A command line gives texts, alone or in a list. */
    static void hide(ObjectNode training) {
        JsonNode said = training.path(KEPT);
        JsonNode only = said.isArray() && said.size() == 1 ? said.get(0) : said;
        Matcher form = FORM.matcher(only.isTextual() ? only.asText() : "");
        training.putNull(KEY);
        if (form.matches()) {
            ObjectNode own = training.putObject(KEY).put("count", Integer.parseInt(form.group(1)));
            own.put("study", form.group(2));
            training.putArray(KEPT);
        } else if (said.isTextual()) {
            throw refusal(said);
        } else if (said.isArray()) {
            ArrayNode layers = training.putArray(KEPT);
            said.forEach(layer -> layers.add(layer.isTextual() ? number(layer) : layer));
        }
    }

    private static JsonNode number(JsonNode text) {
        if (!LAYER.matcher(text.asText()).matches()) {
            throw refusal(text);
        }
        return ConfigMapper.node(Integer.parseInt(text.asText()));
    }

    private static InvalidInputException refusal(JsonNode said) {
        return new InvalidInputException(
                KEPT + ": expected layers from 0, auto:K or auto:K:STUDY, got " + ConfigMapper.describe(said));
    }
}
