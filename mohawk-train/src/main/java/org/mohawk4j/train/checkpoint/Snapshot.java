package org.mohawk4j.train.checkpoint;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.nio.ByteBuffer;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.Map;
import org.mohawk4j.tensor.HostTensor;
import org.mohawk4j.tensor.Tensor;

/**
 * A run's state at one place, on the host, where training no longer changes it. It takes as much of the host's memory
 * as the arrays have bytes; the next snapshot made of it uses that memory again.
 */
public final class Snapshot {
    private final Map<String, ByteBuffer> memory = new HashMap<>();
    private final Map<String, Map<String, HostTensor>> files = new LinkedHashMap<>();
    private Position position;
    private ObjectNode state;

    /** @param state everything that is no array */
    public Snapshot(Position position, ObjectNode state) {
        this.position = position;
        this.state = state;
    }

    /** Starts over at another place, with the memory of before. */
    public void restart(Position place, ObjectNode values) {
        position = place;
        state = values;
        files.clear();
    }

    /** Copies arrays, by name, for a file of their own; no arrays, no file. */
    public void copy(String file, Map<String, Tensor> tensors) {
        Map<String, HostTensor> copies = new LinkedHashMap<>();
        tensors.forEach((name, tensor) -> {
            int bytes = Math.toIntExact(tensor.shape().size() * tensor.dtype().bytes());
            ByteBuffer target = memory.compute(
                    file + ":" + name,
                    (key, old) -> old != null && old.capacity() == bytes ? old : ByteBuffer.allocateDirect(bytes));
            copies.put(name, tensor.toHost(target));
        });
        put(file, copies);
    }

    /** Adds numbers that never change, by name, as a file of their own; none, no file. */
    public void put(String file, Map<String, HostTensor> tensors) {
        if (!tensors.isEmpty()) {
            files.put(file, tensors);
        }
    }

    Position position() {
        return position;
    }

    ObjectNode state() {
        return state;
    }

    Map<String, Map<String, HostTensor>> files() {
        return files;
    }
}
