package org.mohawk4j.train.study;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.mohawk4j.eval.recall.Recall;
import org.mohawk4j.eval.recall.RecallTask;
import org.mohawk4j.models.CausalLm;
import org.mohawk4j.models.ModelFolder;
import org.mohawk4j.train.config.DistillConfig;
import org.mohawk4j.train.report.Plot;
import org.mohawk4j.train.study.page.StudyPage;
import org.mohawk4j.train.study.page.Table;

/**
 * What perplexity hides: whether teacher and student find again what stands in their context, by distance. Associative
 * recall, copying and a needle in a text, made by seed of the tokenizer's own words, scored by greedy generation.
 */
public final class RecallStudy implements Study {
    private static final String TEACHER = "teacher";
    private static final String STUDENT = "student";
    private static final int ITEMS = 64;
    private static final int QUICK_ITEMS = 16;

    /** Below this share of right answers there is nothing that a student could lose. */
    private static final double FAILS = 0.1;

    @Override
    public String name() {
        return "recall";
    }

    @Override
    public void check(Lab lab) {
        distances(lab);
        config(lab, 0).activeStages();
    }

    @Override
    public void check(Lab lab, Bench bench) {
        Recall.words(bench.tokenizer(), vocabulary(bench), distances(lab));
    }

    private static int vocabulary(Bench bench) {
        return Math.toIntExact(bench.teacher().config().vocabulary());
    }

    /** That fit the context of training. */
    private static List<Integer> distances(Lab lab) {
        return Recall.distances(lab.config().training().context());
    }

    private static DistillConfig config(Lab lab, int seed) {
        return Distiller.withFittingStages(lab.config().toBuilder().seed(seed).build(), lab);
    }

    private static String key(String model, RecallTask task, int distance) {
        return model + "." + task.label() + "." + distance;
    }

    @Override
    public Outcome run(Lab lab) {
        lab.expect(lab.settings().seeds());
        List<Result> results = new ArrayList<>();
        for (int i = 0; i < lab.settings().seeds(); i++) {
            int seed = i;
            DistillConfig config = config(lab, seed);
            results.add(lab.measure(
                    "recall.seed" + seed,
                    Map.of("distances", distances(lab), "prompts", items(lab)),
                    config,
                    (bench, work) -> measure(lab, bench, work, config)));
        }
        double teacher = mean(lab, results, TEACHER);
        double student = mean(lab, results, STUDENT);
        return new Outcome(
                page(lab, results, teacher), String.format(Locale.ROOT, "teacher=%.6f student=%.6f", teacher, student));
    }

    private static int items(Lab lab) {
        return lab.settings().quick() ? QUICK_ITEMS : ITEMS;
    }

    /** Distills a student, then asks it and its teacher the same. */
    private static Map<String, Double> measure(Lab lab, Bench bench, Path work, DistillConfig config) {
        Map<String, Double> values = new LinkedHashMap<>(Distiller.run(bench, work, config));
        Path folder = work.resolve("student");
        if (!Files.isDirectory(folder)) {
            throw new IllegalStateException("run " + work + ": expected a student, found none");
        }
        Recall recall = Recall.of(
                bench.tokenizer(),
                vocabulary(bench),
                bench.texts().heldOut(),
                distances(lab),
                items(lab),
                config.training().seed());
        try (CausalLm student = ModelFolder.load(bench.engine(), folder)) {
            put(TEACHER, recall.scores(bench.teacher(), distances(lab)), values);
            put(STUDENT, recall.scores(student, distances(lab)), values);
        }
        return values;
    }

    private static void put(String model, Map<RecallTask, Map<Integer, Double>> scores, Map<String, Double> values) {
        scores.forEach((task, own) -> own.forEach((distance, share) -> values.put(key(model, task, distance), share)));
    }

    private static double mean(Lab lab, List<Result> results, String model) {
        List<Double> scores = new ArrayList<>();
        for (RecallTask task : RecallTask.values()) {
            distances(lab)
                    .forEach(distance -> scores.add(
                            Spread.of(results, key(model, task, distance)).mean()));
        }
        return Spread.of(scores).mean();
    }

    private static StudyPage page(Lab lab, List<Result> results, double teacher) {
        List<Integer> distances = distances(lab);
        List<String> columns = new ArrayList<>(List.of("task, model"));
        distances.forEach(distance -> columns.add(distance + " tokens"));
        List<List<String>> rows = new ArrayList<>();
        List<Plot> plots = new ArrayList<>();
        for (RecallTask task : RecallTask.values()) {
            List<Plot.Series> series = new ArrayList<>();
            for (String model : List.of(TEACHER, STUDENT)) {
                List<Spread> own = distances.stream()
                        .map(distance -> Spread.of(results, key(model, task, distance)))
                        .toList();
                List<String> row = new ArrayList<>(List.of(task.label() + ", " + model));
                own.forEach(spread -> row.add(spread.toString()));
                rows.add(row);
                series.add(new Plot.Series(
                        model,
                        distances.stream().mapToDouble(Integer::doubleValue).toArray(),
                        Spread.each(own, Spread::mean),
                        Spread.each(own, Spread::deviation),
                        true));
            }
            plots.add(Plot.lines("Exact matches of task " + task.label(), "distance in tokens", "share", true, series));
        }
        List<String> notes = teacher < FAILS
                ? List.of(String.format(
                        Locale.ROOT,
                        "The teacher itself answers %.1f%% right: it was not trained to recall, so that this page says"
                                + " nothing about what its student loses.",
                        100 * teacher))
                : List.of();
        Table table = new Table(
                "Exact matches by distance",
                String.format(
                        Locale.ROOT,
                        "The share of %d prompts for each seed. Held-out text: teacher %s, student %s nats per token.",
                        items(lab),
                        Spread.of(results, Distiller.TEACHER_NLL),
                        Spread.of(results, Distiller.NLL)),
                columns,
                rows);
        return new StudyPage("What perplexity hides: recall", notes, List.of(table), plots, Map.of());
    }
}
