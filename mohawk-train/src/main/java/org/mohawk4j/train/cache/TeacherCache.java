package org.mohawk4j.train.cache;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.OptionalLong;
import java.util.function.Supplier;
import org.mohawk4j.InvalidInputException;
import org.mohawk4j.models.CausalLm;
import org.mohawk4j.tensor.DType;
import org.mohawk4j.tensor.Engine;
import org.mohawk4j.tensor.HostTensor;
import org.mohawk4j.tensor.Shape;
import org.mohawk4j.tensor.Tensor;
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
    private final StateFile file;
    private final StateLayout layout;
    private final int last;
    private final long most;

    private TeacherCache(Engine engine, StateFile file, StateLayout layout, int last, long most) {
        this.engine = engine;
        this.file = file;
        this.layout = layout;
        this.last = last;
        this.most = most;
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
        StateLayout layout = layout(teacher, all, context, fingerprint(teacher));
        return new TeacherCache(
                teacher.engine(),
                new StateFile(path, layout),
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

    /** Tells a teacher from every other by all of its numbers. */
    private static String fingerprint(CausalLm teacher) {
        MessageDigest digest = sha256();
        teacher.parameters().forEach((name, parameter) -> {
            digest.update(name.getBytes(StandardCharsets.UTF_8));
            digest.update(parameter.value().toHost().data());
        });
        return HexFormat.of().formatHex(digest.digest());
    }

    /** How many windows there are. */
    public int windows() {
        return file.size();
    }

    @Override
    public Batch batch(Tensor ids, boolean all) {
        if (ids.dim(1) != layout.context() || (all && layout.states() == 1)) {
            return COMPUTED.batch(ids, all);
        }
        List<ByteBuffer> keys = keys(ids);
        long[] found = new long[keys.size()];
        for (int b = 0; b < found.length; b++) {
            OptionalLong entry = file.find(keys.get(b));
            if (entry.isEmpty()) {
                return file.size() + keys.size() <= most ? new Recording(keys) : COMPUTED.batch(ids, all);
            }
            found[b] = entry.getAsLong();
        }
        return new Replay(found);
    }

    /** A window's states depend on its ids alone, so these are what they are found by. */
    private List<ByteBuffer> keys(Tensor ids) {
        ByteBuffer all = ids.toHost().data();
        int bytes = layout.context() * Integer.BYTES;
        List<ByteBuffer> keys = new ArrayList<>();
        for (int b = 0; b < ids.dim(0); b++) {
            MessageDigest digest = sha256();
            digest.update(all.slice(b * bytes, bytes));
            keys.add(ByteBuffer.wrap(Arrays.copyOf(digest.digest(), StateLayout.KEY_BYTES)));
        }
        return keys;
    }

    /** Where a state is kept in an entry; below 0 if it is not. */
    private int slot(int index) {
        return layout.states() > 1 ? index : index - last;
    }

    private static MessageDigest sha256() {
        try {
            return MessageDigest.getInstance("SHA-256");
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every Java has SHA-256", e);
        }
    }

    @Override
    public void close() {
        file.close();
    }

    /** States that are computed, and written for the windows that are not there yet. */
    private final class Recording implements Batch {
        private final List<ByteBuffer> keys;
        private final long[] entries;
        private final int[][] checksums;

        Recording(List<ByteBuffer> keys) {
            this.keys = keys;
            this.entries = new long[keys.size()];
            this.checksums = new int[keys.size()][layout.states()];
            for (int b = 0; b < entries.length; b++) {
                boolean known = file.find(keys.get(b)).isPresent() || keys.indexOf(keys.get(b)) < b;
                entries[b] = known ? -1 : file.reserve();
            }
        }

        @Override
        public boolean isReplayed() {
            return false;
        }

        @Override
        public Tensor state(int index, Supplier<Tensor> compute) {
            Tensor state = compute.get();
            int slot = slot(index);
            if (slot >= 0) {
                HostTensor host = state.toHost();
                if (host.dtype() != layout.dtype()) {
                    throw new InvalidInputException("data.teacher-cache: expected a teacher with states in "
                            + layout.dtype() + ", found " + host.dtype());
                }
                for (int b = 0; b < entries.length; b++) {
                    if (entries[b] >= 0) {
                        ByteBuffer window = host.data().slice(b * layout.stateBytes(), layout.stateBytes());
                        checksums[b][slot] = file.writeState(entries[b], slot, window);
                    }
                }
            }
            return state;
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
            int bytes = layout.stateBytes();
            ByteBuffer states = ByteBuffer.allocate(Math.multiplyExact(entries.length, bytes));
            for (int b = 0; b < entries.length; b++) {
                file.readState(entries[b], slot(index), states.slice(b * bytes, bytes));
            }
            Shape shape = Shape.of(entries.length, layout.context(), layout.width());
            return engine.tensor(new HostTensor(layout.dtype(), shape, states), layout.dtype());
        }
    }
}
