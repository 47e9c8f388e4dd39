package org.mohawk4j.train.config;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;

/** What differs between two configurations, value by value, of what can change a run's results. */
public final class ConfigChanges {
    /** They change how fast a run is, or which of a machine's devices it takes, and not a bit of what comes of it. */
    private static final Set<String> OF_SPEED = Set.of("data.readers", "data.teacher-cache", "device");

    private ConfigChanges() {}

    /** One text for each value that differs, such as {@code batch was 8, is 4}; none if both are the same. */
    public static List<String> between(DistillConfig before, DistillConfig after) {
        List<String> changes = new ArrayList<>();
        compare(ConfigTree.of(before).root(), ConfigTree.of(after).root(), "", changes);
        return changes;
    }

    private static void compare(ObjectNode before, ObjectNode after, String prefix, List<String> changes) {
        before.properties().forEach(entry -> {
            JsonNode now = after.path(entry.getKey());
            if (entry.getValue() instanceof ObjectNode section && now instanceof ObjectNode other) {
                compare(section, other, prefix + entry.getKey() + ".", changes);
            } else if (!entry.getValue().equals(now) && !OF_SPEED.contains(prefix + entry.getKey())) {
                changes.add(prefix + entry.getKey() + " was " + ConfigTree.describe(entry.getValue()) + ", is "
                        + ConfigTree.describe(now));
            }
        });
    }
}
