package org.mohawk4j.cli.option;

import java.nio.file.Path;
import java.util.Collection;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.mohawk4j.train.config.DistillConfig;
import picocli.CommandLine.Model.OptionSpec;

/**
 * A command-line option that sets a value of {@link DistillConfig}, which checks it and holds its default. An option
 * that is not given says nothing.
 *
 * @param name as in {@code --tokens}
 * @param key in its section of the configuration
 * @param values how many there are, and how they are given
 * @param type of the value or of its elements
 * @param label stands for the value in the help
 * @param text what the help says; empty for an option that it does not show
 * @param value from its section of the configuration, to show the default
 * @param <S> the section
 */
record ConfigOption<S>(
        String name,
        String key,
        Values values,
        Class<?> type,
        String label,
        String text,
        Function<? super S, ?> value) {

    /** How an option takes its values. */
    enum Values {
        ONE,
        /** Separated by commas. */
        LIST,
        /** The option again for each. */
        REPEATED
    }

    static <S> ConfigOption<S> path(String key, String label, String text, Function<? super S, ?> value) {
        return new ConfigOption<>("--" + key, key, Values.ONE, Path.class, label, text, value);
    }

    static <S> ConfigOption<S> word(String key, String label, String text, Function<? super S, ?> value) {
        return new ConfigOption<>("--" + key, key, Values.ONE, String.class, label, text, value);
    }

    static <S> ConfigOption<S> flag(String key, String text, Function<? super S, ?> value) {
        return new ConfigOption<>("--" + key, key, Values.ONE, Boolean.class, "true|false", text, value);
    }

    static <S> ConfigOption<S> whole(String key, String label, String text, Function<? super S, ?> value) {
        return new ConfigOption<>("--" + key, key, Values.ONE, Long.class, label, text, value);
    }

    static <S> ConfigOption<S> number(String key, String label, String text, Function<? super S, ?> value) {
        return new ConfigOption<>("--" + key, key, Values.ONE, Double.class, label, text, value);
    }

    /** The same option with a list of such values. */
    ConfigOption<S> listed() {
        return new ConfigOption<>(name, key, Values.LIST, type, label, text, value);
    }

    /** The same option, given as often as there are values. */
    ConfigOption<S> repeated() {
        return new ConfigOption<>(name, key, Values.REPEATED, type, label, text, value);
    }

    /** The same option under another name. */
    ConfigOption<S> named(String other) {
        return new ConfigOption<>(other, key, values, type, label, text, value);
    }

    /** The same option of the whole configuration. */
    ConfigOption<DistillConfig> within(String section, Function<DistillConfig, S> accessor) {
        String full = section.isEmpty() ? key : section + "." + key;
        return new ConfigOption<>(name, full, values, type, label, text, accessor.andThen(value));
    }

    /**
     * The option for picocli.
     *
     * @param usual what stands in for values not given
     * @param shipped what does with the shipped teacher
     */
    OptionSpec spec(S usual, S shipped) {
        OptionSpec.Builder builder =
                OptionSpec.builder(name).paramLabel(label).description(text + defaults(usual, shipped));
        builder.hidden(text.isEmpty());
        if (values == Values.ONE) {
            return type == Boolean.class
                    ? builder.type(type).arity("0..1").fallbackValue("true").build()
                    : builder.type(type).arity("1").build();
        }
        builder.type(List.class).auxiliaryTypes(type).arity("1").hideParamSyntax(true);
        return values == Values.LIST ? builder.splitRegex("\\s*,\\s*").build() : builder.build();
    }

    private String defaults(S usual, S shipped) {
        String general = shown(value.apply(usual));
        String special = shown(value.apply(shipped));
        if (general.isEmpty()) {
            return "";
        }
        return " (default: " + general
                + (special.equals(general) ? ")" : "; with the shipped teacher: " + special + ")");
    }

    private static String shown(Object value) {
        if (value instanceof Optional<?> optional) {
            return optional.map(ConfigOption::shown).orElse("");
        }
        if (value instanceof Collection<?> elements) {
            return elements.stream().map(ConfigOption::shown).collect(Collectors.joining(","));
        }
        return value instanceof Enum<?> constant
                ? constant.name().toLowerCase(Locale.ROOT).replace('_', '-')
                : String.valueOf(value);
    }
}
