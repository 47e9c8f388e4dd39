package org.mohawk4j.train.study;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import org.mohawk4j.InvalidInputException;
import org.mohawk4j.models.mixer.MixerFormats;
import org.mohawk4j.train.config.DistillConfig;
import org.mohawk4j.train.config.StageConfig;
import org.mohawk4j.train.config.StageObjective;
import org.mohawk4j.train.report.Plot;
import org.mohawk4j.train.study.page.StudyPage;
import org.mohawk4j.train.study.page.Table;

/**
 * What the structure of the mixing matrix is worth (MOHAWK, arXiv 2408.10189, Table 4): the whole pipeline with Toeplitz
 * matrices, causal linear attention, discrete Mamba-2, and mixers of the user's own.
 */
public final class StructuresStudy implements Study {
    private static final List<String> MIXERS = List.of("toeplitz", "linear-attention", "discrete-mamba2");

    private final Set<String> mixers;

    /**
     * @param own names of further mixers on the class path
     * @throws InvalidInputException if there is no such mixer
     */
    public StructuresStudy(List<String> own) {
        mixers = new LinkedHashSet<>(MIXERS);
        for (String mixer : own) {
            MixerFormats.named(mixer);
            if (!mixers.add(mixer)) {
                throw new InvalidInputException(
                        "mixer: expected others than " + String.join(", ", MIXERS) + ", each once, got " + mixer);
            }
        }
    }

    @Override
    public String name() {
        return "structures";
    }

    @Override
    public void check(Lab lab) {
        mixers.forEach(mixer -> config(lab, mixer, 0).activeStages());
    }

    static DistillConfig config(Lab lab, String mixer, int seed) {
        DistillConfig base = lab.config();
        // by default a run trains by the last stage alone: the study takes all of them, in the shares of the paper
        StageConfig[] stages = base.training().stages().stream()
                .map(StageConfig::withUsualShare)
                .toArray(StageConfig[]::new);
        return Distiller.withFittingStages(
                base.toBuilder()
                        .seed(seed)
                        .stages(stages)
                        .student(student -> student.withMixer(mixer, Map.of()))
                        .build(),
                lab);
    }

    @Override
    public Outcome run(Lab lab) {
        lab.expect(mixers.size() * lab.settings().seeds());
        Map<String, List<Result>> rows = new LinkedHashMap<>();
        for (String mixer : mixers) {
            for (int seed = 0; seed < lab.settings().seeds(); seed++) {
                rows.computeIfAbsent(mixer, key -> new ArrayList<>())
                        .add(Distiller.measure(
                                lab, mixer + ".seed" + seed, Map.of("mixer", mixer), config(lab, mixer, seed)));
            }
        }
        Map<String, Spread> scores = new LinkedHashMap<>();
        rows.forEach((mixer, results) -> scores.put(mixer, Spread.of(results, Distiller.NLL)));
        return new Outcome(page(rows, scores), StagesStudy.line(scores));
    }

    private static StudyPage page(Map<String, List<Result>> rows, Map<String, Spread> scores) {
        double teacher = rows.values().iterator().next().get(0).value(Distiller.TEACHER_NLL);
        String distance = Distiller.lastLoss(StageObjective.HIDDEN_STATE_ALIGNMENT);
        List<List<String>> cells = new ArrayList<>();
        rows.forEach((mixer, results) -> {
            Spread nll = Spread.of(results, Distiller.NLL);
            cells.add(List.of(
                    mixer,
                    results.get(0).values().containsKey(distance)
                            ? Spread.of(results, distance).toString()
                            : "–",
                    nll.toString(),
                    String.format(Locale.ROOT, "%.4f", nll.mean() - teacher)));
        });
        Table table = new Table(
                "The whole pipeline by mixer",
                String.format(
                        Locale.ROOT,
                        "Stage-2 distance: the mean loss of the stage's last ten steps, summed over layers. Negative"
                                + " log-likelihood of held-out tokens in nats per token; the teacher has %.4f. A mixer whose"
                                + " matrices cannot be compared with the teacher's does without stage 1.",
                        teacher),
                List.of("mixer", "stage-2 distance", "nll", "above the teacher"),
                cells);
        List<Spread> own = List.copyOf(scores.values());
        return new StudyPage(
                "What the structure of the mixing matrix is worth",
                List.of(),
                List.of(table, PaperFigures.structures()),
                List.of(Plot.bars(
                        "How far each student ends above its teacher",
                        "nats per token above the teacher",
                        List.copyOf(scores.keySet()),
                        List.of(new Plot.Series(
                                "student",
                                new double[own.size()],
                                Spread.each(own, spread -> spread.mean() - teacher),
                                Spread.each(own, Spread::deviation),
                                true)))),
                Map.of());
    }
}
