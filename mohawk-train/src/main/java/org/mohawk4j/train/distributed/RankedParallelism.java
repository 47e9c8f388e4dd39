package org.mohawk4j.train.distributed;

import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.function.BooleanSupplier;
import org.mohawk4j.InvalidInputException;
import org.mohawk4j.backend.Array;
import org.mohawk4j.nn.Parameter;
import org.mohawk4j.tensor.Engine;
import org.mohawk4j.tensor.Tensor;
import org.mohawk4j.train.loop.Evaluation;
import org.mohawk4j.train.loop.Parallelism;
import org.mohawk4j.train.optimizer.Optimizer;
import org.mohawk4j.train.stage.LayerRange;
import org.mohawk4j.train.stage.LayerwiseObjective;

/** What ranks do alike, whatever of a step they divide among themselves. */
abstract class RankedParallelism implements Parallelism {
    final Ranks ranks;
    final Engine engine;

    RankedParallelism(Ranks ranks) {
        this.ranks = ranks;
        this.engine = ranks.engine();
    }

    /** The square of the norm of this rank's share of the gradients, rank 0. */
    abstract Tensor squares(Map<String, Parameter> trained, Map<String, Tensor> gradients);

    /** Waits until this rank has its share of the gradients. */
    abstract void endStep();

    @Override
    public final int rank() {
        return ranks.group().rank();
    }

    @Override
    public final int size() {
        return ranks.group().size();
    }

    @Override
    public final List<byte[]> exchange(byte[] own) {
        return ranks.group().exchange(own);
    }

    @Override
    public final String name(int rank) {
        return "rank " + rank + " (" + ranks.group().host(rank) + ")";
    }

    @Override
    public final int share() {
        return shares() == 1 ? 0 : rank();
    }

    @Override
    public final Divided byLayers(LayerwiseObjective objective, int parts) {
        int trained = objective.layers().size();
        if (trained < size()) {
            throw new InvalidInputException("parallelism: expected at least " + size()
                    + " layers to train for layer parallelism of " + size() + " ranks, found " + trained);
        }
        List<LayerRange> ranges = LayerRange.balanced(objective.flopsPerLayer(), objective.layers(), size());
        HiddenStatePipeline pipeline = ranks.closed(new HiddenStatePipeline(ranks, parts));
        LayerRange own = ranges.get(rank());
        return new Divided(
                objective.ofLayers(own, new PipelinedStates(objective.teacher(), own, pipeline)),
                new LayerParallel(
                        ranks, ranges.stream().map(objective::parameters).toList()));
    }

    @Override
    public final void share(Collection<Parameter> parameters) {
        broadcast(parameters, 0);
    }

    /** Gives all ranks the parameters of one. */
    final void broadcast(Collection<Parameter> parameters, int root) {
        List<Array> arrays =
                parameters.stream().map(parameter -> parameter.value().array()).toList();
        ranks.together(() -> {
            ranks.communicator().broadcast(arrays, root);
            ranks.communicator().await();
        });
    }

    @Override
    public final BooleanSupplier agreed(String name, BooleanSupplier own) {
        return ranks.questions().add(name, own);
    }

    @Override
    public final Totals totals(Optimizer optimizer, Map<String, Parameter> trained, Evaluation evaluation) {
        if (!optimizer.sharding().equals(sharding())) {
            throw new IllegalArgumentException(
                    "an optimizer that updates " + optimizer.sharding() + " on a rank that has " + sharding());
        }
        endStep();
        // one small sum for everything that the ranks must know of each other, so that the device is waited for once
        List<Tensor> ballot = new ArrayList<>();
        evaluation.allLosses().forEach(loss -> ballot.add(number(loss)));
        int losses = ballot.size();
        ballot.add(number(squares(trained, evaluation.gradients())));
        ballot.addAll(ranks.questions().answers(engine));
        Tensor sums = Tensor.concat(0, ballot);
        ranks.together(() -> {
            ranks.communicator().allReduce(List.of(sums.array()));
            ranks.communicator().await();
        });
        // the gradients are sums over the shares of a batch: their mean's norm is their norm over these
        Tensor norm = sums.narrow(0, losses, 1).reshape().sqrt().mul(1.0 / shares());
        double[] counted = sums.toDoubles();
        // what was waited for may have been given up, and the numbers be none
        ranks.group().progress();
        ranks.questions().agree(counted, losses + 1);
        return new Totals(evaluation.means(counted, shares()), norm);
    }

    private Tensor number(Tensor scalar) {
        return scalar.cast(engine.parameterType()).reshape(1);
    }

    @Override
    public final void stageStarts() {
        ranks.startWaiting();
    }

    @Override
    public final void progress() {
        ranks.stopWaiting();
        ranks.group().progress();
    }

    @Override
    public final void alive() {
        ranks.group().progress();
    }

    @Override
    public final Pause pause() {
        return KeepAlive.bounded(ranks.group());
    }

    /** Leaves the communicator, for all strategies of this run; the group is the caller's to close. */
    @Override
    public final void close() {
        ranks.close();
    }
}
