package org.mohawk4j.train.config;

import com.fasterxml.jackson.annotation.JsonSetter;
import com.fasterxml.jackson.annotation.Nulls;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.mohawk4j.InvalidInputException;
import org.mohawk4j.mixer.MixerConfig;
import org.mohawk4j.models.CausalLmConfig;
import org.mohawk4j.models.MixerInit;
import org.mohawk4j.models.MixerPlan;
import org.mohawk4j.models.TeacherLayer;
import org.mohawk4j.models.mixer.MixerFormat;
import org.mohawk4j.models.mixer.MixerFormats;
import org.mohawk4j.models.mixer.MixerOptions;

/**
 * The student's mixers.
 *
 * @param mixer the name of a {@link MixerFormat} on the class path
 * @param mixerOptions by name; what is left out has the format's default, so that every option is there
 * @param init what the mixers begin as
 */
public record StudentConfig(
        String mixer,
        @JsonSetter(contentNulls = Nulls.SET) Map<String, @Nullable Object> mixerOptions,
        MixerInit init) {
    /**
     * Checks name and options.
     *
     * @throws InvalidInputException of one line with the known names or options, or with option, expected and actual
     */
    public StudentConfig {
        mixerOptions = MixerOptions.of(MixerFormats.named(mixer), mixerOptions).values();
    }

    static StudentConfig defaults() {
        return new StudentConfig("discrete-mamba2", Map.of(), MixerInit.CALIBRATED);
    }

    /** With another mixer, whose options have the format's defaults unless they are given. */
    public StudentConfig withMixer(String mixer, Map<String, ?> options) {
        return new StudentConfig(mixer, new LinkedHashMap<String, @Nullable Object>(options), init);
    }

    public StudentConfig withInit(MixerInit init) {
        return new StudentConfig(mixer, mixerOptions, init);
    }

    /**
     * The mixers for a teacher: new ones of this kind in every layer but some.
     *
     * @param kept layers, from 0, that keep the teacher's mixer
     * @throws InvalidInputException if a layer does not exist, or the options do not fit it
     */
    public MixerPlan plan(CausalLmConfig teacher, Collection<Integer> kept) {
        MixerFormat format = MixerFormats.named(mixer);
        MixerOptions options = MixerOptions.of(format, mixerOptions);
        return MixerPlan.reinitializing(teacher, layer -> configure(format, layer, options), kept);
    }

    /** A configuration refuses impossible dimensions as a programming error, which they are not here. */
    private static MixerConfig configure(MixerFormat format, TeacherLayer layer, MixerOptions options) {
        try {
            return format.configure(layer, options);
        } catch (IllegalArgumentException e) {
            throw new InvalidInputException(
                    "mixer " + format.name() + ": layer " + layer.index() + ": " + e.getMessage(), e);
        }
    }
}
