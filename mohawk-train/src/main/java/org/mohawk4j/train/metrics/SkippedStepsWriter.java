package org.mohawk4j.train.metrics;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.Closeable;
import java.io.IOException;
import java.nio.file.Path;
import org.mohawk4j.io.JsonLinesWriter;

/** Writes {@link SkippedStep}s as JSON lines. The file appears with the first of them. */
public final class SkippedStepsWriter implements Closeable {
    private final JsonLinesWriter lines;

    private SkippedStepsWriter(JsonLinesWriter lines) {
        this.lines = lines;
    }

    /**
     * Goes on after a file's first bytes; what follows them is cut off.
     *
     * @param length how many bytes stay; 0 makes a file that is missing
     */
    public static SkippedStepsWriter continued(Path file, long length) throws IOException {
        return new SkippedStepsWriter(JsonLinesWriter.continued(file, length));
    }

    /** Writes a line. */
    public void write(SkippedStep fault) {
        ObjectNode line = JsonNodeFactory.instance.objectNode();
        line.put("stage", fault.stage()).put("step", fault.step());
        line.put("reason", fault.reason()).put("action", fault.action());
        line.set("loss", MetricsWriter.number(fault.loss()));
        line.set("gradient_norm", MetricsWriter.number(fault.gradientNorm()));
        line.put("batch", fault.batch());
        lines.write(line.toString());
    }

    /** Bytes written so far. */
    public long length() {
        return lines.length();
    }

    @Override
    public void close() throws IOException {
        lines.close();
    }
}
