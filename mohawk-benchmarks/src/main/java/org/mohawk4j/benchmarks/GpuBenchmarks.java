package org.mohawk4j.benchmarks;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import org.mohawk4j.InvalidInputException;

/**
 * The table of a GPU's measurements, a line of JSON for each row: what the chip itself can do (copying, one large
 * product), the kernels, the stages and generation at Phi-1.5's shapes and at those of Llama 3.2 1B, prompts read by the
 * latter, where the time of a step goes. Shares are of what the chip did in the same run.
 *
 * <p>Arguments: the rows to measure, by the start of their names, all of them if there is none.
 */
public final class GpuBenchmarks {
    private static final int CONTEXT = 2048;
    private static final int LONG_CONTEXT = 16_384;

    private GpuBenchmarks() {}

    /** One row: measures it against the chip's own speed. */
    private interface Row {
        Measurement measure(Chip chip);
    }

    public static void main(String[] args) {
        Map<String, Row> rows = rows();
        Set<String> chosen = new TreeSet<>();
        for (String arg : args) {
            List<String> fitting =
                    rows.keySet().stream().filter(name -> name.startsWith(arg)).toList();
            if (fitting.isEmpty()) {
                throw new InvalidInputException("row: expected the start of one of " + rows.keySet() + ", got " + arg);
            }
            chosen.addAll(fitting);
        }
        Chip chip = Chip.measure();
        System.out.println(chip.toJson());
        rows.forEach((name, row) -> {
            if (chosen.isEmpty() || chosen.contains(name)) {
                System.out.println(row.measure(chip).toJson());
            }
        });
    }

    private static Map<String, Row> rows() {
        Map<String, Row> rows = new LinkedHashMap<>();
        rows.put(
                "semiseparable-forward",
                chip -> KernelTrial.semiseparable(false).measure(chip));
        rows.put(
                "semiseparable-backward",
                chip -> KernelTrial.semiseparable(true).measure(chip));
        rows.put("attention-forward", chip -> KernelTrial.attention(false).measure(chip));
        rows.put("attention-backward", chip -> KernelTrial.attention(true).measure(chip));
        rows.put("frobenius-forward", chip -> KernelTrial.frobenius(false).measure(chip));
        rows.put("frobenius-backward", chip -> KernelTrial.frobenius(true).measure(chip));
        for (int batch : new int[] {1, 2, 4}) {
            stage(rows, "", ModelShape.PHI, 1, batch, CONTEXT);
        }
        stage(rows, "", ModelShape.PHI, 1, 1, LONG_CONTEXT);
        stage(rows, "", ModelShape.PHI, 2, 8, CONTEXT);
        stage(rows, "", ModelShape.PHI, 2, 16, CONTEXT);
        stage(rows, "", ModelShape.PHI, 3, 4, CONTEXT);
        stage(rows, "", ModelShape.PHI, 3, 8, CONTEXT);
        for (int batch : new int[] {1, 4, 8, 64}) {
            rows.put("generation-" + batch, chip -> GenerationThroughput.measure(chip, ModelShape.PHI, batch));
        }
        llama(rows);
        return rows;
    }

    private static void llama(Map<String, Row> rows) {
        ModelShape shape = ModelShape.LLAMA_1B;
        String prefix = shape.label() + "-";
        for (int stage = 1; stage <= 3; stage++) {
            stage(rows, prefix, shape, stage, 8, CONTEXT);
        }
        rows.put(prefix + "kernels", chip -> new StageThroughput(shape, 3, 8, CONTEXT).profile());
        for (int batch : new int[] {1, 8}) {
            rows.put(prefix + "generation-" + batch, chip -> GenerationThroughput.measure(chip, shape, batch));
            rows.put(
                    prefix + "prefill-" + batch + "x" + CONTEXT,
                    chip -> PrefillThroughput.measure(chip, shape, batch, CONTEXT));
        }
    }

    private static void stage(
            Map<String, Row> rows, String prefix, ModelShape shape, int stage, int batch, int context) {
        StageThroughput trial = new StageThroughput(shape, stage, batch, context);
        rows.put(prefix + "stage" + stage + "-" + batch + "x" + context, trial::measure);
    }
}
