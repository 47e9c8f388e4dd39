package org.mohawk4j.train.distributed;

import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import java.util.function.DoubleSupplier;
import org.jspecify.annotations.Nullable;
import org.mohawk4j.InvalidInputException;
import org.mohawk4j.backend.Array;
import org.mohawk4j.backend.Communicator;
import org.mohawk4j.nn.Parameter;
import org.mohawk4j.op.AdamWFunction;
import org.mohawk4j.tensor.Engine;
import org.mohawk4j.tensor.Tensor;
import org.mohawk4j.train.optimizer.Optimizer;
import org.mohawk4j.train.optimizer.Sharding;

/**
 * Data parallelism: each rank has the whole student and takes an equal part of each batch. Gradients are added up in
 * buckets while the backward pass goes on. With a sharded optimizer a rank receives the sums of the parts that it
 * updates, and its parameters go to the others while the next step's teacher runs.
 */
public final class DataParallel extends RankedParallelism {
    /** Of gradients that are sent together: fewer would not fill the links, more would begin late. */
    private static final long BUCKET_BYTES = 32L << 20;

    private final Communicator communicator;
    private final Sharding sharding;
    private final ParameterCheck check;
    private final List<Array> toScatter = new ArrayList<>();
    private final List<Array> toReduce = new ArrayList<>();
    private long bucketBytes;
    private @Nullable ShardedParameters sharded;
    private boolean shardsParameters;

    /** With the optimizer sharded among the ranks, and their parameters compared every hundred updates. */
    public DataParallel(Engine engine, ProcessGroup group) {
        this(engine, group, Sharding.across(group.rank(), group.size()), ParameterCheck.EVERY);
    }

    /** @param checkEvery updates between two comparisons of the ranks' parameters; 0: none */
    public DataParallel(Engine engine, ProcessGroup group, Sharding sharding, int checkEvery) {
        super(new Ranks(engine, group));
        this.sharding = sharding;
        this.communicator = ranks.communicator();
        this.check = new ParameterCheck(this, checkEvery);
    }

    /** Divides the parameters as well, not only the optimizer: for models that do not fit otherwise. */
    public DataParallel withShardedParameters() {
        shardsParameters = sharding.sharded();
        return this;
    }

    @Override
    public int shares() {
        return size();
    }

    @Override
    public Sharding sharding() {
        return sharding;
    }

    /** @throws InvalidInputException if parameters are to be sharded, and most of them cannot be */
    @Override
    public void shard(Collection<Parameter> parameters) {
        if (shardsParameters) {
            if (!sharding.shardsMost(parameters.stream()
                    .map(parameter -> parameter.shape().size())
                    .toList())) {
                throw new InvalidInputException("shard-parameters: expected a number of ranks that divides most of the"
                        + " student's parameters into equal parts, such as a power of two, found " + size());
            }
            ShardedParameters shards = new ShardedParameters(engine, communicator, sharding);
            sharded = shards;
            parameters.stream()
                    .filter(parameter -> sharding.shards(parameter.shape().size()))
                    .forEach(shards::shard);
        }
    }

    @Override
    public void unshard(Collection<Parameter> parameters) {
        for (Parameter parameter : parameters) {
            if (parameter.isPart()) {
                ranks.together(parameter::keepWhole);
            }
        }
        if (sharded != null) {
            sharded.endStep();
            sharded = null;
        }
    }

    @Override
    public Holder holder(Parameter parameter) {
        return parameter.isPart() ? Holder.THIS : Holder.ALL;
    }

    @Override
    public void settle() {
        if (sharded != null) {
            ranks.together(sharded::settle);
        }
    }

    @Override
    public Tensor reduce(Parameter parameter, Tensor gradient) {
        if (parameter.isPart()) {
            return gradient;
        }
        Tensor own = gradient.unshared();
        (sharding.shards(own.shape().size()) ? toScatter : toReduce).add(own.array());
        bucketBytes += own.nbytes();
        if (bucketBytes >= BUCKET_BYTES) {
            send();
        }
        return own;
    }

