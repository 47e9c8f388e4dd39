package org.mohawk4j.train.loop;

import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;
import java.util.function.DoubleSupplier;
import org.mohawk4j.nn.Parameter;
import org.mohawk4j.tensor.Tensor;
import org.mohawk4j.train.optimizer.Optimizer;
import org.mohawk4j.train.optimizer.Sharding;
import org.mohawk4j.train.stage.LayerwiseObjective;
import org.mohawk4j.train.stage.Objective;

/**
 * How the ranks of a run share each step, as one of them sees it. All ranks call the same methods in the same order, and
 * take the same decisions, since every number that a decision depends on is the same on all of them.
 */
public interface Parallelism extends AutoCloseable {
    /** One rank, which shares nothing. */
    static Parallelism none() {
        return new OneRank();
    }

    /** From 0. Rank 0 writes the run folder and reports progress. */
    int rank();

    /** Ranks. */
    int size();

    /** Equal parts of each micro-batch's windows, of which a rank takes one; 1: every rank takes all windows. */
    default int shares() {
        return 1;
    }

    /** Which of these parts this rank takes, from 0. */
    int share();

    /** What this rank's optimizer updates; all of what it is given, unless ranks share that. */
    default Sharding sharding() {
        return Sharding.NONE;
    }

    /**
     * Gathers one value from each rank, in the order of ranks; returns when all have called it.
     *
     * @throws TrainingException if a rank has failed
     */
    List<byte[]> exchange(byte[] own);

    /** A stage whose layers ranks divide, as one of them trains it. */
    record Divided(Objective objective, Parallelism ranks) {}

    /**
     * Divides the layers of a stage among the ranks, instead of its windows.
     *
     * @param parts micro-batches of each step; 1 for an objective whose losses alone are taken
     * @throws org.mohawk4j.InvalidInputException if there are fewer layers to train than ranks
     */
    Divided byLayers(LayerwiseObjective objective, int parts);

    /** Gives all ranks the parameters of rank 0. */
    void share(Collection<Parameter> parameters);

    /** Where a rank runs, for messages. */
    String name(int rank);

    /**
     * A question that is answered alike on all ranks: whether any of them said yes when the last step's {@link #totals} were
     * taken. Of one rank it is its own answer at any time.
     *
     * @param name of the question; a later one of the same name takes its place
     */
    BooleanSupplier agreed(String name, BooleanSupplier own);

    /**
     * Before training: what the ranks shard of the student, if that is wanted. A part of a sharded parameter is here, and
     * all of it only while it is read.
     */
    void shard(Collection<Parameter> parameters);

    /** After training: all ranks have all of the student again. */
    void unshard(Collection<Parameter> parameters);

    /** Which ranks have the numbers of a parameter, or of a part of it, that training goes on from. */
    enum Holder {
        ALL,
        THIS,
        OTHER
    }

    /** Who has the numbers of a parameter between two steps. */
    Holder holder(Parameter parameter);

    /** Waits for gradients of sharded parameters that are still being added up. */
    default void settle() {}

    /**
     * Starts to add up a gradient over the ranks, beside other work.
     *
     * @param parameter whose gradient it is; if it is sharded, the gradient is that of this rank's part, added up already
     * @param gradient of this rank's windows, final, in a scope that stays open until the step ends
     * @return what receives the sum, in place; defined from {@link #totals} on, as far as {@link #sharding} says
     */
    default Tensor reduce(Parameter parameter, Tensor gradient) {
        return gradient;
    }

    /**
     * Means of a step over all ranks.
     *
     * @param losses of all windows, in the order of the objective's
     * @param norm of the gradients, rank 0
     */
    record Totals(List<Double> losses, Tensor norm) {}

    /**
     * Takes the means over all ranks. From then on the gradients are added up.
     *
     * @param evaluation with gradients of {@link #reduce}, by parameter name
     */
    Totals totals(Optimizer optimizer, Map<String, Parameter> trained, Evaluation evaluation);

    /**
     * The same held-out loss on all ranks.
     *
     * @param own measures what this rank's objective says, of all windows
     */
    double heldOut(DoubleSupplier own);

    /** Shows somebody whole gradients, which are means over all ranks until the call returns. Nothing where no rank has all. */
    void show(Map<String, Tensor> gradients, Consumer<Map<String, Tensor>> observer);

    /** Updates the parameters, on all ranks. What other ranks update may arrive later: see {@link Parameter#arrivesWith}. */
    default void update(
            Optimizer optimizer,
            Map<String, Parameter> trained,
            Map<String, Tensor> gradients,
            Tensor norm,
            double learningRate) {
        optimizer.update(trained, gradients, norm, learningRate);
    }

    /** A stage begins, whose first step may take long. */
    void stageStarts();

    /** A step is done. */
    void progress();

    /** Part of a step is done: a rank that computes many micro-batches does not hang. */
    default void alive() {}

    /** Something that takes long without a step, until it is closed. */
    @FunctionalInterface
    interface Pause extends AutoCloseable {
        @Override
        void close();
    }

    /** From now on this rank may take long without a step, up to a limit. */
    default Pause pause() {
        return () -> {};
    }

    /** Leaves the group. */
    @Override
    void close();
}
