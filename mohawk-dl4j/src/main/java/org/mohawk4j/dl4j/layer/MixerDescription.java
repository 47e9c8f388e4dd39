package org.mohawk4j.dl4j.layer;

import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.mohawk4j.InvalidInputException;
import org.mohawk4j.mixer.CausalLinearAttention;
import org.mohawk4j.mixer.DiscreteMamba2;
import org.mohawk4j.mixer.MixerConfig;
import org.mohawk4j.mixer.SoftmaxAttention;
import org.mohawk4j.mixer.Toeplitz;

/**
 * A {@link MixerConfig} as plain values, for JSON: under {@code type} the mixer's name, then the components of the
 * configuration record by name. A built-in mixer goes by its class's simple name, any other by the class name of its
 * configuration.
 */
final class MixerDescription {
    static final String TYPE = "type";

    private static final List<Class<? extends MixerConfig>> BUILT_IN = List.of(
            CausalLinearAttention.Config.class,
            DiscreteMamba2.Config.class,
            SoftmaxAttention.Config.class,
            Toeplitz.Config.class);

    private MixerDescription() {}

    /**
     * The values of a configuration.
     *
     * @throws InvalidInputException if it is no record, or a component is no number, text, true, false or record of them
     */
    static Map<String, Object> of(String layer, MixerConfig config) {
        Class<? extends MixerConfig> type = config.getClass();
        if (!type.isRecord()) {
            throw new InvalidInputException(
                    layer + ": expected a mixer configuration that is a record, so that JSON can" + " hold it, found "
                            + type.getName());
        }
        Map<String, Object> values = new LinkedHashMap<>();
        values.put(TYPE, name(type));
        values.putAll(RecordValues.of(layer, (Record) config));
        return values;
    }

    /**
     * The configuration that values describe.
     *
     * @throws InvalidInputException for an unknown mixer, and for a dimension that is missing, unknown, of the wrong
     *     type or refused by the mixer
     */
    static MixerConfig parse(String layer, Map<String, Object> values) {
        Class<? extends MixerConfig> type = type(layer, values.get(TYPE));
        String mixer = layer + ", mixer " + values.get(TYPE);
        if (type == SoftmaxAttention.Config.class && values.containsKey("rotaryDim")) {
            return RecordValues.parse(layer, mixer, FormerAttention.class, values)
                    .config();
        }
        Map<String, Object> all = new LinkedHashMap<>(values);
        if (values.containsKey("width")
                && Arrays.stream(type.getRecordComponents())
                        .anyMatch(component -> component.getName().equals("innerWidth"))) {
            // earlier versions knew mixers as wide inside as outside alone
            all.putIfAbsent("innerWidth", values.get("width"));
        }
        return RecordValues.parse(layer, mixer, type, all);
    }

    /** An attention as earlier versions wrote it, which knew Phi's alone. */
    private record FormerAttention(long width, int heads, int keyValueHeads, int rotaryDim, double ropeTheta) {
        @SuppressWarnings("UnusedMethod") // RecordValues calls it by reflection
        FormerAttention {
            // what it refuses is refused here, in the layer's name
            new SoftmaxAttention.Config(width, heads, keyValueHeads, rotaryDim, ropeTheta);
        }

        SoftmaxAttention.Config config() {
            return new SoftmaxAttention.Config(width, heads, keyValueHeads, rotaryDim, ropeTheta);
        }
    }

    private static String name(Class<? extends MixerConfig> type) {
        return BUILT_IN.contains(type)
                ? Objects.requireNonNull(type.getEnclosingClass()).getSimpleName()
                : type.getName();
    }

    private static Class<? extends MixerConfig> type(String layer, @Nullable Object name) {
        return BUILT_IN.stream()
                .filter(type -> name(type).equals(name))
                .findFirst()
                .or(() -> userType(String.valueOf(name)))
                .orElseThrow(() -> new InvalidInputException(layer + ": expected a mixer of "
                        + BUILT_IN.stream().map(MixerDescription::name).toList()
                        + " or the class name of a MixerConfig record on the class path, found " + name));
    }

    private static Optional<Class<? extends MixerConfig>> userType(String name) {
        try {
            // not initialized before it is known to be a mixer's: the name comes from a file
            Class<?> type = Class.forName(name, false, Thread.currentThread().getContextClassLoader());
            return MixerConfig.class.isAssignableFrom(type) && type.isRecord()
                    ? Optional.of(type.asSubclass(MixerConfig.class))
                    : Optional.empty();
        } catch (ClassNotFoundException e) {
            return Optional.empty();
        }
    }
}
