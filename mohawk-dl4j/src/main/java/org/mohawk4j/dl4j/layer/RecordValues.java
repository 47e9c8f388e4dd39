package org.mohawk4j.dl4j.layer;

import java.lang.reflect.Constructor;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.ParameterizedType;
import java.lang.reflect.RecordComponent;
import java.lang.reflect.Type;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;
import org.mohawk4j.InvalidInputException;
import org.mohawk4j.Records;

/**
 * Records as plain values, for JSON: numbers, texts, true and false as they are, a record as the map of its components,
 * one of several kinds of records with its simple name under {@code type}, lists of numbers, and nothing for an empty
 * {@link Optional}.
 */
final class RecordValues {
    private static final String TYPE = MixerDescription.TYPE;

    private RecordValues() {}

    /** @param where the layer, named in complaints */
    static Map<String, Object> of(String where, Record values) {
        Map<String, Object> map = new LinkedHashMap<>();
        for (RecordComponent component : values.getClass().getRecordComponents()) {
            Object value = Records.value(component, values);
            if (value instanceof Optional<?> optional) {
                optional.ifPresent(present -> map.put(component.getName(), plain(where, component, present)));
            } else {
                map.put(component.getName(), plain(where, component, value));
            }
        }
        return map;
    }

    private static Object plain(String where, RecordComponent component, Object value) {
        if (value instanceof Number || value instanceof Boolean || value instanceof String) {
            return value;
        }
        if (value instanceof List<?> list) {
            return list.stream()
                    .map(element -> plain(where, component, element))
                    .toList();
        }
        if (value instanceof Record inner) {
            Map<String, Object> map = new LinkedHashMap<>();
            if (component.getType().isSealed()) {
                map.put(TYPE, value.getClass().getSimpleName());
            }
            map.putAll(of(where, inner));
            return map;
        }
        throw new InvalidInputException(where
                + ": expected numbers, texts, true or false in a mixer's configuration, or records of them, found "
                + component + " = " + value);
    }

    /**
     * The inverse of {@link #of}. Values have no {@code type} but that of the record itself, which is passed over.
     *
     * @param layer named where the record refuses its values
     * @param what named in other complaints
     */
    static <R> R parse(String layer, String what, Class<R> type, Map<?, ?> values) {
        RecordComponent[] components = type.getRecordComponents();
        Set<String> unknown = new TreeSet<>();
        values.keySet().forEach(key -> unknown.add(String.valueOf(key)));
        unknown.remove(TYPE);
        Object[] arguments = new Object[components.length];
        Class<?>[] types = new Class<?>[components.length];
        for (int i = 0; i < components.length; i++) {
            String name = components[i].getName();
            unknown.remove(name);
            types[i] = components[i].getType();
            arguments[i] = argument(layer, what, components[i], values.get(name));
        }
        if (!unknown.isEmpty()) {
            throw new InvalidInputException(what + ": expected "
                    + Arrays.stream(components).map(RecordComponent::getName).toList() + ", found also " + unknown);
        }
        try {
            Constructor<R> constructor = type.getDeclaredConstructor(types);
            constructor.setAccessible(true);
            return constructor.newInstance(arguments);
        } catch (InvocationTargetException e) {
            Throwable refusal = Objects.requireNonNull(e.getCause());
            throw new InvalidInputException(layer + ": " + refusal.getMessage(), refusal);
        } catch (ReflectiveOperationException e) {
            throw new InvalidInputException(what + ": cannot be made: " + e, e);
        }
    }

    private static Object argument(String layer, String what, RecordComponent component, @Nullable Object value) {
        String name = component.getName();
        Type generic = component.getGenericType();
        if (component.getType() == Optional.class && generic instanceof ParameterizedType parameterized) {
            Class<?> inner = (Class<?>) parameterized.getActualTypeArguments()[0];
            return Optional.ofNullable(value).map(present -> argument(layer, what, name, inner, present));
        }
        if (component.getType() == List.class && value instanceof List<?> list) {
            return numbers(what, name, list);
        }
        return argument(layer, what, name, component.getType(), value);
    }

    /** Lists of numbers are of decimals, however they are written. */
    private static List<Double> numbers(String what, String name, List<?> list) {
        return list.stream()
                .map(element -> {
                    if (element instanceof Number number) {
                        return number.doubleValue();
                    }
                    throw new InvalidInputException(what + ": expected " + name + ", a list of numbers, found " + list);
                })
                .toList();
    }

    private static Object argument(String layer, String what, String name, Class<?> type, @Nullable Object value) {
        if (value instanceof Number number) {
            if (type == double.class) {
                return number.doubleValue();
            }
            if (type == float.class) {
                return number.floatValue();
            }
            if (type == long.class && number.longValue() == number.doubleValue()) {
                return number.longValue();
            }
            if (type == int.class && number.intValue() == number.doubleValue()) {
                return number.intValue();
            }
        }
        if ((type == boolean.class && value instanceof Boolean) || (type == String.class && value instanceof String)) {
            return value;
        }
        if (value instanceof Map<?, ?> map && type.isRecord()) {
            return parse(layer, what + ", " + name, type, map);
        }
        if (value instanceof Map<?, ?> map && type.isSealed()) {
            return parse(layer, what + ", " + name, kind(what + ", " + name, type, map.get(TYPE)), map);
        }
        throw new InvalidInputException(what + ": expected " + name + ", a value of type " + type.getSimpleName()
                + ", found " + (value == null ? "none" : value));
    }

    private static Class<?> kind(String what, Class<?> type, @Nullable Object name) {
        Class<?>[] kinds = type.getPermittedSubclasses();
        return Arrays.stream(kinds)
                .filter(kind -> kind.getSimpleName().equals(name))
                .findFirst()
                .orElseThrow(() -> new InvalidInputException(what + ": expected one of "
                        + Arrays.stream(kinds).map(Class::getSimpleName).toList() + ", found " + name));
    }
}
