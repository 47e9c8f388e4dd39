package org.mohawk4j.train.checkpoint;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.function.LongSupplier;
import org.mohawk4j.tensor.HostMemory;
import org.mohawk4j.tensor.HostTensor;
import org.mohawk4j.tensor.Tensor;

/**
 * A run's state at one place, on the host, where training no longer changes it. It takes as much of the host's memory
 * as the arrays have bytes, outside of the Java heap and of the limit for direct buffers; the next snapshot made of it
 * uses that memory again. Where the host has less, arrays stay where they are and are copied one by one as they are
 * written: training must wait until then.
 */
public final class Snapshot implements AutoCloseable {
    /** What is left to others of the memory that is available. */
    private static final double MARGIN = 0.1;

    private final LongSupplier available;
    private final Map<String, HostMemory> memory = new HashMap<>();
    private final Map<String, Map<String, HostTensor>> files = new LinkedHashMap<>();
    private final Map<String, Map<String, Tensor>> uncopied = new HashMap<>();
    private Position position;
    private ObjectNode state;

    /** @param state everything that is no array */
    public Snapshot(Position position, ObjectNode state) {
        this(position, state, HostMemory::availableBytes);
    }

    /** @param available bytes that the host has left */
    Snapshot(Position position, ObjectNode state, LongSupplier available) {
        this.position = position;
        this.state = state;
        this.available = available;
    }

    /** Starts over at another place, with the memory of before. */
    public void restart(Position place, ObjectNode values) {
        position = place;
        state = values;
        files.clear();
        uncopied.clear();
    }

    /** Copies arrays, by name, for a file of their own, if there is room; no arrays, no file. */
    public void copy(String file, Map<String, Tensor> tensors) {
        long missing = 0;
        for (Map.Entry<String, Tensor> entry : tensors.entrySet()) {
            missing +=
                    taken(file + ":" + entry.getKey(), bytes(entry.getValue())).isPresent()
                            ? 0
                            : bytes(entry.getValue());
        }
        boolean room = missing == 0 || missing <= available.getAsLong() * (1 - MARGIN);
        Map<String, HostTensor> copies = new LinkedHashMap<>();
        Map<String, Tensor> others = new LinkedHashMap<>();
        tensors.forEach((name, tensor) -> {
            Optional<HostMemory> target = room ? take(file + ":" + name, tensor) : Optional.empty();
            target.ifPresentOrElse(
                    place -> copies.put(name, tensor.toHost(place.bytes())), () -> others.put(name, tensor));
        });
        if (!tensors.isEmpty()) {
            files.put(file, copies);
            uncopied.put(file, others);
        }
    }

    private static int bytes(Tensor tensor) {
        return Math.toIntExact(tensor.shape().size() * tensor.dtype().bytes());
    }

    private Optional<HostMemory> taken(String key, int bytes) {
        return Optional.ofNullable(memory.get(key))
                .filter(found -> found.bytes().remaining() == bytes);
    }

    private Optional<HostMemory> take(String key, Tensor tensor) {
        Optional<HostMemory> before = taken(key, bytes(tensor));
        if (before.isPresent()) {
            return before;
        }
        HostMemory outgrown = memory.remove(key);
        if (outgrown != null) {
            outgrown.close();
        }
        Optional<HostMemory> fresh = tensor.engine().backend().memory().allocateHost(bytes(tensor));
        fresh.ifPresent(found -> memory.put(key, found));
        return fresh;
    }

    /** Adds numbers that never change, by name, as a file of their own; none, no file. */
    public void put(String file, Map<String, HostTensor> tensors) {
        if (!tensors.isEmpty()) {
            files.put(file, tensors);
        }
    }

    /** Whether training may go on while this is written; otherwise it is to be written first, on the same thread. */
    public boolean isCopied() {
        return uncopied.values().stream().allMatch(Map::isEmpty);
    }

    Position position() {
        return position;
    }

    ObjectNode state() {
        return state;
    }

    /** What lies on the host, by file and name. */
    Map<String, Map<String, HostTensor>> files() {
        return files;
    }

    /** What belongs to a file besides, and was not copied. */
    Map<String, Tensor> uncopied(String file) {
        return uncopied.getOrDefault(file, Map.of());
    }

    /** Frees the memory. Nothing of this may be being written. */
    @Override
    public void close() {
        files.clear();
        uncopied.clear();
        memory.values().forEach(HostMemory::close);
        memory.clear();
    }
}
