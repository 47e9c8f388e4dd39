package org.mohawk4j.train.config;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.mohawk4j.train.yaml.ConfigMapper;

/** What differs between two configurations, value by value, of what can change a run's results. */
public final class ConfigChanges {
    /** They change how fast a run is, or which of a machine's devices it takes, and not a bit of what comes of it. */
    private static final Set<String> OF_SPEED = Set.of("data.readers", "data.teacher-cache", "device", "gpus");

    /** Where files are, which may be elsewhere on another machine. */
    private static final Set<String> OF_PLACE = Set.of("teacher", "out", "report");

    private ConfigChanges() {}

    /** One text for each value that differs, such as {@code batch was 8, is 4}; none if both are the same. */
    public static List<String> between(DistillConfig before, DistillConfig after) {
        List<String> changes = new ArrayList<>();
        compare(ConfigTree.of(before).root(), ConfigTree.of(after).root(), "", changes);
        return changes;
    }

    /** What has to be the same on all ranks of a run, by key. */
    public static Map<String, String> values(DistillConfig config) {
        Map<String, String> values = new LinkedHashMap<>();
        collect(ConfigTree.of(config).root(), "", values);
        return values;
    }

    private static void collect(ObjectNode section, String prefix, Map<String, String> values) {
        section.properties().forEach(entry -> {
            String key = prefix + entry.getKey();
            if (entry.getValue() instanceof ObjectNode inner) {
                collect(inner, key + ".", values);
            } else if (!OF_SPEED.contains(key) && !OF_PLACE.contains(key)) {
                values.put(key, entry.getValue().toString());
            }
        });
    }

    private static void compare(ObjectNode before, ObjectNode after, String prefix, List<String> changes) {
        before.properties().forEach(entry -> {
            String key = prefix + entry.getKey();
            JsonNode was = entry.getValue();
            JsonNode now = after.path(entry.getKey());
            if (was instanceof ObjectNode section && now instanceof ObjectNode other) {
                compare(section, other, key + ".", changes);
            } else if (key.equals(StageTrees.KEY) && objectives(was).equals(objectives(now))) {
                for (int i = 0; i < was.size(); i++) {
                    compare((ObjectNode) was.get(i), (ObjectNode) now.get(i), ActiveStage.key(i) + ".", changes);
                }
            } else if (!was.equals(now) && !OF_SPEED.contains(key)) {
                changes.add(key + " was " + describe(key, was) + ", is " + describe(key, now));
            }
        });
    }

    private static String describe(String key, JsonNode value) {
        return key.equals(StageTrees.KEY) ? objectives(value).toString() : ConfigMapper.describe(value);
    }

    private static List<String> objectives(JsonNode stages) {
        List<String> objectives = new ArrayList<>();
        stages.forEach(stage -> objectives.add(stage.path("objective").asText()));
        return objectives;
    }
}
