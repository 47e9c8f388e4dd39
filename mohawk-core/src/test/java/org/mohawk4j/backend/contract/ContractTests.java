package org.mohawk4j.backend.contract;

import java.util.List;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.DynamicNode;
import org.mohawk4j.backend.FusedOp;
import org.mohawk4j.backend.contract.KernelProbe.Narrow;
import org.mohawk4j.tensor.types.Shape;

/** What the parts of the contract need from the class that runs them. */
interface ContractTests {
    /** Sizes at which tiles, warps and vectors end in odd places; the last one only where it is cheap. */
    List<Long> SIZES = List.of(1L, 13L, 63L, 65L, 207L, 2048L);

    /** One shape per rank and per place where an extent of 1 can trip a library. */
    List<Shape> SHAPES = List.of(
            Shape.of(),
            Shape.of(1),
            Shape.of(13),
            Shape.of(2048),
            Shape.of(1, 1),
            Shape.of(1, 13),
            Shape.of(13, 1),
            Shape.of(63, 65),
            Shape.of(207, 13),
            Shape.of(1, 13, 5),
            Shape.of(3, 1, 13),
            Shape.of(5, 13, 1),
            Shape.of(1, 63, 1),
            Shape.of(7, 13, 65),
            Shape.of(2, 3, 5, 13),
            Shape.of(2, 1, 1, 13),
            Shape.of(1, 3, 1, 2),
            Shape.of(2, 3, 1, 13, 5));

    /** A test for each set of options that the backend is to be tried with, in the type of its parameters. */
    Stream<DynamicNode> onEach(Consumer<BackendProbe> test);

    /** As {@link #onEach}, and in the narrower type that mixed precision computes in as well. */
    Stream<DynamicNode> onEachType(Consumer<BackendProbe> test);

    /** A test of a kernel with everything that mixed precision may narrow; skipped by a backend that lacks it. */
    default Stream<DynamicNode> ifPresent(Class<? extends FusedOp> kernel, Consumer<KernelProbe> test) {
        return onEach(probe -> {
            Assumptions.assumeTrue(
                    probe.backend().fused(kernel).isPresent(),
                    () -> probe.backend().name() + " has no " + kernel.getSimpleName());
            for (Narrow narrow : probe.mixed() ? List.of(Narrow.values()) : List.of(Narrow.NOTHING)) {
                test.accept(new KernelProbe(probe, narrow));
            }
        });
    }
}
