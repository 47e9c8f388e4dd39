package org.mohawk4j.train.config;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import org.mohawk4j.InvalidInputException;
import org.mohawk4j.train.optimizer.ParameterGroup;
import org.mohawk4j.train.yaml.ConfigMapper;

/** The optimizer's parameter groups as a tree: a list of objects, or texts {@code NAME=FACTOR} as a command line gives. */
final class ParameterGroups {
    /** In the section {@link #SECTION}. */
    static final String KEY = "groups";

    static final String SECTION = "optimizer";

    /** A list of texts {@code NAME=FACTOR}. */
    private static final String FACTORS = "lr-factor";

    private ParameterGroups() {}

    static String key(int index) {
        return SECTION + "." + KEY + "[" + index + "]";
    }

    /** The values of the section {@link #SECTION}, each group with all of its keys. */
    static ObjectNode complete(ObjectNode section) {
        ObjectNode complete = section.deepCopy();
        JsonNode factors = complete.remove(FACTORS);
        if (factors != null && complete.has(KEY)) {
            throw new InvalidInputException(SECTION + ": expected " + KEY + " or " + FACTORS + ", got both");
        }
        if (factors != null) {
            complete.set(KEY, list(SECTION + "." + FACTORS, factors, ParameterGroups::ofText));
        } else if (complete.has(KEY)) {
            complete.set(KEY, list(SECTION + "." + KEY, complete.get(KEY), ParameterGroups::ofKeys));
        }
        return complete;
    }

    private interface Reader {
        ObjectNode read(int index, JsonNode said);
    }

    private static ArrayNode list(String key, JsonNode said, Reader reader) {
        if (!said.isArray()) {
            throw new InvalidInputException(key + ": expected a list, got " + ConfigMapper.describe(said));
        }
        ArrayNode groups = ConfigMapper.empty().arrayNode();
        said.forEach(one -> groups.add(reader.read(groups.size(), one)));
        return groups;
    }

    private static ObjectNode ofKeys(int index, JsonNode said) {
        ObjectNode group = ConfigMapper.tree(ParameterGroup.defaults());
        if (!(said instanceof ObjectNode values)) {
            throw new InvalidInputException(key(index) + ": expected the keys "
                    + String.join(", ", ConfigMapper.fieldNames(group)) + ", got " + ConfigMapper.describe(said));
        }
        ConfigTree.overlay(group, values, group.deepCopy(), key(index) + ".");
        return group;
    }

    private static ObjectNode ofText(int index, JsonNode said) {
        String key = SECTION + "." + FACTORS;
        String text = said.asText();
        // a section's name may hold the sign itself
        int split = text.lastIndexOf('=');
        Ranges.require(split > 0, key, "NAME=FACTOR", ConfigMapper.describe(said));
        try {
            double factor = Double.parseDouble(text.substring(split + 1));
            Ranges.notNegative(key, factor);
            return ConfigMapper.tree(new ParameterGroup(text.substring(0, split), factor));
        } catch (NumberFormatException e) {
            throw new InvalidInputException(key + ": expected NAME=FACTOR, got " + ConfigMapper.describe(said), e);
        }
    }
}
