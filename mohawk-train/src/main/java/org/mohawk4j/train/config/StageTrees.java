package org.mohawk4j.train.config;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.Arrays;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import org.mohawk4j.InvalidInputException;
import org.mohawk4j.train.yaml.ConfigMapper;
import org.mohawk4j.train.yaml.Ranges;

/**
 * The list of stages as a tree. What a stage does not say is what is usual for its objective. The keys {@code split} and
 * {@code lr}, of when there were always three stages, say a value of each stage in the list that there is.
 */
final class StageTrees {
    static final String KEY = "stages";

    /** Which value of a stage an old key says. */
    static final Map<String, String> OLD_KEYS = new TreeMap<>(Map.of("split", "share", "lr", "learning-rate"));

    private static final String OBJECTIVE = "objective";
    private static final String TOKENS = "tokens";
    private static final String SHARE = "share";
    private static final String AUTO = "auto";

    private StageTrees() {}

    private static boolean isAuto(JsonNode stage) {
        return stage.path(TOKENS).asText().equals(AUTO);
    }

    /** Puts {@code tokens: auto}, as files have it, in the place of the value of its own that a record has. */
    static void showAuto(JsonNode stages) {
        for (JsonNode stage : stages) {
            if (((ObjectNode) stage).remove(AUTO).asBoolean()) {
                ((ObjectNode) stage).put(TOKENS, AUTO);
            }
        }
    }

    /** The opposite of {@link #showAuto}. */
    static ArrayNode hideAuto(JsonNode stages) {
        ArrayNode hidden = stages.deepCopy();
        for (int i = 0; i < hidden.size(); i++) {
            ObjectNode stage = (ObjectNode) hidden.get(i);
            JsonNode tokens = stage.path(TOKENS);
            stage.put(AUTO, isAuto(stage));
            if (isAuto(stage)) {
                stage.putNull(TOKENS);
            } else {
                Ranges.require(
                        !tokens.isTextual(),
                        ActiveStage.key(i) + "." + TOKENS,
                        "a whole number or " + AUTO,
                        ConfigMapper.describe(tokens));
            }
        }
        return hidden;
    }

    static ArrayNode of(JsonNode list) {
        if (!list.isArray()) {
            throw new InvalidInputException(KEY + ": expected a list, got " + ConfigMapper.describe(list));
        }
        ArrayNode stages = JsonNodeFactory.instance.arrayNode();
        list.forEach(values -> stages.add(stage(ActiveStage.key(stages.size()), values)));
        return stages;
    }

    private static ObjectNode stage(String key, JsonNode said) {
        String wanted = said.path(OBJECTIVE).asText();
        Optional<StageObjective> objective = Arrays.stream(StageObjective.values())
                .filter(one -> ConfigMapper.node(one).asText().equals(wanted))
                .findFirst();
        ObjectNode stage = ConfigMapper.tree(StageConfig.of(objective.orElse(StageObjective.MATRIX_ORIENTATION)));
        stage.remove(AUTO);
        if (!(said instanceof ObjectNode values)) {
            throw new InvalidInputException(key + ": expected the keys "
                    + String.join(", ", ConfigMapper.fieldNames(stage)) + ", got " + ConfigMapper.describe(said));
        }
        ObjectNode known = stage.deepCopy();
        if (values.path(TOKENS).isValueNode() && !values.path(TOKENS).isNull() && !isAuto(values)) {
            stage.putNull(SHARE);
        }
        ConfigTree.overlay(stage, values, known, key + ".");
        if (objective.isEmpty()) {
            throw new InvalidInputException(key + "." + OBJECTIVE + ": expected "
                    + ConfigMapper.oneOf(StageObjective.class) + ", got "
                    + ConfigMapper.describe(values.path(OBJECTIVE)));
        }
        return stage;
    }

    /** Also of stages that do not run. */
    private static void requireOneEach(int stages, String key, List<Double> numbers) {
        String names =
                IntStream.rangeClosed(1, stages).mapToObj(String::valueOf).collect(Collectors.joining(", "));
        Ranges.require(
                numbers.size() == stages,
                key,
                stages == 1 ? "1 number" : stages + " numbers, of stages " + names,
                numbers.size() + ": " + numbers);
    }

    /** Takes the old keys out of values, and lays what they say over stages. */
    static void layOldKeys(ObjectNode values, ArrayNode stages) {
        OLD_KEYS.forEach((old, key) -> {
            JsonNode said = values.remove(old);
            if (said != null) {
                List<Double> numbers = numbers(old, said);
                requireOneEach(stages.size(), old, numbers);
                if (key.equals(SHARE)) {
                    TokenBudget.checkSplit(numbers);
                } else {
                    numbers.forEach(
                            rate -> Ranges.require(rate > 0 && Double.isFinite(rate), old, "numbers above 0", numbers));
                }
                for (int i = 0; i < numbers.size(); i++) {
                    ObjectNode stage = (ObjectNode) stages.get(i);
                    stage.put(key, numbers.get(i));
                    if (key.equals(SHARE) && !isAuto(stage)) {
                        stage.putNull(TOKENS);
                    }
                }
            }
        });
    }

    /** What old keys say. */
    private record OldKeys(
            @Nullable List<Double> split, @Nullable List<Double> lr) {}

    private static List<Double> numbers(String key, JsonNode said) {
        ObjectNode alone = ConfigMapper.empty().set(key, said);
        OldKeys found = ConfigMapper.bind(alone, OldKeys.class, Set.of());
        List<Double> numbers = key.equals("lr") ? found.lr() : found.split();
        if (numbers == null) {
            throw new InvalidInputException(key + ": expected a list, got " + ConfigMapper.describe(said));
        }
        return numbers;
    }

    /** Leaves out of a stage what it does not say. */
    static void leaveOutUnsaid(JsonNode stage) {
        stage.forEach(StageTrees::leaveOutUnsaid);
        for (Iterator<JsonNode> values = stage.elements(); values.hasNext(); ) {
            JsonNode value = values.next();
            if (value.isNull() || (value.isContainerNode() && value.isEmpty())) {
                values.remove();
            }
        }
    }
}
