package org.mohawk4j.train.study;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.IntStream;
import org.mohawk4j.InvalidInputException;
import org.mohawk4j.train.LayerRanking;
import org.mohawk4j.train.config.DistillConfig;
import org.mohawk4j.train.config.StageConfig;
import org.mohawk4j.train.config.StageObjective;
import org.mohawk4j.train.report.Plot;
import org.mohawk4j.train.study.page.StudyPage;
import org.mohawk4j.train.study.page.Table;

/**
 * Which K layers of a hybrid should keep their attention. Layers are ranked by the KL that a trained student without
 * attention recovers when one layer's attention is restored and the whole is briefly tuned (arXiv 2512.20569); the best K
 * are compared with K that are evenly spaced, the first and the last, and with the shipped teacher with all others.
 */
public final class HybridsStudy implements Study {
    private static final String AUTO = "ranked";
    /** The tuning's part of the run's tokens. */
    private static final double TUNING = 0.1;

    private final int kept;

    /** @param kept K */
    public HybridsStudy(int kept) {
        this.kept = kept;
    }

    @Override
    public String name() {
        return "hybrids";
    }

    @Override
    public void check(Lab lab) {
        StagesStudy.requireAttention(lab);
        int layers = lab.dimensions().layers();
        if (kept < 1 || kept >= layers) {
            throw new InvalidInputException(
                    "keep: expected 1 to " + (layers - 1) + " of the teacher's " + layers + " layers, got " + kept);
        }
        run(lab, List.of(), 0).activeStages();
        tuning(lab, List.of(), 0).activeStages();
    }

    private static DistillConfig run(Lab lab, List<Integer> layers, int seed) {
        return Distiller.withFittingStages(
                lab.config().toBuilder()
                        .seed(seed)
                        .keepAttention(layers.toArray(Integer[]::new))
                        .build(),
                lab);
    }

    private static DistillConfig tuning(Lab lab, List<Integer> layers, int seed) {
        long tokens = Math.max(
                (long) lab.config().training().batch() * lab.config().training().context(),
                Math.round(TUNING * lab.config().training().tokens()));
        StageConfig stage = lab.config().training().stages().stream()
                .filter(own -> own.objective() == StageObjective.KNOWLEDGE_DISTILLATION)
                .findFirst()
                .orElseGet(() -> StageConfig.of(StageObjective.KNOWLEDGE_DISTILLATION));
        return lab.config().toBuilder()
                .seed(seed)
                .keepAttention(layers.toArray(Integer[]::new))
                .stages(stage.withTokens(tokens))
                .build();
    }

    private boolean triesAll(Lab lab) {
        return lab.config().files().teacher().isEmpty() && !lab.settings().quick();
    }

    /** Choices by name, the ranked one first; what several names choose alike is measured once. */
    private Map<String, List<Integer>> choices(Lab lab, List<Integer> ranked) {
        int layers = lab.dimensions().layers();
        Map<String, List<Integer>> choices = new LinkedHashMap<>();
        choices.put(AUTO, ranked);
        choices.put("evenly spaced", Layers.evenlySpaced(layers, kept));
        choices.put("first", Layers.first(kept));
        choices.put("last", Layers.last(layers, kept));
        if (triesAll(lab)) {
            Layers.choices(layers, kept).forEach(choice -> choices.put("layers " + Layers.text(choice), choice));
        }
        return choices;
    }

    @Override
    public Outcome run(Lab lab) {
        int layers = lab.dimensions().layers();
        int seeds = lab.settings().seeds();
        // how many choices differ is known when layers are ranked
        lab.expect(seeds
                * (2 + layers + (triesAll(lab) ? Layers.choices(layers, kept).size() : 4)));
        List<Spread> recovered = ranking(lab);
        List<Integer> ranked =
                new LayerRanking(recovered.stream().map(Spread::mean).toList()).best(kept);
        Map<String, List<Integer>> choices = choices(lab, ranked);
        lab.expect(seeds * (2 + layers + choices.size()));
        List<Hybrid> hybrids = new ArrayList<>();
        choices.forEach((name, choice) -> {
            List<Result> results = new ArrayList<>();
            for (int seed = 0; seed < seeds; seed++) {
                results.add(Distiller.measure(
                        lab,
                        "keep-" + Layers.text(choice) + ".seed" + seed,
                        Map.of("keep-attention", choice),
                        run(lab, choice, seed)));
            }
            hybrids.add(new Hybrid(name, choice, results));
        });
        return new Outcome(page(hybrids, recovered), "keep_attention=" + Layers.text(ranked));
    }

