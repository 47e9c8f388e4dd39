package org.mohawk4j.train.cache;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.List;
import java.util.function.Supplier;
import org.mohawk4j.InvalidInputException;
import org.mohawk4j.models.CausalLm;
import org.mohawk4j.op.loss.TopKLogits;
import org.mohawk4j.tensor.Tensor;
import org.mohawk4j.tensor.types.DType;
import org.mohawk4j.tensor.types.HostTensor;
import org.mohawk4j.tensor.types.Shape;
import org.mohawk4j.train.stage.TeacherTopK;

/**
 * The likeliest tokens of a teacher's distributions in a file, by window: computed and written where a window is met for
 * the first time, read wherever it comes again, in whichever order or run.
 *
 * <p>A batch with windows that are not there is computed as a whole; of those that are there, what is in the file counts.
 * So a window has the same numbers from its first batch on, and a run that goes on after a kill those that it had.
 */
public final class TokenCache implements TeacherTopK {
    private final WindowFile file;
    private final TokenLayout layout;
    private final long most;

    private TokenCache(WindowFile file, TokenLayout layout, long windows) {
        this.file = file;
        this.layout = layout;
        this.most = file.size() + windows;
    }

    /**
     * What a file takes.
     *
     * @param k kept of each distribution
     * @param context T
     * @param windows that will be met
     */
    public static long predictBytes(CausalLm teacher, int k, int context, long windows) {
        return layout(teacher, k, 1, context, "").entryAt(windows);
    }

    /**
     * Opens a file, or makes it.
     *
     * @param k kept of each distribution
     * @param temperature of the distributions
     * @param context T
     * @param windows that are kept at most, beside those that are there
     * @throws InvalidInputException if the file holds something else, or another program uses it
     */
    public static TokenCache open(Path path, CausalLm teacher, int k, double temperature, int context, long windows) {
        TokenLayout layout = layout(teacher, k, temperature, context, TeacherIdentity.sha256(teacher));
        return new TokenCache(new WindowFile(path, layout), layout, windows);
    }

    private static TokenLayout layout(CausalLm teacher, int k, double temperature, int context, String fingerprint) {
        int vocabulary = Math.toIntExact(teacher.config().vocabulary());
        return new TokenLayout(vocabulary, k, temperature, context, fingerprint);
    }

    /** How many windows there are. */
    public int windows() {
        return file.size();
    }

    @Override
    public TopKLogits of(Tensor ids, Supplier<TopKLogits> compute) {
        if (ids.dim(1) != layout.context()) {
            return compute.get();
        }
        List<ByteBuffer> keys = WindowKeys.of(ids);
        if (file.countMissing(keys) > 0) {
            TopKLogits computed = compute.get();
            if (file.size() + file.countMissing(keys) > most) {
                return computed;
            }
            write(keys, computed);
        }
        return read(keys);
    }

    private void write(List<ByteBuffer> keys, TopKLogits computed) {
        for (int b = 0; b < keys.size(); b++) {
            if (file.find(keys.get(b)).isEmpty()) {
                TopKLogits window = computed.rows((long) b * layout.context(), layout.context());
                long entry = file.reserve();
                try {
                    file.finish(entry, keys.get(b), file.writePart(entry, 0, layout.write(window)));
                } finally {
                    file.release();
                }
            }
        }
    }

    private TopKLogits read(List<ByteBuffer> keys) {
        int rows = Math.multiplyExact(keys.size(), layout.context());
        Shape kept = Shape.of(rows, layout.k());
        ByteBuffer ids = allocate(kept);
        ByteBuffer probabilities = allocate(kept);
        ByteBuffer rest = allocate(Shape.of(rows));
        ByteBuffer window = ByteBuffer.allocate(layout.partBytes());
        for (ByteBuffer key : keys) {
            file.readPart(file.find(key).orElseThrow(), 0, window);
            layout.read(window, ids, probabilities, rest);
        }
        return new TopKLogits(
                new HostTensor(DType.INT32, kept, ids.flip()),
                new HostTensor(DType.FLOAT32, kept, probabilities.flip()),
                new HostTensor(DType.FLOAT32, Shape.of(rows), rest.flip()));
    }

    private static ByteBuffer allocate(Shape shape) {
        int bytes = Math.toIntExact(shape.size() * Float.BYTES);
        return ByteBuffer.allocate(bytes).order(ByteOrder.LITTLE_ENDIAN);
    }

    @Override
    public void close() {
        file.close();
    }
}
