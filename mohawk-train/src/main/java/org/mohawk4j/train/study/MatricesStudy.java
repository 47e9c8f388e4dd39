package org.mohawk4j.train.study;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.mohawk4j.InvalidInputException;
import org.mohawk4j.data.TokenBatch;
import org.mohawk4j.data.TokenWindows;
import org.mohawk4j.models.Block;
import org.mohawk4j.models.CausalLm;
import org.mohawk4j.tensor.Engine;
import org.mohawk4j.tensor.Scope;
import org.mohawk4j.tensor.Tensor;
import org.mohawk4j.train.report.Plot;
import org.mohawk4j.train.study.fit.Fits;
import org.mohawk4j.train.study.fit.Lower;
import org.mohawk4j.train.study.page.StudyPage;
import org.mohawk4j.train.study.page.Table;

/**
 * How well structured matrices approximate the teacher's attention (MOHAWK, arXiv 2408.10189, Table 3): Toeplitz, causal
 * low rank, scalar decay (SSD) and general semiseparable matrices, for each layer, head and sample of the held-out text.
 */
public final class MatricesStudy implements Study {
    private static final String TOEPLITZ = "toeplitz";
    private static final List<String> BY_SIZE = List.of("low_rank", "ssd", "semiseparable");
    private static final int SMALLEST_CONTEXT = 16;

    private final List<Integer> sizes;
    private final int samples;

    /**
     * @param sizes N, ascending; empty: T/32, T/16 and T/8, as the paper's 16, 32 and 64 of 512
     * @param samples windows of text
     */
    public MatricesStudy(List<Integer> sizes, int samples) {
        this.sizes = List.copyOf(sizes);
        this.samples = samples;
        for (int i = 0; i < sizes.size(); i++) {
            if (sizes.get(i) < 1 || (i > 0 && sizes.get(i) <= sizes.get(i - 1))) {
                throw new InvalidInputException("state-sizes: expected ascending whole numbers from 1, got " + sizes);
            }
        }
        if (samples < 1) {
            throw new InvalidInputException("samples: expected a whole number of at least 1, got " + samples);
        }
    }

    @Override
    public String name() {
        return "matrices";
    }

    @Override
    public void check(Lab lab) {
        StagesStudy.requireAttention(lab);
        int time = lab.config().training().context();
        if (time < SMALLEST_CONTEXT || time > lab.dimensions().maxPositions()) {
            throw new InvalidInputException("context: expected " + SMALLEST_CONTEXT + " to "
                    + lab.dimensions().maxPositions() + ", the teacher's positions, got " + time);
        }
        int largest = sizes(lab).get(sizes(lab).size() - 1);
        if (4 * largest >= time) {
            throw new InvalidInputException("state-sizes: expected numbers below a quarter of context " + time
                    + ", from where on a matrix has little left to approximate, got " + largest);
        }
    }

    @Override
    public void check(Lab lab, Bench bench) {
        TokenWindows windows = bench.heldOut(lab.config().training().context());
        if (windows.count() < samples) {
            throw new InvalidInputException("samples: expected at most the " + windows.count() + " windows of context "
                    + windows.context() + " in the held-out text, got " + samples);
        }
    }

    private List<Integer> sizes(Lab lab) {
        int time = lab.config().training().context();
        return sizes.isEmpty()
                ? IntStream.of(time / 32, time / 16, time / 8)
                        .filter(size -> size > 0)
                        .distinct()
                        .boxed()
                        .toList()
                : sizes;
    }

    /** The name of a value: of which head, structure and state size. */
    private static String key(int head, String structure, int size) {
        return "head" + head + "." + structure + (size == 0 ? "" : "." + size);
    }

    @Override
    public Outcome run(Lab lab) {
        int layers = lab.dimensions().layers();
        lab.expect(samples * layers);
        List<List<Result>> byLayer = new ArrayList<>();
        for (int layer = 0; layer < layers; layer++) {
            byLayer.add(new ArrayList<>());
        }
        for (int sample = 0; sample < samples; sample++) {
            for (int layer = 0; layer < layers; layer++) {
                int window = sample;
                int index = layer;
                byLayer.get(layer)
                        .add(lab.measure(
                                "layer" + layer + ".sample" + sample,
                                Map.of("layer", layer, "sample", sample, "state-sizes", sizes(lab)),
                                lab.config(),
                                (bench, work) -> fit(lab, bench, window, index)));
            }
        }
        List<Summary> summaries = summaries(lab, byLayer);
        return new Outcome(page(lab, summaries), line(summaries));
    }

    /** All heads of a layer on one window, which is taken from equal parts of the held-out text. */
    private Map<String, Double> fit(Lab lab, Bench bench, int sample, int layer) {
        TokenWindows windows = bench.heldOut(lab.config().training().context());
        TokenBatch window = windows.batch(sample * (windows.count() / samples), 1);
        double[] values = attention(bench, window, layer);
        int time = windows.context();
        int heads = values.length / (time * time);
        List<Integer> measured = sizes(lab);
        List<Fits.Distances> fits = IntStream.range(0, heads)
                .parallel()
                .mapToObj(head -> Fits.of(Lower.of(values, head, time), measured, head))
                .toList();
        Map<String, Double> found = new LinkedHashMap<>();
        for (int head = 0; head < heads; head++) {
            Fits.Distances distances = fits.get(head);
            found.put(key(head, "norm", 0), distances.norm());
            found.put(key(head, TOEPLITZ, 0), distances.toeplitz());
            for (int i = 0; i < measured.size(); i++) {
                found.put(
                        key(head, "low_rank", measured.get(i)),
                        distances.lowRank().get(i));
                found.put(key(head, "ssd", measured.get(i)), distances.ssd().get(i));
                found.put(
                        key(head, "semiseparable", measured.get(i)),
                        distances.semiseparable().get(i));
            }
        }
        return found;
    }

