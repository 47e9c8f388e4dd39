package org.mohawk4j.models.mixer;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.List;
import java.util.Optional;
import java.util.ServiceConfigurationError;
import java.util.ServiceLoader;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.mohawk4j.InvalidInputException;
import org.mohawk4j.mixer.MixerConfig;

/** The formats on the class path. */
public final class MixerFormats {
    private MixerFormats() {}

    /** A mixer as a format writes it. */
    public record Written(MixerFormat format, ObjectNode json) {}

    /**
     * All of them.
     *
     * @throws InvalidInputException if one cannot be loaded, or two have one name or one {@code CoreType}
     */
    public static List<MixerFormat> all() {
        try {
            List<MixerFormat> formats = ServiceLoader.load(MixerFormat.class).stream()
                    .map(ServiceLoader.Provider::get)
                    .toList();
            requireDistinct("name", formats, MixerFormat::name);
            requireDistinct("CoreType", formats, MixerFormat::coreType);
            return formats;
        } catch (ServiceConfigurationError | LinkageError e) {
            throw new InvalidInputException("a mixer format on the class path cannot be loaded: " + e, e);
        }
    }

    private static void requireDistinct(String what, List<MixerFormat> formats, Function<MixerFormat, String> key) {
        for (MixerFormat format : formats) {
            MixerFormat first = formats.stream()
                    .filter(other -> key.apply(other).equals(key.apply(format)))
                    .findFirst()
                    .orElse(format);
            if (first != format) {
                throw new InvalidInputException("mixer formats on the class path: expected a " + what
                        + " for each, got "
                        + key.apply(format) + " of both " + first.getClass().getName() + " and "
                        + format.getClass().getName());
            }
        }
    }

    /**
     * The format of a name.
     *
     * @throws InvalidInputException if there is none
     */
    public static MixerFormat named(String name) {
        List<MixerFormat> formats = all();
        return formats.stream()
                .filter(format -> format.name().equals(name))
                .findFirst()
                .orElseThrow(() -> new InvalidInputException("mixer: expected one of "
                        + formats.stream().map(MixerFormat::name).sorted().collect(Collectors.joining(", "))
                        + ", got '" + name + "'"));
    }

    /** What the first format that can describe a mixer writes; empty if none can. */
    public static Optional<Written> write(MixerConfig mixer) {
        return all().stream()
                .flatMap(format -> format.write(mixer).map(json -> new Written(format, json)).stream())
                .findFirst();
    }
}
