package org.mohawk4j.train.config;

import com.fasterxml.jackson.annotation.JsonSetter;
import com.fasterxml.jackson.annotation.Nulls;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.exc.InputCoercionException;
import com.fasterxml.jackson.databind.DeserializationContext;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonMappingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.MapperFeature;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.PropertyNamingStrategies;
import com.fasterxml.jackson.databind.deser.std.StdScalarDeserializer;
import com.fasterxml.jackson.databind.exc.MismatchedInputException;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.module.SimpleModule;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.fasterxml.jackson.databind.ser.std.ToStringSerializer;
import com.fasterxml.jackson.datatype.jdk8.Jdk8Module;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import org.mohawk4j.InvalidInputException;
import org.mohawk4j.UserHome;

/**
 * A configuration as a tree of keys, on which another tree can be laid. The tree of the defaults has every key there is,
 * so it is also what unknown keys are told by.
 */
final class ConfigTree {
    private static final ObjectMapper MAPPER = JsonMapper.builder()
            .propertyNamingStrategy(PropertyNamingStrategies.KEBAB_CASE)
            .disable(DeserializationFeature.ACCEPT_FLOAT_AS_INT)
            .disable(MapperFeature.ALLOW_COERCION_OF_SCALARS)
            .enable(DeserializationFeature.FAIL_ON_NULL_FOR_PRIMITIVES)
            .defaultSetterInfo(JsonSetter.Value.forContentNulls(Nulls.FAIL))
            .addModule(new Jdk8Module())
            .addModule(new SimpleModule()
                    .addSerializer(Path.class, ToStringSerializer.instance)
                    .addDeserializer(Path.class, new PathDeserializer()))
            .build();

    private final ObjectNode root;

    private ConfigTree(ObjectNode root) {
        this.root = root;
    }

    static ConfigTree of(DistillConfig config) {
        return new ConfigTree(MAPPER.valueToTree(config));
    }

    ObjectNode root() {
        return root;
    }

    /** A tree from keys such as {@code student.state-size}. */
    static ObjectNode nest(Map<String, ?> values) {
        ObjectNode nested = MAPPER.createObjectNode();
        values.forEach((key, value) -> {
            ObjectNode section = nested;
            String[] parts = key.split("\\.", -1);
            for (int i = 0; i < parts.length - 1; i++) {
                section = section.withObjectProperty(parts[i]);
            }
            section.set(parts[parts.length - 1], tree(value));
        });
        return nested;
    }

    /** Paths inside a list would be written as URIs by a mapper that knows only the list. */
    static JsonNode tree(Object value) {
        if (value instanceof Collection<?> values) {
            return MAPPER.createArrayNode()
                    .addAll(values.stream().map(ConfigTree::tree).toList());
        }
        return MAPPER.valueToTree(value);
    }

    /** Lays values over this tree: sections key by key, anything else as a whole. */
    ConfigTree overlay(ObjectNode values) {
        overlay(root, values, MAPPER.<ObjectNode>valueToTree(DistillConfig.defaults()), "");
        return this;
    }

    private static void overlay(ObjectNode target, ObjectNode values, JsonNode defaults, String prefix) {
        for (Map.Entry<String, JsonNode> entry : values.properties()) {
            String key = prefix + entry.getKey();
            JsonNode value = entry.getValue();
            JsonNode known = defaults.get(entry.getKey());
            if (known == null) {
                throw new InvalidInputException(key + ": expected one of the keys "
                        + String.join(", ", fieldNames(defaults)) + ", got an unknown key");
            }
            if (known.isObject() != value.isObject() || (value.isNull() && !known.isNull())) {
                throw new InvalidInputException(key + ": expected "
                        + (known.isObject() ? "the keys " + String.join(", ", fieldNames(known)) : "a value") + ", got "
                        + describe(value));
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

    private static List<String> fieldNames(JsonNode section) {
        List<String> names = new ArrayList<>();
        section.fieldNames().forEachRemaining(names::add);
        return names;
    }

    /** The tree as a configuration, checked. */
    DistillConfig bind() {
        try {
            return MAPPER.treeToValue(root, DistillConfig.class);
        } catch (JsonMappingException e) {
            for (Throwable cause = e; cause != null; cause = cause.getCause()) {
                if (cause instanceof InvalidInputException refusal) {
                    throw refusal;
                }
            }
            throw wrongType(e);
        } catch (JsonProcessingException e) {
            throw new IllegalStateException("a tree in memory is always readable", e);
        }
    }

    private InvalidInputException wrongType(JsonMappingException e) {
        StringBuilder key = new StringBuilder();
        JsonNode node = root;
        for (JsonMappingException.Reference step : e.getPath()) {
            if (step.getFieldName() == null) {
                key.append('[').append(step.getIndex()).append(']');
                node = node.path(step.getIndex());
            } else {
                key.append(key.isEmpty() ? "" : ".").append(step.getFieldName());
                node = node.path(step.getFieldName());
            }
        }
        return new InvalidInputException(key + ": expected " + expected(e, node) + ", got " + describe(node), e);
    }

    private static String expected(JsonMappingException e, JsonNode node) {
        Class<?> type = Object.class;
        if (e instanceof MismatchedInputException mismatch && mismatch.getTargetType() != null) {
            type = mismatch.getTargetType();
        } else if (e.getCause() instanceof InputCoercionException overflow) {
            type = overflow.getTargetType();
        }
        if (type == int.class || type == Integer.class) {
            return node.isIntegralNumber() ? "a whole number up to " + Integer.MAX_VALUE : "a whole number";
        }
        if (type == long.class || type == Long.class) {
            return node.isIntegralNumber() ? "a whole number up to " + Long.MAX_VALUE : "a whole number";
        }
        if (type == double.class || type == Double.class) {
            return "a number";
        }
        if (type == boolean.class) {
            return "true or false";
        }
        if (type.isEnum()) {
            List<String> names = new ArrayList<>();
            MAPPER.valueToTree(type.getEnumConstants()).forEach(name -> names.add(name.asText()));
            return "one of " + String.join(", ", names);
        }
        if (Collection.class.isAssignableFrom(type)) {
            return "a list";
        }
        return type == String.class || type == Path.class ? "a text" : "another type of value";
    }

    /** A value as a user wrote it, or nearly so. */
    static String describe(JsonNode node) {
        if (node.isNull() || node.isMissingNode()) {
            return "nothing";
        }
        if (node.isTextual()) {
            return "'" + node.asText() + "'";
        }
        return node.isObject() ? "the keys " + String.join(", ", fieldNames(node)) : node.toString();
    }

    /** Jackson's own takes a path with a colon for a URI. */
    private static final class PathDeserializer extends StdScalarDeserializer<Path> {
        private static final long serialVersionUID = 1L;

        PathDeserializer() {
            super(Path.class);
        }

        @Override
        public Path deserialize(JsonParser parser, DeserializationContext context) throws IOException {
            String text = parser.getValueAsString();
            if (text == null || text.isEmpty()) {
                return (Path) context.handleUnexpectedToken(Path.class, parser);
            }
            return Path.of(UserHome.expand(text));
        }
    }
}