    /** The matrices of a layer's heads, one behind the other. */
    private static double[] attention(Bench bench, TokenBatch window, int layer) {
        CausalLm teacher = bench.teacher();
        Engine engine = bench.engine();
        try (Scope scope = engine.scope()) {
            Tensor h = scope.adopt(teacher.embed(engine.indices(window.inputs(), 1, window.context())));
            for (int i = 0; i < layer; i++) {
                h = teacher.blocks().get(i).forward(h);
            }
            Block block = teacher.blocks().get(layer);
            return block.mixer().matrix(block.mixerInput(h)).materialize().toDoubles();
        }
    }

    /**
     * A structure with a state size.
     *
     * @param size 0: it has none
     * @param relative distances over the matrices' norms, one for each layer, head and sample
     */
    private record Summary(
            String structure, int size, List<Double> absolute, List<Double> relative, List<Double> ofLayers) {
        double mean() {
            return Spread.of(relative).mean();
        }
    }

    private List<Summary> summaries(Lab lab, List<List<Result>> byLayer) {
        List<Summary> summaries = new ArrayList<>();
        summaries.add(summary(TOEPLITZ, 0, byLayer));
        for (int size : sizes(lab)) {
            BY_SIZE.forEach(structure -> summaries.add(summary(structure, size, byLayer)));
        }
        return summaries;
    }

    private static Summary summary(String structure, int size, List<List<Result>> byLayer) {
        List<Double> absolute = new ArrayList<>();
        List<Double> relative = new ArrayList<>();
        List<Double> ofLayers = new ArrayList<>();
        for (List<Result> results : byLayer) {
            List<Double> ofLayer = new ArrayList<>();
            for (Result result : results) {
                for (int head = 0; result.values().containsKey(key(head, "norm", 0)); head++) {
                    double distance = result.value(key(head, structure, size));
                    absolute.add(distance);
                    ofLayer.add(distance / result.value(key(head, "norm", 0)));
                }
            }
            relative.addAll(ofLayer);
            ofLayers.add(Spread.of(ofLayer).mean());
        }
        return new Summary(structure, size, absolute, relative, ofLayers);
    }

    /** The mean relative distance at the largest state size. */
    private static String line(List<Summary> summaries) {
        Map<String, Double> last = new LinkedHashMap<>();
        summaries.forEach(summary -> last.put(summary.structure(), summary.mean()));
        return last.entrySet().stream()
                .map(entry -> String.format(Locale.ROOT, "%s=%.6f", entry.getKey(), entry.getValue()))
                .collect(Collectors.joining(" "));
    }

    private StudyPage page(Lab lab, List<Summary> summaries) {
        List<String> columns = new ArrayList<>(List.of("structure", "state size", "absolute", "relative"));
        IntStream.range(0, lab.dimensions().layers()).forEach(layer -> columns.add("layer " + layer));
        List<List<String>> rows = new ArrayList<>();
        for (Summary summary : summaries) {
            List<String> row = new ArrayList<>(List.of(
                    summary.structure().replace('_', ' '),
                    summary.size() == 0 ? "–" : String.valueOf(summary.size()),
                    Spread.of(summary.absolute()).toString(),
                    Spread.of(summary.relative()).toString()));
            summary.ofLayers().forEach(mean -> row.add(String.format(Locale.ROOT, "%.4f", mean)));
            rows.add(row);
        }
        Table table = new Table(
                "Frobenius distance to the teacher's attention matrices",
                "Mean and standard deviation over layers, heads and samples; relative to the norm of each matrix; the mean"
                        + " relative distance by layer. Each head of each sample is in results.jsonl. Toeplitz is exact."
                        + " Causal low rank and SSD are the best of several alternating least squares, so their distances"
                        + " are upper bounds. Semiseparable is the better of a balanced truncation, refitted, and SSD."
                        + " A decay that is never 0 can be moved into the factors: in exact arithmetic SSD has no smaller"
                        + " distance than causal low rank but by resets. What it has beside is better conditioned factors,"
                        + " which gradient descent depends on and least squares hardly.",
                columns,
                rows);
        List<Plot.Series> series = new ArrayList<>();
        for (String structure : BY_SIZE) {
            List<Summary> own = summaries.stream()
                    .filter(summary -> summary.structure().equals(structure))
                    .toList();
            List<Spread> spreads =
                    own.stream().map(summary -> Spread.of(summary.relative())).toList();
            series.add(new Plot.Series(
                    structure.replace('_', ' '),
                    own.stream().mapToDouble(Summary::size).toArray(),
                    Spread.each(spreads, Spread::mean),
                    Spread.each(spreads, Spread::deviation),
                    true));
        }
        return new StudyPage(
                "How well structured matrices approximate attention",
                List.of(),
                List.of(table, PaperFigures.matrices()),
                List.of(Plot.lines(
                        "Relative distance by state size", "state size N", "relative distance", false, series)),
                Map.of());
    }
}
