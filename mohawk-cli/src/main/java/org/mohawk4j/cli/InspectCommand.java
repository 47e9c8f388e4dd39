package org.mohawk4j.cli;

import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.text.NumberFormat;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.mohawk4j.io.InputFile;
import org.mohawk4j.safetensors.SafetensorsFile;
import org.mohawk4j.safetensors.TensorInfo;
import org.mohawk4j.safetensors.TensorSource;
import org.mohawk4j.tensor.types.Shape;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Lists the tensors of a file or model folder, and says what model it is. Reads headers alone. */
@Command(
        name = "inspect",
        description =
                "Lists the tensors of a safetensors file or a model folder. For a folder it also prints the model,"
                        + " its default student, and what is unsupported.")
final class InspectCommand implements Runnable {
    private static final int SHOWN_DIMENSIONS = 8;
    private static final int DTYPE_WIDTH = 9;
    private static final int SHAPE_WIDTH = 21;
    private static final int SIZE_WIDTH = 15;

    @Spec
    private CommandSpec spec;

    @Parameters(
            paramLabel = "FILE_OR_DIR",
            description = "a .safetensors file, or a folder with config.json and weights")
    @SuppressWarnings("NullAway.Init") // picocli refuses the command line without it
    private Path path;

    @Override
    public void run() {
        PrintWriter out = spec.commandLine().getOut();
        try (TensorSource source = TensorSource.open(path)) {
            if (Files.exists(path.resolve("config.json"), LinkOption.NOFOLLOW_LINKS)) {
                ModelDescription.print(path, out);
            }
            if (source instanceof SafetensorsFile file) {
                listMetadata(file.metadata(), out);
            }
            listTensors(source, out);
        }
    }

    private static void listMetadata(Map<String, String> metadata, PrintWriter out) {
        Listing lines = new Listing(out);
        metadata.forEach((key, value) -> lines.text("metadata  ")
                .text(InputFile.quote(key))
                .text(": ")
                .text(InputFile.quote(value))
                .end());
        lines.print();
    }

    /** A header can declare half a million tensors: lines are put together by hand and printed many at a time. */
    private record Listing(PrintWriter out, StringBuilder lines) {
        private static final int PRINTED_AT_ONCE = 1 << 16;

        Listing(PrintWriter out) {
            this(out, new StringBuilder());
        }

        Listing text(String text) {
            lines.append(text);
            return this;
        }

        /** At least one space. */
        Listing pad(int spaces) {
            return text(" ".repeat(Math.max(1, spaces)));
        }

        void end() {
            lines.append(System.lineSeparator());
            if (lines.length() > PRINTED_AT_ONCE) {
                print();
            }
        }

        void print() {
            out.append(lines);
            lines.setLength(0);
        }
    }

    private static void listTensors(TensorSource source, PrintWriter out) {
        NumberFormat grouped = NumberFormat.getIntegerInstance(Locale.ROOT);
        Listing lines = new Listing(out);
        long elements = 0;
        long bytes = 0;
        List<String> names = source.names();
        for (String name : names) {
            TensorInfo info = source.info(name);
            elements += info.shape().size();
            bytes += info.byteLength();
            String size = grouped.format(info.byteLength());
            String dtype = info.dtype().name();
            String shape = show(info.shape());
            lines.text(dtype)
                    .pad(DTYPE_WIDTH - dtype.length())
                    .text(shape)
                    .pad(SHAPE_WIDTH - shape.length())
                    .pad(SIZE_WIDTH - size.length())
                    .text(size)
                    .text(" bytes  ")
                    .text(show(name))
                    .end();
        }
        lines.print();
        out.printf(Locale.ROOT, "total     %,d tensors, %,d parameters, %,d bytes%n", names.size(), elements, bytes);
    }

    private static String show(Shape shape) {
        StringBuilder text = new StringBuilder("[");
        for (int i = 0; i < Math.min(shape.rank(), SHOWN_DIMENSIONS); i++) {
            text.append(i == 0 ? "" : ",").append(shape.dim(i));
        }
        if (shape.rank() > SHOWN_DIMENSIONS) {
            text.append(",… rank ").append(shape.rank());
        }
        return text.append(']').toString();
    }

    /** Plain names as they are, others in quotes with escapes. */
    private static String show(String name) {
        String quoted = InputFile.quote(name);
        String inner = quoted.substring(1, quoted.length() - 1);
        return inner.equals(name) && !name.isEmpty() && name.indexOf(' ') < 0 ? name : quoted;
    }
}
