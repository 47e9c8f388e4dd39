package org.mohawk4j.examples;

import java.util.Collection;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.mohawk4j.train.run.DistillConfig;
import picocli.CommandLine.Model.OptionSpec;

/**
 * A command-line option that sets a value of {@link DistillConfig}, which checks it and holds its default. An option
 * that is not given says nothing.
 *
 * @param name as in {@code --tokens}
 * @param key of the configuration, such as {@code student.state-size}
 * @param list whether it takes several elements, separated by commas
 * @param type of the value or of its elements
 * @param label stands for the value in the help
 * @param text what the help says
 * @param value from a configuration, to show the default
 */
record ConfigOption(
        String name,
        String key,
        boolean list,
        Class<?> type,
        String label,
        String text,
        Function<DistillConfig, Object> value) {

    /** An option named like the last part of its key. */
    static ConfigOption one(
            String key, Class<?> type, String label, String text, Function<DistillConfig, Object> value) {
        return new ConfigOption(nameOf(key), key, false, type, label, text, value);
    }

    /** As {@link #one}, with several elements. */
    static ConfigOption many(
            String key, Class<?> type, String label, String text, Function<DistillConfig, Object> value) {
        return new ConfigOption(nameOf(key), key, true, type, label, text, value);
    }

    /** The same option under another name. */
    ConfigOption named(String other) {
        return new ConfigOption(other, key, list, type, label, text, value);
    }

    private static String nameOf(String key) {
        return "--" + key.substring(key.lastIndexOf('.') + 1);
    }

    OptionSpec spec() {
        OptionSpec.Builder builder = OptionSpec.builder(name).paramLabel(label).description(text + defaults());
        return list
                ? builder.type(List.class)
                        .auxiliaryTypes(type)
                        .arity("1")
                        .splitRegex(",")
                        .hideParamSyntax(true)
                        .build()
                : builder.type(type).arity("1").build();
    }

    private String defaults() {
        String usual = shown(value.apply(DistillConfig.defaults()));
        String embedded = shown(value.apply(EmbeddedTeacher.config()));
        if (usual.isEmpty()) {
            return "";
        }
        return " (default: " + usual + (embedded.equals(usual) ? ")" : "; with the shipped teacher: " + embedded + ")");
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
