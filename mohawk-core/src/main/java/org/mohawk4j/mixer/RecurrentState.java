package org.mohawk4j.mixer;

import java.util.Arrays;
import java.util.List;
import org.mohawk4j.Arguments;
import org.mohawk4j.backend.MemoryOps;
import org.mohawk4j.tensor.Engine;
import org.mohawk4j.tensor.Scope;
import org.mohawk4j.tensor.Tensor;
import org.mohawk4j.tensor.types.Shape;

/**
 * The state of a recurrence: tensors of constant size, updated in place so that their addresses never change. A position
 * is then the same work on the same memory as the one before, and can be recorded once and replayed.
 */
public final class RecurrentState implements MixerState {
    private final MemoryOps memory;
    private final Scope scope;
    private final List<Tensor> parts;
    private long position;

    /**
     * @param parts what they are before the first position, such as {@code engine.zeros(…)}; each has a batch as its first
     *     axis and its own memory. This state frees them
     */
    public RecurrentState(Engine engine, Tensor... parts) {
        this.memory = engine.backend().memory();
        this.scope = engine.detachedScope();
        this.parts = Arrays.stream(parts).map(scope::adopt).toList();
    }

    /**
     * A part as it is now; {@link #advance} and kernels change its numbers in place.
     *
     * @param index in the order of the constructor
     */
    public Tensor part(int index) {
        return parts.get(index);
    }

    /**
     * Moves past positions.
     *
     * @param positions how many, from 1
     * @param next the parts after them, all of them in order, whose numbers are copied; or none, if a kernel has changed
     *     them in place
     * @throws IllegalArgumentException for parts of another number or shape
     */
    public void advance(long positions, Tensor... next) {
        Arguments.atLeast(1, "recurrent state: positions", positions);
        List<Shape> own = shapes(parts);
        List<Shape> given = shapes(List.of(next));
        Arguments.require(given.isEmpty() || given.equals(own), "recurrent state", "parts of shapes " + own, given);
        for (int i = 0; i < next.length; i++) {
            memory.copyInto(parts.get(i).array(), next[i].array());
        }
        position += positions;
    }

    private static List<Shape> shapes(List<Tensor> tensors) {
        return tensors.stream().map(Tensor::shape).toList();
    }

    /** Always: see the class. */
    @Override
    public boolean isFixed() {
        return true;
    }

    @Override
    public long position() {
        return position;
    }

    @Override
    public void close() {
        scope.close();
    }
}
