package org.mohawk4j.train.metrics;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import java.io.Closeable;
import java.io.IOException;
import java.io.StringWriter;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.mohawk4j.io.JsonLinesWriter;

/**
 * Writes {@link StepMetrics} as JSON lines: one object a line, each line handed to the operating system before
 * {@link #write} returns, so that the file can be followed and survives the end of the process. Not for several threads
 * at once.
 */
public final class MetricsWriter implements Closeable {
    private final JsonFactory json = new JsonFactory();
    private final JsonLinesWriter lines;

    /** @param file a file that does not exist yet */
    public MetricsWriter(Path file) throws IOException {
        this(JsonLinesWriter.create(file));
    }

    private MetricsWriter(JsonLinesWriter lines) {
        this.lines = lines;
    }

    /**
     * Goes on after a file's first bytes; what follows them is cut off.
     *
     * @param length how many bytes stay; 0 makes a file that is missing
     */
    public static MetricsWriter continued(Path file, long length) throws IOException {
        return new MetricsWriter(JsonLinesWriter.continued(file, length));
    }

    /** Writes a line. */
    public void write(StepMetrics metrics) {
        try {
            lines.write(line(metrics));
        } catch (IOException e) {
            throw new UncheckedIOException("writing to memory failed", e);
        }
    }

    /** Bytes written so far, those before included. */
    public long length() {
        return lines.length();
    }

    /** Cuts off what follows the first bytes. */
    public void truncate(long bytes) throws IOException {
        lines.truncate(bytes);
    }

    private String line(StepMetrics metrics) throws IOException {
        StringWriter line = new StringWriter();
        try (JsonGenerator to = json.createGenerator(line)) {
            to.writeStartObject();
            to.writeNumberField(StepMetrics.STAGE, metrics.stage());
            to.writeNumberField(StepMetrics.STEP, metrics.step());
            to.writeNumberField(StepMetrics.TOKENS, metrics.tokens());
            number(to, StepMetrics.LOSS, metrics.loss());
            if (!metrics.layerLosses().isEmpty()) {
                to.writeArrayFieldStart(StepMetrics.LAYER_LOSSES);
                for (double loss : metrics.layerLosses()) {
                    value(to, loss);
                }
                to.writeEndArray();
            }
            number(to, StepMetrics.LEARNING_RATE, metrics.learningRate());
            number(to, StepMetrics.GRADIENT_NORM, metrics.gradientNorm());
            number(to, StepMetrics.TOKENS_PER_SECOND, metrics.tokensPerSecond());
            number(to, StepMetrics.SECONDS, metrics.seconds());
            for (Map.Entry<String, Object> entry : metrics.extra().entrySet()) {
                to.writeFieldName(entry.getKey());
                if (entry.getValue() instanceof Double || entry.getValue() instanceof Float) {
                    value(to, ((Number) entry.getValue()).doubleValue());
                } else if (entry.getValue() instanceof List<?> list) {
                    to.writeStartArray();
                    for (Object element : list) {
                        to.writeObject(element);
                    }
                    to.writeEndArray();
                } else {
                    to.writeObject(entry.getValue());
                }
            }
            to.writeEndObject();
        }
        return line.toString();
    }

    private static void number(JsonGenerator to, String name, double value) throws IOException {
        to.writeFieldName(name);
        value(to, value);
    }

    private static void value(JsonGenerator to, double value) throws IOException {
        if (Double.isFinite(value)) {
            to.writeNumber(value);
        } else {
            to.writeNull();
        }
    }

    @Override
    public void close() throws IOException {
        lines.close();
    }
}
