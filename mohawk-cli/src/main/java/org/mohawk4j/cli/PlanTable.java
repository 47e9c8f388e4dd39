package org.mohawk4j.cli;

import java.io.PrintWriter;
import java.util.Locale;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.function.Function;
import org.mohawk4j.train.plan.ByteSize;
import org.mohawk4j.train.plan.MemoryPart;
import org.mohawk4j.train.plan.PlannedGpu;
import org.mohawk4j.train.plan.RunPlan;
import org.mohawk4j.train.plan.Sharding;
import org.mohawk4j.train.plan.StageEstimate;

/**
 * A plan as {@code ./mohawk plan} prints it: a column for each stage, and a last line for scripts.
 *
 * @param gpus how many share each batch
 * @param other what the run would be with the other parallelism of stages 1 and 2; nothing if there is none
 */
record PlanTable(RunPlan plan, PlannedGpu gpu, int gpus, Optional<String> other) {
    private static final String UNKNOWN = "unknown";

    void print(PrintWriter out) {
        line(out, "teacher     %,d parameters", plan.teacherParameters());
        line(out, "student     %,d parameters", plan.studentParameters());
        line(
                out,
                "device      %d × %s with %s%s",
                gpus,
                gpu.model().name(),
                ByteSize.show(gpu.model().memoryBytes()),
                gpus == 1 ? "" : ", " + plan.sharding().label());
        row(out, "", stage -> "stage " + stage.stage().number());
        if (plan.stages().stream().anyMatch(StageEstimate::dividesLayers)) {
            row(out, "parallelism", stage -> stage.dividesLayers() ? "layer" : "data");
        }
        row(out, "batch", stage -> stage.stage().batch() + "x" + stage.stage().context());
        for (MemoryPart part : MemoryPart.values()) {
            if (plan.stages().stream().anyMatch(stage -> stage.memory().containsKey(part))) {
                row(out, part.label(), stage -> ByteSize.show(stage.memory().getOrDefault(part, 0L)));
            }
        }
        row(out, "peak", stage -> ByteSize.show(stage.peakBytes()));
        row(out, "tokens", stage -> String.format(Locale.ROOT, "%,d", stage.tokens()));
        row(out, "tokens/s", stage -> number("%,.0f", stage.tokensPerSecond()));
        row(out, "hours", stage -> number("%,.2f", stage.hours()));
        if (plan.hours().isEmpty()) {
            line(
                    out,
                    "speed       rates were measured with --dtype bf16 and without --top-k only; for others, give"
                            + " --tokens-per-second");
        }
        RunPlan.Disk disk = plan.disk();
        line(
                out,
                "disk        student %s, checkpoints at most %d of %s%s",
                ByteSize.show(disk.student()),
                disk.checkpoints(),
                ByteSize.show(disk.checkpoint()),
                disk.cache()
                        .map(bytes -> ", teacher cache at most " + ByteSize.show(bytes))
                        .orElse(""));
        other.ifPresent(words -> line(out, "%s", "instead     " + words));
        if (!plan.fits()) {
            for (RunPlan.Change change : plan.changes()) {
                line(out, "fits with   %s: %s", options(change), ByteSize.show(change.peakBytes()));
            }
            if (plan.changes().isEmpty()) {
                line(out, "fits with   a smaller batch or context, or a smaller teacher");
            }
        }
        line(
                out,
                "fits=%b peak_memory_bytes=%d tokens_per_second=%s hours=%s",
                plan.fits(),
                plan.peakBytes(),
                number("%.0f", plan.tokensPerSecond()),
                number("%.4f", plan.hours()));
    }

    /** As on the command line, and what becomes of the batch and of parameters then. */
    private String options(RunPlan.Change change) {
        StringBuilder words = new StringBuilder();
        change.recompute().ifPresent(on -> words.append(" --recompute"));
        change.accumulate().ifPresent(parts -> words.append(" --accumulate ").append(parts));
        change.devices()
                .ifPresent(count -> words.append(" --gpus ")
                        .append(count)
                        .append(" and ")
                        .append(count / gpus)
                        .append(" times the batch"));
        if (change.sharding() != Sharding.NONE) {
            words.append(", ").append(change.sharding().label());
        }
        return words.toString().strip();
    }

    private void row(PrintWriter out, String name, Function<StageEstimate, String> cell) {
        StringBuilder line = new StringBuilder(String.format(Locale.ROOT, "%-14s", name));
        plan.stages().forEach(stage -> line.append(String.format(Locale.ROOT, "%16s", cell.apply(stage))));
        out.println(line);
    }

    /** A whole plan in some words. */
    static String summary(RunPlan plan) {
        return "peak " + ByteSize.show(plan.peakBytes()) + ", " + number("%,.0f", plan.tokensPerSecond()) + " tokens/s";
    }

    private static String number(String format, OptionalDouble value) {
        return value.isPresent() ? String.format(Locale.ROOT, format, value.getAsDouble()) : UNKNOWN;
    }

    private static void line(PrintWriter out, String format, Object... values) {
        out.printf(Locale.ROOT, format + "%n", values);
    }
}
