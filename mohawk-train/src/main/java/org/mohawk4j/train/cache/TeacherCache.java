package org.mohawk4j.train.cache;

import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.List;
import java.util.OptionalLong;
import java.util.function.Supplier;
import org.mohawk4j.InvalidInputException;
import org.mohawk4j.models.CausalLm;
import org.mohawk4j.tensor.Engine;
import org.mohawk4j.tensor.Tensor;
import org.mohawk4j.tensor.types.DType;
import org.mohawk4j.tensor.types.HostTensor;
import org.mohawk4j.tensor.types.Shape;
import org.mohawk4j.train.stage.TeacherStates;

/**
 * A teacher's hidden states in a file, by window: computed and written where a window is met for the first time, read
 * wherever it comes again, in whichever stage, order or run. States are kept in the type they are computed in, so a
 * replayed stage sees the same numbers.
 *
 * <p>All states serve every stage; the last alone serves stage 3 and takes 1 / (L + 1) of the room. A batch with a window
 * that is not there is computed as a whole.
 */
public final class TeacherCache implements TeacherStates {
    private final Engine engine;
    private final WindowFile file;
    private final StateLayout layout;
    private final int last;
    private final long most;

    private TeacherCache(Engine engine, WindowFile file, StateLayout layout, int last, long windows) {
        this.engine = engine;
        this.file = file;
        this.layout = layout;
        this.last = last;
        this.most = file.size() + windows;
    }

    /**
     * What a file takes.
     *
     * @param all whether all L + 1 states are kept, or the last alone
     * @param context T
     * @param windows that will be met
     */
    public static long predictBytes(CausalLm teacher, boolean all, int context, long windows) {
        return layout(teacher, all, context, "").entryAt(windows);
    }

    /**
     * Opens a file, or makes it.
     *
     * @param all whether all L + 1 states are kept, or the last alone
     * @param context T
     * @param windows that are kept at most, beside those that are there
     * @throws InvalidInputException if the file holds something else, or another program uses it
     */
    public static TeacherCache open(Path path, CausalLm teacher, boolean all, int context, long windows) {
        StateLayout layout = layout(teacher, all, context, TeacherIdentity.sha256(teacher));
        return new TeacherCache(
                teacher.engine(),
                new WindowFile(path, layout),
                layout,
                teacher.blocks().size(),
                windows);
    }

    private static StateLayout layout(CausalLm teacher, boolean all, int context, String fingerprint) {
        DType dtype = teacher.engine().parameterType();
        int states = all ? teacher.blocks().size() + 1 : 1;
        return new StateLayout(
                dtype, states, context, Math.toIntExact(teacher.config().width()), fingerprint);
    }

    /** How many windows there are. */
    public int windows() {
        return file.size();
    }

    @Override
    public Batch batch(Tensor ids, boolean all) {
        if (ids.dim(1) != layout.context() || (all && layout.states() == 1)) {
            return UNCACHED.batch(ids, all);
        }
        List<ByteBuffer> keys = WindowKeys.of(ids);
        long[] found = new long[keys.size()];
        for (int b = 0; b < found.length; b++) {
            OptionalLong entry = file.find(keys.get(b));
            if (entry.isEmpty()) {
                return file.size() + file.countMissing(keys) <= most ? new Recording(keys) : UNCACHED.batch(ids, all);
            }
            found[b] = entry.getAsLong();
        }
        return new Replay(found);
    }

    /** Where a state is kept in an entry; below 0 if it is not. */
    private int slot(int index) {
        return layout.states() > 1 ? index : index - last;
    }

    @Override
    public void close() {
        file.close();
    }

    /**
     * States that are computed, and written for the windows that are not there yet. Of the others those in the file count,
     * so that a window has the same numbers from its first batch on, and a run that goes on after a kill those it had.
     */
    private final class Recording implements Batch {
        private final List<ByteBuffer> keys;
        private final long[] entries;
        private final int[][] checksums;

        Recording(List<ByteBuffer> keys) {
            this.keys = keys;
            this.entries = new long[keys.size()];
            this.checksums = new int[keys.size()][layout.states()];
            for (int b = 0; b < entries.length; b++) {
                entries[b] = isNew(b) ? file.reserve() : -1;
            }
        }

        private boolean isNew(int b) {
            return file.find(keys.get(b)).isEmpty() && keys.indexOf(keys.get(b)) == b;
        }

        @Override
        public boolean isReplayed() {
            return false;
        }

        @Override
        public Tensor state(int index, Supplier<Tensor> compute) {
            Tensor state = compute.get();
            int slot = slot(index);
            if (slot < 0) {
                return state;
            }
            HostTensor host = state.toHost();
            if (host.dtype() != layout.dtype()) {
                throw new InvalidInputException("data.teacher-cache: expected a teacher with states in "
                        + layout.dtype() + ", found " + host.dtype());
            }
            boolean allNew = true;
            for (int b = 0; b < entries.length; b++) {
                if (entries[b] >= 0) {
                    checksums[b][slot] = file.writePart(entries[b], slot, window(host.data(), b));
                } else {
                    allNew = false;
                }
            }
            return allNew ? state : withKnown(host, slot);
        }

        private Tensor withKnown(HostTensor computed, int slot) {
            ByteBuffer states = ByteBuffer.allocate(computed.data().remaining());
            states.put(computed.data());
            for (int b = 0; b < entries.length; b++) {
                if (entries[b] < 0) {
                    OptionalLong known = file.find(keys.get(b));
                    if (known.isPresent()) {
                        file.readPart(known.getAsLong(), slot, window(states, b));
                    } else {
                        window(states, b).put(window(states, keys.indexOf(keys.get(b))));
                    }
                }
            }
            return engine.tensor(new HostTensor(layout.dtype(), computed.shape(), states.flip()), layout.dtype());
        }

        private ByteBuffer window(ByteBuffer states, int b) {
            return states.slice(b * layout.partBytes(), layout.partBytes());
        }

        @Override
        public void complete() {
            for (int b = 0; b < entries.length; b++) {
                if (entries[b] >= 0) {
                    file.finish(entries[b], keys.get(b), checksums[b]);
                }
            }
        }

        @Override
        public void close() {
            file.release();
        }
    }

    /** States that are read. */
    private final class Replay implements Batch {
        private final long[] entries;

        Replay(long... entries) {
            this.entries = entries;
        }

        @Override
        public boolean isReplayed() {
            return true;
        }

        @Override
        public Tensor state(int index, Supplier<Tensor> compute) {
            int bytes = layout.partBytes();
            ByteBuffer states = ByteBuffer.allocate(Math.multiplyExact(entries.length, bytes));
            for (int b = 0; b < entries.length; b++) {
                file.readPart(entries[b], slot(index), states.slice(b * bytes, bytes));
            }
            Shape shape = Shape.of(entries.length, layout.context(), layout.width());
            return engine.tensor(new HostTensor(layout.dtype(), shape, states), layout.dtype());
        }
    }
}
