package org.mohawk4j.train;

import java.nio.ByteBuffer;
import java.nio.IntBuffer;
import java.util.List;
import java.util.Optional;
import java.util.function.BooleanSupplier;
import java.util.function.Supplier;
import java.util.stream.IntStream;
import org.mohawk4j.train.distributed.ProcessGroup;

/** What rank 0 alone decides, and all ranks go by. All ranks call the same methods in the same order. */
record FirstRank(Optional<ProcessGroup> group) {
    /** Whether this is rank 0, or the only one: it writes the run folder, evaluates and reports. */
    boolean isThis() {
        return group.map(ProcessGroup::rank).orElse(0) == 0;
    }

    /** @param decided called on rank 0 only */
    boolean decides(BooleanSupplier decided) {
        return broadcast(() -> new byte[] {(byte) (decided.getAsBoolean() ? 1 : 0)})[0] == 1;
    }

    /** @param chosen layers, called on rank 0 only */
    List<Integer> layers(Supplier<List<Integer>> chosen) {
        IntBuffer layers = ByteBuffer.wrap(broadcast(() -> {
                    List<Integer> own = chosen.get();
                    ByteBuffer bytes = ByteBuffer.allocate(own.size() * Integer.BYTES);
                    own.forEach(bytes::putInt);
                    return bytes.array();
                }))
                .asIntBuffer();
        return IntStream.range(0, layers.limit()).mapToObj(layers::get).toList();
    }

    private byte[] broadcast(Supplier<byte[]> own) {
        byte[] bytes = isThis() ? own.get() : new byte[0];
        return group.map(ranks -> ranks.exchange(bytes).get(0)).orElse(bytes);
    }
}
