package org.mohawk4j.models;

import java.util.ArrayList;
import java.util.Collection;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
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
 * @param renewed layers, from 0, that have a new mixer even if its configuration equals the teacher's
 */
public record MixerPlan(List<MixerConfig> mixers, Set<Integer> renewed) {
    public MixerPlan {
        mixers = List.copyOf(mixers);
        renewed = Set.copyOf(renewed);
    }

    /** A plan that keeps every mixer whose configuration equals the teacher's. */
    public MixerPlan(List<MixerConfig> mixers) {
        this(mixers, Set.of());
    }

    /**
     * One kind of mixer in every layer but some.
     *
     * @param replacement from the teacher's mixer of a layer to the student's
     * @param kept layers, from 0, that keep the teacher's mixer
     */
    public static MixerPlan replacing(
            CausalLmConfig teacher, Function<MixerConfig, MixerConfig> replacement, Collection<Integer> kept) {
        return new MixerPlan(reinitializing(teacher, layer -> replacement.apply(layer.mixer()), kept).mixers);
    }

    /**
     * A new mixer in every layer but some, even where its configuration equals the teacher's.
     *
     * @param replacement from a layer of the teacher to the student's mixer
     * @param kept layers, from 0, that keep the teacher's mixer
     */
    public static MixerPlan reinitializing(
            CausalLmConfig teacher, Function<TeacherLayer, MixerConfig> replacement, Collection<Integer> kept) {
        for (int layer : kept) {
            if (layer < 0 || layer >= teacher.layers()) {
                throw new InvalidInputException("layer " + layer
                        + " is to keep its attention, but the teacher has layers 0 to " + (teacher.layers() - 1));
            }
        }
        Set<Integer> renewed = new HashSet<>();
        List<MixerConfig> mixers = new ArrayList<>();
        for (int i = 0; i < teacher.layers(); i++) {
            TeacherLayer layer = new TeacherLayer(teacher, i);
            if (kept.contains(i)) {
                mixers.add(layer.mixer());
            } else {
                mixers.add(replacement.apply(layer));
                renewed.add(i);
            }
        }
        return new MixerPlan(mixers, renewed);
    }

    /**
     * Why stage 1 cannot compare this plan's mixing matrices with the teacher's: of the first new mixer that has none, or
     * another number of heads than the one it replaces. Empty if it can.
     */
    public Optional<String> incomparable(CausalLmConfig teacher) {
        for (int i = 0; i < mixers.size(); i++) {
            MixerConfig own = mixers.get(i);
            MixerConfig replaced = teacher.mixers().get(i);
            if (keeps(i, teacher)) {
                continue;
            }
            if (!own.hasMatrix() || !replaced.hasMatrix()) {
                return Optional.of("layer " + i + ": the " + (own.hasMatrix() ? "teacher" : "student")
                        + "'s mixer has no mixing matrix");
            }
            if (own.heads() != replaced.heads()) {
                return Optional.of("layer " + i + ": the student's mixer has " + own.heads() + " heads, the teacher's "
                        + replaced.heads());
            }
        }
        return Optional.empty();
    }

    /** As {@link #student(CausalLm, MixerInit, RandomGenerator)} with mixers that start from the attention. */
    public CausalLm student(CausalLm teacher, RandomGenerator random) {
        return student(teacher, MixerInit.ATTENTION, random);
    }

    /**
     * A student of this plan: the teacher with other mixers. Everything that both have is copied.
     *
     * @param init what the mixers begin as that are not the teacher's
     */
    public CausalLm student(CausalLm teacher, MixerInit init, RandomGenerator random) {
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
            if (init != MixerInit.RANDOM && !keeps(i, teacher.config())) {
                student.blocks().get(i).mixer().initFrom(teacher.blocks().get(i).mixer());
            }
        }
        return student;
    }

    /** Whether this layer keeps the teacher's mixer. */
    public boolean keeps(int layer, CausalLmConfig teacher) {
        return !renewed.contains(layer)
                && mixers.get(layer).equals(teacher.mixers().get(layer));
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
