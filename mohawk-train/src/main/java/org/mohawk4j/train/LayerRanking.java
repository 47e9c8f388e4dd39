package org.mohawk4j.train;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.SplittableRandom;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.mohawk4j.InvalidInputException;
import org.mohawk4j.data.Dataset;
import org.mohawk4j.data.TokenWindows;
import org.mohawk4j.io.JsonLinesReader;
import org.mohawk4j.models.CausalLm;
import org.mohawk4j.models.MixerPlan;
import org.mohawk4j.nn.Parameter;
import org.mohawk4j.op.loss.DistillationFunction;
import org.mohawk4j.train.config.AutoAttention;
import org.mohawk4j.train.config.DistillConfig;
import org.mohawk4j.train.loop.HeldOutLoss;
import org.mohawk4j.train.stage.StagePlan;

/**
 * Layers by what their attention is worth: the KL(teacher ‖ student) that a student without attention recovers when one
 * layer has its teacher's attention back (arXiv 2512.20569).
 *
 * @param recovered by layer, in nats
 */
public record LayerRanking(List<Double> recovered) {
    private static final int WINDOWS = 8;
    private static final Pattern RESTORED = Pattern.compile("restored-(?:none|layer\\d{1,9})\\.seed\\d{1,9}");

    /** Copies the list. */
    public LayerRanking {
        recovered = List.copyOf(recovered);
    }

    /** The first K of the ranking, in ascending order; of equal ones the lower. */
    public List<Integer> best(int count) {
        return IntStream.range(0, recovered.size())
                .boxed()
                .sorted(Comparator.comparingDouble(layer -> -recovered.get(layer)))
                .limit(count)
                .sorted()
                .toList();
    }

    /** The KL of each layer, in words. */
    @Override
    public String toString() {
        return IntStream.range(0, recovered.size())
                .mapToObj(layer -> String.format(Locale.ROOT, "%d: %.4f", layer, recovered.get(layer)))
                .collect(Collectors.joining(", "));
    }

    /** How the study of hybrids names what it measured; without a layer, of the student that others are compared with. */
    public static String result(Optional<Integer> layer, int seed) {
        return "restored-" + layer.map(index -> "layer" + index).orElse("none") + ".seed" + seed;
    }

    /**
     * The ranking of a study of hybrids, a mean over its seeds.
     *
     * @param layers that the teacher has
     * @throws InvalidInputException if it is not whole
     */
    public static LayerRanking of(Path study, int layers) {
        return of(RankedStudy.of(study), layers);
    }

    static LayerRanking of(RankedStudy study, int layers) {
        Path folder = study.folder();
        Map<String, Double> found = new HashMap<>();
        JsonLinesReader.forEach(folder.resolve("results.jsonl"), row -> {
            String id = row.text("id");
            if (RESTORED.matcher(id).matches()) {
                found.put(id, row.object("values").number("kl"));
            }
        });
        List<Double> recovered = new ArrayList<>();
        for (int i = 0; i < layers; i++) {
            Optional<Integer> layer = Optional.of(i);
            recovered.add(IntStream.range(0, study.seeds())
                    .mapToDouble(seed ->
                            kl(folder, found, result(Optional.empty(), seed)) - kl(folder, found, result(layer, seed)))
                    .average()
                    .orElseThrow());
        }
        if (found.size() != study.seeds() * (layers + 1)) {
            throw new InvalidInputException("study " + folder + ": expected results of the teacher's " + layers
                    + " layers, found others as well");
        }
        return new LayerRanking(recovered);
    }

    private static double kl(Path study, Map<String, Double> found, String id) {
        Double kl = found.get(id);
        if (kl == null) {
            throw new InvalidInputException(
                    "study " + study + ": expected a finished ranking of hybrids, found no result " + id);
        }
        return kl;
    }

    /**
     * The layers that keep their attention, as far as they are known before the teacher is loaded: where a run is to rank
     * them, the first K stand for the best, since dimensions, memory and speed depend on their number.
     *
     * @param layers that the teacher has
     * @param studied the ranking of the study that the run names
     */
    public static List<Integer> kept(DistillConfig config, int layers, Optional<LayerRanking> studied) {
        Optional<AutoAttention> auto = config.training().autoAttention();
        if (auto.isEmpty()) {
            return config.training().keepAttention();
        }
        int count = count(auto.get(), layers);
        return studied.map(ranking -> ranking.best(count))
                .orElseGet(() -> IntStream.range(0, count).boxed().toList());
    }

    /** K, checked against the teacher's layers. */
    static int count(AutoAttention auto, int layers) {
        if (auto.count() >= layers) {
            throw new InvalidInputException("keep-attention: expected auto:1 to auto:" + (layers - 1)
                    + " of the teacher's " + layers + " layers, got " + auto);
        }
        return auto.count();
    }

    /**
     * Ranks layers without any training: restored are those of a student as it starts.
     *
     * @param heldOut of which the last windows are measured
     */
    static LayerRanking of(DistillConfig config, CausalLm teacher, Dataset text, TokenWindows heldOut) {
        int layers = teacher.config().layers();
        SplittableRandom random = new SplittableRandom(config.training().seed());
        MixerPlan none = config.student().plan(teacher.config(), List.of());
        try (CausalLm student = none.student(teacher, config.student().init(), random)) {
            StudentStart.calibrate(config, teacher, student, none, text, random.nextLong());
            double without = loss(config, teacher, student, none, heldOut);
            List<Double> recovered = new ArrayList<>();
            for (int layer = 0; layer < layers; layer++) {
                MixerPlan one = config.student().plan(teacher.config(), List.of(layer));
                try (CausalLm restored = one.student(teacher, random)) {
                    copy(student, restored, List.of(layer));
                    recovered.add(without - loss(config, teacher, restored, one, heldOut));
                }
            }
            return new LayerRanking(recovered);
        }
    }

    /** A cross-entropy, which is the KL divergence plus the teacher's entropy. */
    private static double loss(
            DistillConfig config, CausalLm teacher, CausalLm student, MixerPlan plan, TokenWindows heldOut) {
        int batch = config.training().batch() / config.training().accumulate();
        return new HeldOutLoss(
                        teacher.engine(),
                        new StagePlan(teacher, student, plan, List.of())
                                .knowledgeDistillation(DistillationFunction.Weights.PLAIN),
                        heldOut,
                        WINDOWS,
                        batch)
                .getAsDouble();
    }

    /** Copies all parameters but those of some layers' mixers. */
    public static void copy(CausalLm from, CausalLm to, List<Integer> but) {
        Map<String, Parameter> source = from.parameters();
        to.parameters().forEach((name, parameter) -> {
            if (but.stream().noneMatch(layer -> name.startsWith("layers." + layer + ".mixer."))) {
                Parameter found = source.get(name);
                if (found == null) {
                    throw new IllegalStateException("student: expected the parameter " + name + ", found none");
                }
                parameter.set(found);
            }
        });
    }
}
