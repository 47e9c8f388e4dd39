package org.mohawk4j.train.run;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.lang.reflect.Array;
import java.lang.reflect.RecordComponent;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.mohawk4j.InvalidInputException;
import org.mohawk4j.io.InputFile;
import org.mohawk4j.mixer.MixerConfig;
import org.mohawk4j.models.CausalLmConfig;
import org.mohawk4j.models.MixerPlan;
import org.mohawk4j.models.ModelFolder;

/**
 * The mixers that a student was begun with, as plain values by name, so that a run that goes on with others is told from
 * one that goes on with the same: weights of the same shapes do not tell.
 *
 * @param layers of each layer the class of its configuration under {@code type}, and the components of that record; of a
 *     configuration that is no record, the values that its model is saved with
 */
public record MixerValues(List<Map<String, String>> layers) {
    /** None are known. */
    public static final MixerValues UNKNOWN = new MixerValues(List.of());

    private static final String TYPE = "type";

    /** Of a mixer that is not the teacher's although its configuration equals that of the teacher's. */
    private static final String RENEWED = "renewed";

    public MixerValues {
        layers = layers.stream()
                .map(fields -> Collections.unmodifiableMap(new LinkedHashMap<>(fields)))
                .toList();
    }

    /** @param teacher the model whose mixers the plan replaces */
    public static MixerValues of(MixerPlan plan, CausalLmConfig teacher) {
        List<Map<String, String>> layers = new ArrayList<>();
        for (int i = 0; i < plan.mixers().size(); i++) {
            MixerConfig mixer = plan.mixers().get(i);
            Map<String, String> fields = fields(mixer, teacher);
            if (i < teacher.layers() && mixer.equals(teacher.mixers().get(i)) && !plan.keeps(i, teacher)) {
                fields.put(RENEWED, "true");
            }
            layers.add(fields);
        }
        return new MixerValues(layers);
    }

    private static Map<String, String> fields(MixerConfig mixer, CausalLmConfig teacher) {
        Map<String, String> fields = new LinkedHashMap<>();
        fields.put(TYPE, mixer.getClass().getName());
        if (mixer.getClass().isRecord()) {
            for (RecordComponent component : mixer.getClass().getRecordComponents()) {
                fields.put(component.getName(), value(component, mixer));
            }
        } else {
            leaves(ModelFolder.toJson(teacher.withMixers(List.of(mixer))), "", fields);
        }
        return fields;
    }

    private static String value(RecordComponent component, MixerConfig mixer) {
        try {
            component.getAccessor().setAccessible(true);
            return text(component.getAccessor().invoke(mixer), component.getType());
        } catch (ReflectiveOperationException e) {
            throw new IllegalStateException(mixer.getClass() + ": " + component.getName() + " cannot be read", e);
        }
    }

    /** The same in every process: what only has its identity to tell is named by its type. */
    private static String text(@Nullable Object value, Class<?> type) throws NoSuchMethodException {
        if (value == null) {
            return "null";
        }
        if (value.getClass().isArray()) {
            List<String> elements = new ArrayList<>();
            for (int i = 0; i < Array.getLength(value); i++) {
                elements.add(text(Array.get(value, i), type));
            }
            return elements.toString();
        }
        boolean tells = value.getClass().getMethod("toString").getDeclaringClass() != Object.class;
        return tells ? value.toString() : type.getName();
    }

    private static void leaves(JsonNode node, String path, Map<String, String> fields) {
        if (node.isValueNode()) {
            fields.put(path, node.asText());
            return;
        }
        for (Map.Entry<String, JsonNode> entry : node.properties()) {
            leaves(entry.getValue(), path.isEmpty() ? entry.getKey() : path + "." + entry.getKey(), fields);
        }
        for (int i = 0; node.isArray() && i < node.size(); i++) {
            leaves(node.get(i), path + "." + i, fields);
        }
    }

    /** Whether anything is known. */
    public boolean isKnown() {
        return !layers.isEmpty();
    }

    /**
     * What differs from these, a text for each of the first fields of a layer and one for the others; none if nothing
     * does, or if these are not known.
     */
    public List<String> changesTo(MixerValues now) {
        List<String> changes = new ArrayList<>();
        if (isKnown() && layers.size() != now.layers.size()) {
            changes.add("layers were " + layers.size() + ", are " + now.layers.size());
        }
        for (int i = 0; i < Math.min(layers.size(), now.layers.size()); i++) {
            compare("layer " + i + ": ", layers.get(i), now.layers.get(i), changes);
        }
        return RunInputs.firstOf(changes, "values");
    }

    private static void compare(
            String layer, Map<String, String> before, Map<String, String> now, List<String> changes) {
        Set<String> names = new LinkedHashSet<>(before.keySet());
        names.addAll(now.keySet());
        boolean sameType = String.valueOf(before.get(TYPE)).equals(now.get(TYPE));
        for (String name : sameType ? names : Set.of(TYPE)) {
            String was = before.getOrDefault(name, "missing");
            String is = now.getOrDefault(name, "missing");
            if (!was.equals(is)) {
                changes.add(layer + name + " was " + was + ", is " + is);
            }
        }
    }

    /** As JSON: an array with an object for each layer. */
    public ArrayNode toJson() {
        ArrayNode array = JsonNodeFactory.instance.arrayNode();
        for (Map<String, String> fields : layers) {
            ObjectNode layer = array.addObject();
            fields.forEach(layer::put);
        }
        return array;
    }

    /**
     * Reads what {@link #toJson} gave.
     *
     * @param name what error messages call it
     * @param json missing if an older version has left them out
     * @throws InvalidInputException if it is something else
     */
    public static MixerValues parse(String name, JsonNode json) {
        if (json.isMissingNode()) {
            return UNKNOWN;
        }
        List<Map<String, String>> layers = new ArrayList<>();
        for (JsonNode layer : json) {
            Map<String, String> fields = new LinkedHashMap<>();
            layer.properties()
                    .forEach(
                            entry -> fields.put(entry.getKey(), entry.getValue().asText()));
            layers.add(fields);
        }
        if (layers.isEmpty() || layers.stream().anyMatch(Map::isEmpty)) {
            throw new InvalidInputException(
                    name + ": expected the values of each layer's mixer, found " + InputFile.shorten(json.toString()));
        }
        return new MixerValues(layers);
    }
}
