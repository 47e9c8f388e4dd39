package org.mohawk4j.train;

import java.nio.ByteBuffer;
import java.util.List;
import java.util.Optional;
import java.util.function.DoubleSupplier;
import java.util.function.Supplier;
import java.util.stream.IntStream;
import org.mohawk4j.train.distributed.ProcessGroup;

/** What rank 0 alone measures, and all ranks decide by. All ranks call the same methods in the same order. */
record FirstRank(Optional<ProcessGroup> group) {
    /** Whether this is rank 0, or the only one: it writes the run folder, evaluates and reports. */
    boolean isThis() {
        return group.map(ProcessGroup::rank).orElse(0) == 0;
    }

    /** @param measured called on rank 0 only */
    double number(DoubleSupplier measured) {
        byte[] bytes = broadcast(() -> ByteBuffer.allocate(Double.BYTES)
                .putDouble(measured.getAsDouble())
                .array());
        return ByteBuffer.wrap(bytes).getDouble();
    }

    /** @param chosen layers, called on rank 0 only */
    List<Integer> layers(Supplier<List<Integer>> chosen) {
        byte[] bytes = broadcast(() -> {
            List<Integer> layers = chosen.get();
            byte[] own = new byte[layers.size()];
            for (int i = 0; i < own.length; i++) {
                own[i] = layers.get(i).byteValue();
            }
            return own;
        });
        return IntStream.range(0, bytes.length)
                .mapToObj(i -> Byte.toUnsignedInt(bytes[i]))
                .toList();
    }

    private byte[] broadcast(Supplier<byte[]> own) {
        byte[] bytes = isThis() ? own.get() : new byte[0];
        return group.map(ranks -> ranks.exchange(bytes).get(0)).orElse(bytes);
    }
}