    /** What each layer recovers beyond what the tuning alone does. */
    private static List<Spread> ranking(Lab lab) {
        int layers = lab.dimensions().layers();
        List<List<Double>> recovered = new ArrayList<>();
        IntStream.range(0, layers).forEach(layer -> recovered.add(new ArrayList<>()));
        for (int i = 0; i < lab.settings().seeds(); i++) {
            int seed = i;
            String student = "student.seed" + seed;
            DistillConfig config = run(lab, List.of(), seed);
            lab.measure("base.seed" + seed, Map.of("keep-attention", List.of()), config, (bench, work) -> {
                return Distiller.run(bench, lab.work(student), config);
            });
            double tuned = restored(lab, student, config, List.of(), seed);
            for (int layer = 0; layer < layers; layer++) {
                recovered.get(layer).add(tuned - restored(lab, student, config, List.of(layer), seed));
            }
            lab.dropWork(student);
        }
        return recovered.stream().map(Spread::of).toList();
    }

    /** The KL after the tuning. */
    private static double restored(Lab lab, String student, DistillConfig run, List<Integer> layers, int seed) {
        DistillConfig tuning = tuning(lab, layers, seed);
        String id = LayerRanking.result(layers.stream().findFirst(), seed);
        Result result = lab.measure(id, Map.of("restored", layers), tuning, (bench, work) -> {
            Path folder = lab.work(student);
            if (!Files.isDirectory(folder.resolve("student"))) {
                // a study that was ended may have lost it: a run is the same each time
                Distiller.run(bench, folder, run);
            }
            return RestoredLayer.measure(bench, folder.resolve("student"), tuning);
        });
        return result.value(RestoredLayer.KL);
    }

    /** A choice of layers by its name; what several names choose alike has the same results. */
    private record Hybrid(String name, List<Integer> layers, List<Result> results) {}

    private StudyPage page(List<Hybrid> hybrids, List<Spread> recovered) {
        double teacher = hybrids.get(0).results().get(0).value(Distiller.TEACHER_NLL);
        List<List<String>> layers = new ArrayList<>();
        for (int layer = 0; layer < recovered.size(); layer++) {
            layers.add(List.of(String.valueOf(layer), recovered.get(layer).toString()));
        }
        List<List<String>> rows = new ArrayList<>();
        List<Spread> own = new ArrayList<>();
        for (Hybrid hybrid : hybrids) {
            Spread nll = Spread.of(hybrid.results(), Distiller.NLL);
            own.add(nll);
            rows.add(List.of(
                    hybrid.name(),
                    Layers.text(hybrid.layers()),
                    nll.toString(),
                    String.format(Locale.ROOT, "%.4f", nll.mean() - teacher)));
        }
        return new StudyPage(
                "Which layers should keep their attention",
                List.of(),
                List.of(
                        new Table(
                                "What each layer's attention recovers",
                                "KL(teacher ‖ student) on held-out tokens, in nats: of a student without attention, tuned on"
                                        + " a tenth of the tokens, minus that of the same student with this layer's attention"
                                        + " restored and likewise tuned (arXiv 2512.20569).",
                                List.of("layer", "KL recovered"),
                                layers),
                        new Table(
                                "Hybrids that keep " + kept + (kept == 1 ? " layer" : " layers"),
                                String.format(
                                        Locale.ROOT,
                                        "Each a whole distillation with as many tokens. Nats per held-out token; the teacher"
                                                + " has %.4f.",
                                        teacher),
                                List.of("choice", "layers", "nll", "above the teacher"),
                                rows)),
                List.of(
                        Plot.bars(
                                "KL that each layer's attention recovers",
                                "nats",
                                IntStream.range(0, recovered.size())
                                        .mapToObj(layer -> "layer " + layer)
                                        .toList(),
                                List.of(new Plot.Series(
                                        "recovered",
                                        new double[recovered.size()],
                                        Spread.each(recovered, Spread::mean),
                                        Spread.each(recovered, Spread::deviation),
                                        true))),
                        Plot.bars(
                                "How far each hybrid ends above its teacher",
                                "nats per token above the teacher",
                                hybrids.stream().map(Hybrid::name).toList(),
                                List.of(new Plot.Series(
                                        "hybrid",
                                        new double[own.size()],
                                        Spread.each(own, spread -> spread.mean() - teacher),
                                        Spread.each(own, Spread::deviation),
                                        true)))),
                Map.of());
    }
}
