package org.mohawk4j.models;

import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Set;
import java.util.function.Function;
import java.util.random.RandomGenerator;
import org.mohawk4j.InvalidInputException;
import org.mohawk4j.mixer.MixerConfig;
import org.mohawk4j.nn.Parameter;

/**
 * Which mixer a student has in each layer of its teacher.
 *
 * @param mixers one per layer; a layer whose configuration equals the teacher's keeps the teacher's mixer
 */
public record MixerPlan(List<MixerConfig> mixers) {
    public MixerPlan {
        mixers = List.copyOf(mixers);
    }

    /**
     * One kind of mixer in every layer but some.
     *
     * @param replacement from the teacher's mixer of a layer to the student's
     * @param kept layers, from 0, that keep the teacher's mixer
     */
    public static MixerPlan replacing(
            CausalLmConfig teacher, Function<MixerConfig, MixerConfig> replacement, Collection<Integer> kept) {
        for (int layer : kept) {
            if (layer < 0 || layer >= teacher.layers()) {
                throw new InvalidInputException("layer " + layer
                        + " is to keep its attention, but the teacher has layers 0 to " + (teacher.layers() - 1));
            }
        }
        Set<Integer> keep = Set.copyOf(kept);
        List<MixerConfig> mixers = new ArrayList<>();
        for (int i = 0; i < teacher.layers(); i++) {
            MixerConfig own = teacher.mixers().get(i);
            mixers.add(keep.contains(i) ? own : replacement.apply(own));
        }
        return new MixerPlan(mixers);
    }

    /** As {@link #student(CausalLm, MixerInit, RandomGenerator)} with mixers that start from the attention. */
    public CausalLm student(CausalLm teacher, RandomGenerator random) {
        return student(teacher, MixerInit.ATTENTION, random);
    }

    /**
     * A student of this plan: the teacher with other mixers. Everything that both have is copied.
     *
     * @param start what the mixers begin as that are not the teacher's
     */
    public CausalLm student(CausalLm teacher, MixerInit start, RandomGenerator random) {
        if (mixers.size() != teacher.config().layers()) {
            throw new InvalidInputException("the plan has " + mixers.size() + " mixers, the teacher "
                    + teacher.config().layers() + " layers");
        }
        CausalLm student = new CausalLm(teacher.engine(), teacher.config().withMixers(mixers), random);
        var source = teacher.parameters();
        student.parameters().forEach((name, parameter) -> {
            Parameter original = source.get(name);
            if (original != null && !isFresh(name, teacher.config())) {
                parameter.set(original);
            }
        });
        for (int i = 0; i < mixers.size(); i++) {
            if (start != MixerInit.RANDOM && !keeps(i, teacher.config())) {
                student.blocks().get(i).mixer().initFrom(teacher.blocks().get(i).mixer());
            }
        }
        return student;
    }

    /** Whether this layer keeps the teacher's mixer. */
    public boolean keeps(int layer, CausalLmConfig teacher) {
        return mixers.get(layer).equals(teacher.mixers().get(layer));
    }

    /** Whether a parameter belongs to a mixer that is not the teacher's, even if its name is the same by chance. */
    private boolean isFresh(String name, CausalLmConfig teacher) {
        for (int i = 0; i < mixers.size(); i++) {
            if (name.startsWith("layers." + i + ".mixer.")) {
                return !keeps(i, teacher);
            }
        }
        return false;
    }
}