    private void send() {
        ranks.together(() -> {
            communicator.reduceScatter(List.copyOf(toScatter));
            communicator.allReduce(List.copyOf(toReduce));
        });
        toScatter.clear();
        toReduce.clear();
        bucketBytes = 0;
    }

    @Override
    void endStep() {
        send();
        ranks.together(sharded == null ? communicator::await : sharded::endStep);
    }

    /** Of its parts, and on one rank of what all have. */
    @Override
    Tensor squares(Map<String, Parameter> trained, Map<String, Tensor> gradients) {
        List<Tensor> own = new ArrayList<>();
        for (Map.Entry<String, Parameter> entry : trained.entrySet()) {
            Tensor gradient = gradients.get(entry.getKey());
            if (gradient == null) {
                continue;
            }
            if (entry.getValue().isPart()) {
                own.add(gradient);
            } else if (sharding.saves(gradient.shape().size())) {
                long count = gradient.shape().size();
                own.add(gradient.reshape(count).narrow(0, sharding.first(count), sharding.length(count)));
            }
        }
        return own.isEmpty() ? engine.zeros() : AdamWFunction.norm(engine, own).square();
    }

    /** That of rank 0, which alone measures it; but reading a sharded parameter gathers it, in which all take part. */
    @Override
    public double heldOut(DoubleSupplier own) {
        double measured;
        if (sharded != null) {
            measured = sharded.betweenSteps(own);
        } else {
            measured = rank() == 0 ? own.getAsDouble() : 0;
        }
        return ranks.numbers(measured).get(0);
    }

    @Override
    public void show(Map<String, Tensor> gradients, Consumer<Map<String, Tensor>> observer) {
        if (sharded != null) {
            // there is no room for all of them
            return;
        }
        List<Array> parts = parts(gradients.values());
        ranks.together(() -> {
            communicator.allGather(parts);
            communicator.await();
        });
        if (Integer.bitCount(size()) == 1) {
            // exact, and without memory for copies
            scale(gradients.values(), 1.0 / size());
            observer.accept(gradients);
            scale(gradients.values(), size());
        } else {
            Map<String, Tensor> means = new LinkedHashMap<>();
            gradients.forEach((name, sum) -> means.put(name, sum.mul(1.0 / size())));
            observer.accept(means);
        }
    }

    private void scale(Collection<Tensor> tensors, double factor) {
        tensors.forEach(
                tensor -> engine.backend().elementwise().accumulate(tensor.array(), tensor.array(), factor - 1));
    }

    private List<Array> parts(Collection<Tensor> tensors) {
        return tensors.stream()
                .filter(tensor -> sharding.shards(tensor.shape().size()))
                .map(Tensor::array)
                .toList();
    }

    @Override
    public void update(
            Optimizer optimizer,
            Map<String, Parameter> trained,
            Map<String, Tensor> gradients,
            Tensor norm,
            double learningRate) {
        optimizer.update(trained, gradients, norm, learningRate);
        Map<String, Parameter> updated = new LinkedHashMap<>(trained);
        updated.keySet().retainAll(gradients.keySet());
        updated.values().removeIf(Parameter::isPart);
        List<Array> parts =
                parts(updated.values().stream().map(Parameter::value).toList());
        if (!parts.isEmpty()) {
            ranks.together(() -> communicator.allGather(parts));
            Runnable arrival = once(communicator::await);
            updated.values().forEach(parameter -> parameter.arrivesWith(arrival));
        }
        check.afterUpdate(updated, optimizer.steps());
    }

    private static Runnable once(Runnable body) {
        boolean[] done = new boolean[1];
        return () -> {
            if (!done[0]) {
                done[0] = true;
                body.run();
            }
        };
    }
}
