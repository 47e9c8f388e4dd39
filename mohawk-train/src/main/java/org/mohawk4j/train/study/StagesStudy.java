package org.mohawk4j.train.study;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Collectors;
import org.mohawk4j.InvalidInputException;
import org.mohawk4j.mixer.SoftmaxAttention;
import org.mohawk4j.models.MixerInit;
import org.mohawk4j.train.config.DistillConfig;
import org.mohawk4j.train.config.StageConfig;
import org.mohawk4j.train.config.StageObjective;
import org.mohawk4j.train.report.Plot;
import org.mohawk4j.train.study.page.StudyPage;
import org.mohawk4j.train.study.page.Table;

/**
 * What each stage is worth at equal tokens (MOHAWK, arXiv 2408.10189, Table 2): stages 2, 3, 2+3 and 1+2+3 for a full
 * student and a hybrid with each initialization, and for attention distilled into freshly initialized attention.
 */
public final class StagesStudy implements Study {
    private static final StageObjective ONE = StageObjective.MATRIX_ORIENTATION;
    private static final StageObjective TWO = StageObjective.HIDDEN_STATE_ALIGNMENT;
    private static final StageObjective THREE = StageObjective.KNOWLEDGE_DISTILLATION;

    private static final Map<String, List<StageObjective>> STAGES = stages();
    private static final String TEACHER = "teacher";

    private enum Kind {
        FULL,
        HYBRID,
        ATTENTION;

        String label() {
            return name().toLowerCase(Locale.ROOT);
        }
    }

    /** A group of rows, which differ in their stages. */
    private record Group(Kind kind, MixerInit init) {
        String label() {
            return kind.label() + "." + init.name().toLowerCase(Locale.ROOT);
        }
    }

    private static Map<String, List<StageObjective>> stages() {
        Map<String, List<StageObjective>> stages = new LinkedHashMap<>();
        stages.put("2", List.of(TWO));
        stages.put("3", List.of(THREE));
        stages.put("2+3", List.of(TWO, THREE));
        stages.put("1+2+3", List.of(ONE, TWO, THREE));
        return stages;
    }

    @Override
    public String name() {
        return "stages";
    }

    @Override
    public void check(Lab lab) {
        requireAttention(lab);
        for (Group group : groups()) {
            STAGES.forEach(
                    (label, objectives) -> config(lab, group, objectives, 0).activeStages());
        }
    }

    /** A study of what replaces attention needs attention in each layer of the teacher. */
    static void requireAttention(Lab lab) {
        for (int i = 0; i < lab.dimensions().layers(); i++) {
            if (!(lab.dimensions().mixers().get(i) instanceof SoftmaxAttention.Config)) {
                throw new InvalidInputException("teacher: expected attention in each layer, found "
                        + lab.dimensions().mixers().get(i) + " in layer " + i);
            }
        }
    }

    private static List<Group> groups() {
        List<Group> groups = new ArrayList<>();
        for (Kind kind : List.of(Kind.FULL, Kind.HYBRID)) {
            for (MixerInit init : MixerInit.values()) {
                groups.add(new Group(kind, init));
            }
        }
        groups.add(new Group(Kind.ATTENTION, MixerInit.RANDOM));
        return groups;
    }

    private static DistillConfig config(Lab lab, Group group, List<StageObjective> objectives, int seed) {
        DistillConfig base = lab.config();
        // by default a run trains by the last stage alone: the study compares all three, in the shares of the paper
        StageConfig[] stages = base.training().stages().stream()
                .filter(stage -> objectives.contains(stage.objective()))
                .map(StageConfig::withUsualShare)
                .toArray(StageConfig[]::new);
        DistillConfig.Builder config = base.toBuilder().seed(seed).stages(stages);
        config.student(student -> (group.kind() == Kind.ATTENTION ? student.withMixer("attention", Map.of()) : student)
                .withInit(group.init()));
        int layers = lab.dimensions().layers();
        if (group.kind() == Kind.HYBRID) {
            config.keepAttention(
                    Layers.evenlySpaced(layers, Math.max(1, layers / 6)).toArray(Integer[]::new));
        }
        return config.build();
    }

    @Override
    public Outcome run(Lab lab) {
        List<Group> groups = groups();
        lab.expect(groups.size() * STAGES.size() * lab.settings().seeds());
        Map<String, List<Result>> rows = new LinkedHashMap<>();
        for (Group group : groups) {
            STAGES.forEach((label, objectives) -> {
                String row = group.label() + "." + label;
                for (int seed = 0; seed < lab.settings().seeds(); seed++) {
                    rows.computeIfAbsent(row, key -> new ArrayList<>())
                            .add(Distiller.measure(
                                    lab,
                                    row + ".seed" + seed,
                                    Map.of("student", group.kind().label(), "init", group.init(), "stages", label),
                                    config(lab, group, objectives, seed)));
                }
            });
        }
        Map<String, Spread> scores = new LinkedHashMap<>();
        rows.forEach((row, results) -> scores.put(row, Spread.of(results, Distiller.NLL)));
        double teacher = rows.values().iterator().next().get(0).value(Distiller.TEACHER_NLL);
        return new Outcome(page(groups, scores, teacher), line(scores));
    }

    /** One {@code NAME=nll} for each row. */
    static String line(Map<String, Spread> scores) {
        return scores.entrySet().stream()
                .map(entry -> String.format(
                        Locale.ROOT, "%s=%.6f", entry.getKey(), entry.getValue().mean()))
                .collect(Collectors.joining(" "));
    }

    private StudyPage page(List<Group> groups, Map<String, Spread> scores, double teacher) {
        List<String> stages = List.copyOf(STAGES.keySet());
        List<String> columns = new ArrayList<>(List.of("student, initialization"));
        stages.forEach(label -> columns.add("stages " + label));
        List<List<String>> cells = new ArrayList<>();
        List<Plot.Series> series = new ArrayList<>();
        for (Group group : groups) {
            List<Spread> own = stages.stream()
                    .map(label -> scores.get(group.label() + "." + label))
                    .toList();
            List<String> row = new ArrayList<>(
                    List.of(group.kind().label() + ", " + group.init().name().toLowerCase(Locale.ROOT)));
            own.forEach(spread -> row.add(spread.toString()));
            cells.add(row);
            series.add(new Plot.Series(
                    group.label(),
                    new double[own.size()],
                    Spread.each(own, spread -> spread.mean() - teacher),
                    Spread.each(own, Spread::deviation),
                    true));
        }
        Table table = new Table(
                "Negative log-likelihood of held-out tokens",
                String.format(
                        Locale.ROOT,
                        "In nats per token; the %s has %.4f. All rows train on as many tokens. full: every layer has a new"
                                + " mixer; hybrid: some keep their attention; attention: attention distilled into freshly"
                                + " initialized attention.",
                        TEACHER,
                        teacher),
                columns,
                cells);
        return new StudyPage(
                "What each stage is worth",
                List.of(),
                List.of(table, PaperFigures.stages()),
                List.of(Plot.bars(
                        "How far each student ends above its teacher",
                        "nats per token above the teacher",
                        stages,
                        series)),
                Map.of());
    }
}
