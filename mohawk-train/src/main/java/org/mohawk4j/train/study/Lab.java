package org.mohawk4j.train.study;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.mohawk4j.models.CausalLmConfig;
import org.mohawk4j.train.config.DistillConfig;
import org.mohawk4j.train.console.ConsoleProgress;
import org.mohawk4j.train.loop.TrainingListener;
import org.mohawk4j.train.report.Numbers;
import org.mohawk4j.train.yaml.ConfigMapper;

/**
 * Where a study takes its measurements: those that its folder holds are not repeated. Teacher and texts are loaded for
 * the first one that is missing.
 */
public final class Lab implements AutoCloseable {
    private final Study study;
    private final StudySettings settings;
    private final StudyFolder folder;
    private final Path teacherFolder;
    private final CausalLmConfig dimensions;
    private final PrintWriter out;
    private final long startedAt = System.nanoTime();
    private @Nullable Bench bench;
    private @Nullable ConsoleProgress progress;
    private int total;
    private int done;
    private int taken;

    Lab(
            Study study,
            StudySettings settings,
            StudyFolder folder,
            Path teacherFolder,
            CausalLmConfig dimensions,
            PrintWriter out) {
        this.study = study;
        this.settings = settings;
        this.folder = folder;
        this.teacherFolder = teacherFolder;
        this.dimensions = dimensions;
        this.out = out;
    }

    /** Takes one measurement. */
    @FunctionalInterface
    public interface Measurement {
        /** @param work a folder of its own, perhaps left by an attempt that was ended, or not there yet */
        Map<String, Double> take(Bench bench, Path work);
    }

    public StudySettings settings() {
        return settings;
    }

    public DistillConfig config() {
        return settings.config();
    }

    /** Of the teacher. */
    public CausalLmConfig dimensions() {
        return dimensions;
    }

    /** The folder where a measurement's work lies, for one that another still needs. */
    public Path work(String id) {
        return folder.work(id);
    }

    /** Drops what a measurement kept for others. */
    public void dropWork(String id) {
        folder.dropWork(id);
    }

    /** Says how many measurements the study takes. */
    public void expect(int measurements) {
        total = measurements;
    }

    /**
     * A result, measured unless it is known.
     *
     * @param id unique in the study, fit for a folder's name
     * @param row what tells this measurement from the others
     * @param config of its run
     */
    public Result measure(String id, Map<String, ?> row, DistillConfig config, Measurement work) {
        Optional<Result> known = folder.result(id);
        if (known.isPresent()) {
            done++;
            return known.get();
        }
        Bench ready = bench();
        folder.begin();
        advance(id);
        long start = System.nanoTime();
        Map<String, Double> values = work.take(ready, folder.work(id));
        ObjectNode configuration = ConfigMapper.empty();
        row.forEach((key, value) -> configuration.set(key, ConfigMapper.node(value)));
        configuration.set("run", ConfigMapper.tree(config));
        Result result = new Result(id, configuration, values, (System.nanoTime() - start) / 1e9);
        folder.add(result);
        done++;
        taken++;
        advance(id);
        return result;
    }

    private Bench bench() {
        Bench ready = bench;
        if (ready == null) {
            ready = Bench.open(settings.config(), teacherFolder, new Facts());
            bench = ready;
            ready.heldOut(settings.config().training().context());
            study.check(this, ready);
        }
        return ready;
    }

    private void advance(String id) {
        if (progress == null) {
            progress = ConsoleProgress.start(out, study.name(), Math.max(total, 1));
        }
        double seconds = (System.nanoTime() - startedAt) / 1e9;
        String left =
                taken == 0 ? id : id + ", time left " + Numbers.duration(seconds / taken * Math.max(0, total - done));
        progress.advance(Math.min(done, total), left);
    }

    /** What a study reads and computes on, for its page. */
    Map<String, String> facts() {
        Map<String, String> facts = new LinkedHashMap<>();
        DistillConfig config = settings.config();
        facts.put("teacher", config.files().teacher().map(Path::toString).orElse("the tiny one that is shipped"));
        facts.put("text", config.files().text().map(String::valueOf).orElse("written by the teacher"));
        facts.put("held-out text", config.files().valid().map(String::valueOf).orElse("the end of the text"));
        facts.put("tokens of a run", Numbers.whole((double) config.training().tokens()));
        facts.put("context", String.valueOf(config.training().context()));
        facts.put("batch", String.valueOf(config.training().batch()));
        facts.put("seeds", String.valueOf(settings.seeds()));
        settings.options().forEach(facts::put);
        return facts;
    }

    /** A sentence for each page. */
    List<String> notes() {
        return Stream.of(settings.quick())
                .filter(quick -> quick)
                .map(quick ->
                        "This is a quick run: it shows the machinery. Its budgets are far too small, and its seeds"
                                + " too few, for a difference between two rows to be significant.")
                .toList();
    }

    private final class Facts implements TrainingListener {
        @Override
        public void onFact(String subject, String fact) {
            out.printf("%-9s %s%n", subject, fact);
            out.flush();
        }
    }

    @Override
    public void close() {
        if (progress != null) {
            progress.close();
        }
        if (bench != null) {
            bench.close();
        }
    }
}
