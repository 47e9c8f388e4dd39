package org.mohawk4j.train.config;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.mohawk4j.InvalidInputException;
import org.mohawk4j.train.optimizer.ParameterGroup;
import org.mohawk4j.train.yaml.ConfigMapper;
import org.mohawk4j.train.yaml.NearKeys;
import org.mohawk4j.train.yaml.Ranges;
import org.mohawk4j.train.yaml.StudentKeys;

/**
 * A configuration as a tree of keys, on which another tree can be laid. The tree of the defaults has every key there is,
 * so it is also what unknown keys are told by; stages are {@link StageTrees}.
 */
final class ConfigTree {
    /** Sections whose keys stand without the section's name. */
    private static final Set<String> NAMELESS = Set.of("files", "training", "machine", "learning", "recovery");

    private static final String OPTIMIZER = "optimizer";
    private static final String GROUPS = "groups";

    /** A list of texts {@code NAME=FACTOR}, as a command line gives groups. */
    private static final String FACTORS = "lr-factor";

    private static final ObjectNode SECTIONS = ConfigMapper.tree(DistillConfig.defaults());
    private static final ObjectNode DEFAULTS = of(DistillConfig.defaults()).root;

    private final ObjectNode root;

    private ConfigTree(ObjectNode root) {
        this.root = root;
    }

    static ConfigTree of(DistillConfig config) {
        ConfigTree tree = new ConfigTree(withoutNames(ConfigMapper.tree(config)));
        AutoAttention.show(tree.root, config.training().autoAttention());
        return tree;
    }

    private static ObjectNode withoutNames(ObjectNode sections) {
        ObjectNode all = ConfigMapper.empty();
        sections.properties().forEach(section -> {
            if (NAMELESS.contains(section.getKey())) {
                all.setAll((ObjectNode) section.getValue());
            } else {
                all.set(section.getKey(), section.getValue());
            }
        });
        StageTrees.showAuto(all.path(StageTrees.KEY));
        return all;
    }

    private ObjectNode withNames() {
        ObjectNode sections = ConfigMapper.empty();
        SECTIONS.properties().forEach(section -> {
            String name = section.getKey();
            if (NAMELESS.contains(name)) {
                ObjectNode own = sections.putObject(name);
                section.getValue().fieldNames().forEachRemaining(key -> own.set(key, root.path(key)));
            } else {
                sections.set(name, root.path(name));
            }
        });
        ObjectNode training = (ObjectNode) sections.path("training");
        AutoAttention.hide(training);
        training.set(StageTrees.KEY, StageTrees.hideAuto(training.path(StageTrees.KEY)));
        return sections;
    }

    ObjectNode root() {
        return root;
    }

    /** The tree as it is written. */
    ObjectNode written() {
        ObjectNode written = root.deepCopy();
        written.path(StageTrees.KEY).forEach(StageTrees::leaveOutUnsaid);
        written.path(OPTIMIZER).path(GROUPS).forEach(StageTrees::leaveOutUnsaid);
        return written;
    }

    /** A tree from keys such as {@code student.state-size}. */
    static ObjectNode nest(Map<String, ?> values) {
        ObjectNode nested = ConfigMapper.empty();
        values.forEach((key, value) -> {
            ObjectNode section = nested;
            String[] parts = key.split("\\.", -1);
            for (int i = 0; i < parts.length - 1; i++) {
                section = section.withObjectProperty(parts[i]);
            }
            section.set(parts[parts.length - 1], ConfigMapper.node(value));
        });
        return nested;
    }

    /** Lays values over this tree: sections key by key, anything else as a whole. */
    ConfigTree overlay(ObjectNode values) {
        ObjectNode others = values.deepCopy();
        if (others.has(StageTrees.KEY)) {
            root.set(StageTrees.KEY, StageTrees.of(others.remove(StageTrees.KEY)));
        }
        StageTrees.layOldKeys(others, (ArrayNode) root.path(StageTrees.KEY));
        if (others.get(OPTIMIZER) instanceof ObjectNode optimizer) {
            completeGroups(optimizer);
        }
        overlay(root, others, DEFAULTS, "");
        return this;
    }

    /** Gives each group all of its keys. */
    private static void completeGroups(ObjectNode optimizer) {
        JsonNode factors = optimizer.remove(FACTORS);
        if (factors != null && optimizer.has(GROUPS)) {
            throw new InvalidInputException(OPTIMIZER + ": expected " + GROUPS + " or " + FACTORS + ", got both");
        }
        JsonNode said = factors == null ? optimizer.get(GROUPS) : factors;
        if (said == null) {
            return;
        }
        String key = OPTIMIZER + "." + (factors == null ? GROUPS : FACTORS);
        if (!said.isArray()) {
            throw new InvalidInputException(key + ": expected a list, got " + ConfigMapper.describe(said));
        }
        ArrayNode groups = optimizer.putArray(GROUPS);
        for (JsonNode one : said) {
            groups.add(factors == null ? group(OptimizerConfig.groupKey(groups.size()), one) : factor(key, one));
        }
    }

    private static ObjectNode group(String key, JsonNode said) {
        ObjectNode group = ConfigMapper.tree(ParameterGroup.defaults());
        if (!(said instanceof ObjectNode values)) {
            throw new InvalidInputException(key + ": expected the keys "
                    + String.join(", ", ConfigMapper.fieldNames(group)) + ", got " + ConfigMapper.describe(said));
        }
        overlay(group, values, group.deepCopy(), key + ".");
        return group;
    }

    private static ObjectNode factor(String key, JsonNode said) {
        String text = said.asText();
        // a name may hold the sign itself
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

    static void overlay(ObjectNode target, ObjectNode values, JsonNode defaults, String prefix) {
        for (Map.Entry<String, JsonNode> entry : values.properties()) {
            String key = prefix + entry.getKey();
            JsonNode value = entry.getValue();
            JsonNode known = defaults.get(entry.getKey());
            if (known == null) {
                List<String> keys = known(defaults);
                throw new InvalidInputException(key + ": expected one of the keys " + String.join(", ", keys)
                        + ", got an unknown key" + NearKeys.hint(entry.getKey(), keys));
            }
            if (known.isObject() != value.isObject() || (value.isNull() && !known.isNull())) {
                throw new InvalidInputException(key + ": expected "
                        + (known.isObject() ? "the keys " + String.join(", ", known(known)) : "a value") + ", got "
                        + ConfigMapper.describe(value));
            }
            if (key.equals(StudentKeys.SECTION)) {
                target.set(key, StudentKeys.overlay((ObjectNode) target.get(key), (ObjectNode) value));
            } else if (target.get(entry.getKey()) instanceof ObjectNode section && value instanceof ObjectNode more) {
                overlay(section, more, known, key + ".");
            } else {
                target.set(entry.getKey(), value);
            }
        }
    }

    private static List<String> known(JsonNode section) {
        List<String> names = new ArrayList<>(ConfigMapper.fieldNames(section));
        if (section.has(StageTrees.KEY)) {
            names.addAll(StageTrees.OLD_KEYS.keySet());
        }
        return names;
    }

    /** The tree as a configuration, checked. */
    DistillConfig bind() {
        return ConfigMapper.bind(withNames(), DistillConfig.class, NAMELESS);
    }
}
