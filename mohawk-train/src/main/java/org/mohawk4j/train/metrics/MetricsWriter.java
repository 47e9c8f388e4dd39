package org.mohawk4j.train.metrics;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.DoubleNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.NullNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.Closeable;
import java.io.IOException;
import java.nio.file.Path;
import org.mohawk4j.io.JsonLinesWriter;

/**
 * Writes {@link StepMetrics} as JSON lines: one object a line, each line handed to the operating system before
 * {@link #write} returns, so that the file can be followed and survives the end of the process. Not for several threads
 * at once.
 */
public final class MetricsWriter implements Closeable {
    private static final ObjectMapper JSON = new ObjectMapper();

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
        lines.write(line(metrics).toString());
    }

    /** Bytes written so far, those before included. */
    public long length() {
        return lines.length();
    }

    /** Cuts off what follows the first bytes. */
    public void truncate(long bytes) throws IOException {
        lines.truncate(bytes);
    }

    private static ObjectNode line(StepMetrics metrics) {
        ObjectNode line = JsonNodeFactory.instance.objectNode();
        line.put(StepMetrics.STAGE, metrics.stage());
        line.put(StepMetrics.STEP, metrics.step());
        line.put(StepMetrics.TOKENS, metrics.tokens());
        line.set(StepMetrics.LOSS, number(metrics.loss()));
        if (!metrics.layerLosses().isEmpty()) {
            ArrayNode losses = line.putArray(StepMetrics.LAYER_LOSSES);
            metrics.layerLosses().forEach(loss -> losses.add(number(loss)));
        }
        line.set(StepMetrics.LEARNING_RATE, number(metrics.learningRate()));
        line.set(StepMetrics.GRADIENT_NORM, number(metrics.gradientNorm()));
        line.set(StepMetrics.TOKENS_PER_SECOND, number(metrics.tokensPerSecond()));
        line.set(StepMetrics.SECONDS, number(metrics.seconds()));
        metrics.extra()
                .forEach((name, value) -> line.set(
                        name,
                        value instanceof Double || value instanceof Float
                                ? number(((Number) value).doubleValue())
                                : JSON.valueToTree(value)));
        return line;
    }

    /** JSON has no number that is not finite. */
    static JsonNode number(double value) {
        return Double.isFinite(value) ? DoubleNode.valueOf(value) : NullNode.instance;
    }

    @Override
    public void close() throws IOException {
        lines.close();
    }
}
