package org.mohawk4j.train.distributed;

import java.util.ArrayList;
import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Set;
import java.util.function.DoubleSupplier;
import org.mohawk4j.backend.Array;
import org.mohawk4j.backend.Backend;
import org.mohawk4j.backend.Communicator;
import org.mohawk4j.nn.Parameter;
import org.mohawk4j.tensor.Edge;
import org.mohawk4j.tensor.Engine;
import org.mohawk4j.tensor.Scope;
import org.mohawk4j.tensor.Tensor;
import org.mohawk4j.tensor.types.Shape;
import org.mohawk4j.train.optimizer.Sharding;

/**
 * Parameters of which each rank keeps a part (ZeRO, stage 3, arXiv 1910.02054). Whoever reads one gets all of it, gathered
 * from the ranks, until the innermost scope closes; where blocks are computed again in the backward pass, that is one block
 * at a time. Its gradient is scattered to the parts that it is the sum for. A step reads in the order of the step before, so
 * what comes next is gathered ahead.
 */
final class ShardedParameters {
    /** That is gathered ahead of what is read: a block's matrices of a model of some billion parameters. */
    private static final long AHEAD_BYTES = 128L << 20;

    private final Engine engine;
    private final Communicator communicator;
    private final Sharding sharding;

    /** Owns what is on its way. */
    private final Scope scope;

    private final IdentityHashMap<Parameter, Tensor> read = new IdentityHashMap<>();
    private final IdentityHashMap<Parameter, Tensor> gathering = new IdentityHashMap<>();
    private final List<Scattering> scattering = new ArrayList<>();
    private final Set<Parameter> scattered = Collections.newSetFromMap(new IdentityHashMap<>());
    private List<Parameter> expected = List.of();
    private List<Parameter> order = new ArrayList<>();
    private long aheadBytes;

    /** A whole gradient of this rank's windows, whose sum over the ranks arrives in this rank's part. */
    private record Scattering(Tensor whole, Tensor part) {}

    ShardedParameters(Engine engine, Communicator communicator, Sharding sharding) {
        this.engine = engine;
        this.communicator = communicator;
        this.sharding = sharding;
        this.scope = engine.detachedScope();
    }

    /** Keeps this rank's part of a parameter alone. */
    void shard(Parameter parameter) {
        long count = parameter.shape().size();
        parameter.keepPart(sharding.first(count), sharding.length(count), this::whole);
    }

    private Tensor whole(Parameter parameter) {
        Tensor kept = parameter.kept();
        Tensor before = read.get(parameter);
        if (before != null && before.isLive() && engine.isTracked(before) == engine.isTracked(kept)) {
            return before;
        }
        Tensor gathered = gathered(parameter);
        Tensor recorded = engine.record(gathered, Edge.of(kept, gradient -> scattered(parameter, gradient)));
        read.put(parameter, recorded);
        return recorded;
    }

    private Tensor gathered(Parameter parameter) {
        Tensor coming = gathering.remove(parameter);
        if (coming == null) {
            coming = gather(parameter);
            gathering.remove(parameter);
        }
        aheadBytes -= coming.nbytes();
        settle();
        engine.currentScope().adopt(coming);
        order.add(parameter);
        gatherAhead();
        return coming;
    }

    private Tensor gather(Parameter parameter) {
        Tensor whole = scope.adopt(engine.zeros(parameter.shape().toArray()));
        Array kept = parameter.kept().array();
        withPart(whole, part -> engine.backend().memory().copyInto(part, kept));
        communicator.allGather(List.of(whole.array()));
        gathering.put(parameter, whole);
        aheadBytes += whole.nbytes();
        return whole;
    }

    /** As long as this step reads what the one before did. */
    private void gatherAhead() {
        int next = order.size();
        if (next > expected.size() || expected.get(next - 1) != order.get(next - 1)) {
            expected = List.of();
            return;
        }
        while (next < expected.size() && aheadBytes < AHEAD_BYTES) {
            Parameter parameter = expected.get(next++);
            if (!gathering.containsKey(parameter)) {
                gather(parameter);
            }
        }
    }

    /** The rule of a gathered parameter: the gradient of this rank's part, which arrives later. */
    private Tensor scattered(Parameter parameter, Tensor gradient) {
        Tensor whole = scope.hold(gradient.unshared());
        long count = parameter.shape().size();
        Tensor part = engine.zeros(sharding.length(count));
        communicator.reduceScatter(List.of(whole.array()));
        scattering.add(new Scattering(whole, scope.hold(part)));
        if (!scattered.add(parameter)) {
            // the tape adds it to an earlier one at once
            settle();
        }
        return part;
    }

    /** Waits for what is on its way. */
    void settle() {
        communicator.await();
        for (Scattering each : scattering) {
            withPart(
                    each.whole(),
                    own -> engine.backend().memory().copyInto(each.part().array(), own));
            scope.free(each.whole());
            scope.free(each.part());
        }
        scattering.clear();
    }

    /** Reads between two steps, in another order, and drops what was gathered ahead for it. */
    double betweenSteps(DoubleSupplier read) {
        List<Parameter> ofSteps = expected;
        double result = read.getAsDouble();
        endStep();
        expected = ofSteps;
        return result;
    }

    /** A step's gradients are all there; parameters change now. */
    void endStep() {
        settle();
        gathering.values().forEach(scope::free);
        gathering.clear();
        read.clear();
        scattered.clear();
        aheadBytes = 0;
        expected = order;
        order = new ArrayList<>();
    }

    private interface Use {
        void of(Array part);
    }

    /** On arrays, since a tape would take what is gathered ahead for something that is read. */
    private void withPart(Tensor whole, Use use) {
        Backend backend = engine.backend();
        long count = whole.shape().size();
        Array flat = backend.layout().reshape(whole.array(), Shape.of(count));
        Array part = backend.layout().narrow(flat, 0, sharding.first(count), sharding.length(count));
        use.of(part);
        backend.memory().release(part);
        backend.memory().release(flat);
    }
}
