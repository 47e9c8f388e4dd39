package org.mohawk4j.train.yaml;

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
import java.util.Set;
import org.mohawk4j.InvalidInputException;
import org.mohawk4j.UserHome;

/** Configurations to trees and back, with errors that name the key, the expected and the actual. */
public final class ConfigMapper {
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

    private ConfigMapper() {}

    public static ObjectNode tree(Object config) {
        return MAPPER.valueToTree(config);
    }

    public static ObjectNode empty() {
        return MAPPER.createObjectNode();
    }

    /** A value that a program gives. Paths inside a list would be written as URIs by a mapper that knows only the list. */
    public static JsonNode node(Object value) {
        if (value instanceof Collection<?> values) {
            return MAPPER.createArrayNode()
                    .addAll(values.stream().map(ConfigMapper::node).toList());
        }
        return MAPPER.valueToTree(value);
    }

    /**
     * A tree as a configuration, checked.
     *
     * @param nameless keys of sections that messages do not name
     */
    public static <T> T bind(ObjectNode root, Class<T> type, Set<String> nameless) {
        try {
            return MAPPER.treeToValue(root, type);
        } catch (JsonMappingException e) {
            for (Throwable cause = e; cause != null; cause = cause.getCause()) {
                if (cause instanceof InvalidInputException refusal) {
                    throw refusal;
                }
            }
            throw wrongType(root, nameless, e);
        } catch (JsonProcessingException e) {
            throw new IllegalStateException("a tree in memory is always readable", e);
        }
    }

    private static InvalidInputException wrongType(ObjectNode root, Set<String> nameless, JsonMappingException e) {
        StringBuilder key = new StringBuilder();
        JsonNode node = root;
        boolean atRoot = true;
        for (JsonMappingException.Reference step : e.getPath()) {
            if (step.getFieldName() == null) {
                key.append('[').append(step.getIndex()).append(']');
                node = node.path(step.getIndex());
            } else {
                if (!atRoot || !nameless.contains(step.getFieldName())) {
                    key.append(key.isEmpty() ? "" : ".").append(step.getFieldName());
                }
                node = node.path(step.getFieldName());
            }
            atRoot = false;
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
            return oneOf(type);
        }
        if (Collection.class.isAssignableFrom(type)) {
            return "a list";
        }
        return type == String.class || type == Path.class ? "a text" : "another type of value";
    }

    public static String oneOf(Class<?> constants) {
        List<String> names = new ArrayList<>();
        node(List.of(constants.getEnumConstants())).forEach(name -> names.add(name.asText()));
        return "one of " + String.join(", ", names);
    }

    public static List<String> fieldNames(JsonNode section) {
        List<String> names = new ArrayList<>();
        section.fieldNames().forEachRemaining(names::add);
        return names;
    }

    /** A value as a user wrote it, or nearly so. */
    public static String describe(JsonNode node) {
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
