package org.mohawk4j.train.statistics;

import java.io.BufferedWriter;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.mohawk4j.io.InputFile;
import org.mohawk4j.models.CausalLm;
import org.mohawk4j.nn.Parameter;
import org.mohawk4j.tensor.Engine;
import org.mohawk4j.tensor.Scope;
import org.mohawk4j.tensor.Tensor;
import org.mohawk4j.train.loop.TrainingListener;
import org.mohawk4j.train.metrics.StepMetrics;

/**
 * Writes statistics of up to twenty steps of each stage, evenly spaced from the first and at least eight apart, and passes
 * everything on. The file is made with the first line, in a folder that is there by then. A run that goes on adds to what
 * there was at its checkpoint, to which the file was truncated on resuming, so that no step is in it twice.
 */
public final class StatisticsRecorder implements TrainingListener, AutoCloseable {
    private static final int RECORDS_PER_STAGE = 20;

    /** Steps from one record to the next at least: of a small model a record takes a tenth of a step's time. */
    private static final int LEAST_SPACING = 8;

    private static final int PROBE_TOKENS = 64;

    private final Path file;
    private final CausalLm student;
    private final int[] probe;
    private @Nullable BufferedWriter out;
    private int every = 1;
    private Map<String, Parameter> trained = Map.of();
    private Map<String, double[]> before = Map.of();
    private Map<String, Distribution> gradients = Map.of();

    /** @param text tokens on whose start activations are measured */
    public StatisticsRecorder(Path file, CausalLm student, int... text) {
        this.file = file;
        this.student = student;
        this.probe = Arrays.copyOf(text, Math.min(text.length, PROBE_TOKENS));
    }

    @Override
    public void onStageStart(int stage, int steps) {
        every = Math.max(LEAST_SPACING, (steps + RECORDS_PER_STAGE - 1) / RECORDS_PER_STAGE);
    }

    @Override
    public boolean readsGradients(int stage, int step) {
        return isRecorded(step);
    }

    @Override
    public void onGradientCalculation(
            int stage, int step, Map<String, Parameter> parameters, Map<String, Tensor> found) {
        if (isRecorded(step)) {
            trained = parameters;
            before = new LinkedHashMap<>();
            gradients = new LinkedHashMap<>();
            found.forEach((name, gradient) -> gradients.put(name, Distribution.of(TensorSample.of(gradient))));
            parameters.forEach((name, parameter) -> before.put(name, TensorSample.of(parameter.value())));
        }
    }

    /** By the step's number alone, so that a run that goes on records the same ones. */
    private boolean isRecorded(int step) {
        return (step - 1) % every == 0;
    }

    @Override
    public void iterationDone(StepMetrics metrics) {
        if (isRecorded(metrics.step()) && !metrics.isFaulty()) {
            Map<String, Distribution> parameters = new LinkedHashMap<>();
            Map<String, Distribution> updates = new LinkedHashMap<>();
            before.forEach((name, old) -> {
                Parameter parameter = trained.get(name);
                if (parameter != null) {
                    double[] now = TensorSample.of(parameter.value());
                    parameters.put(name, Distribution.of(now));
                    for (int i = 0; i < now.length; i++) {
                        old[i] = now[i] - old[i];
                    }
                    updates.put(name, Distribution.of(old));
                }
            });
            Runtime runtime = Runtime.getRuntime();
            write(new StepStatistics(
                    metrics.stage(),
                    metrics.step(),
                    runtime.totalMemory() - runtime.freeMemory(),
                    student.engine().backend().memory().reservedBytes(),
                    parameters,
                    gradients,
                    updates,
                    activations()));
        }
    }

    private Map<String, Distribution> activations() {
        Map<String, Distribution> found = new LinkedHashMap<>();
        Engine engine = student.engine();
        try (Scope scope = engine.scope()) {
            Tensor h = student.embed(engine.indices(probe, 1, probe.length));
            for (int i = 0; i < student.blocks().size(); i++) {
                h = student.blocks().get(i).forward(h);
                found.put("layers." + i, Distribution.of(TensorSample.of(h)));
            }
        }
        return found;
    }

    private void write(StepStatistics statistics) {
        try {
            BufferedWriter open = out;
            if (open == null) {
                boolean begun = endAtALine();
                open = Files.newBufferedWriter(
                        file, StandardCharsets.UTF_8, StandardOpenOption.CREATE, StandardOpenOption.APPEND);
                out = open;
                if (!begun) {
                    line(open, RunDescription.of(student));
                }
            }
            line(open, statistics);
        } catch (IOException e) {
            throw InputFile.unwritable(file, e);
        }
    }

    /**
     * Cuts off a line that a killed run has left half-written.
     *
     * @return whether whole lines remain
     */
    private boolean endAtALine() throws IOException {
        if (!Files.exists(file)) {
            return false;
        }
        byte[] bytes = Files.readAllBytes(file);
        int length = bytes.length;
        while (length > 0 && bytes[length - 1] != '\n') {
            length--;
        }
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE)) {
            channel.truncate(length);
        }
        return length > 0;
    }

    private static void line(BufferedWriter out, Object line) throws IOException {
        out.write(StatisticsFile.format(line));
        out.write('\n');
        out.flush();
    }

    @Override
    public void close() {
        if (out != null) {
            try {
                out.close();
            } catch (IOException e) {
                throw InputFile.unwritable(file, e);
            }
        }
    }
}
