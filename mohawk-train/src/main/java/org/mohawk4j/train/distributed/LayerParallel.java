package org.mohawk4j.train.distributed;

import java.util.Collection;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import java.util.function.DoubleSupplier;
import org.mohawk4j.nn.Parameter;
import org.mohawk4j.op.AdamWFunction;
import org.mohawk4j.tensor.Tensor;

/**
 * Layer parallelism, for stages whose layers are trained independently of each other: each rank trains consecutive
 * layers on all windows, and has their parameters, gradients and moments alone. So no gradients are added up. What the
 * ranks exchange is the teacher's hidden states between two ranges of layers ({@link HiddenStatePipeline}), one small
 * sum per step and, at the end of the stage, the layers.
 */
final class LayerParallel extends RankedParallelism {
    private final List<List<Parameter>> layers;
    private final IdentityHashMap<Parameter, Integer> owners = new IdentityHashMap<>();
    private boolean ended;

    /** @param layers parameters of each rank's layers */
    LayerParallel(Ranks ranks, List<List<Parameter>> layers) {
        super(ranks);
        this.layers = layers;
        for (int rank = 0; rank < layers.size(); rank++) {
            for (Parameter parameter : layers.get(rank)) {
                owners.put(parameter, rank);
            }
        }
    }

    /** Keeps this rank's layers, and what is in no layer. */
    @Override
    public void shard(Collection<Parameter> parameters) {
        parameters.stream()
                .filter(parameter -> holder(parameter) == Holder.OTHER)
                .forEach(parameter -> parameter.keepNone(this::room));
        ended = false;
    }

    /** For numbers that are received. */
    private Tensor room(Parameter parameter) {
        if (!ended) {
            throw new IllegalStateException("a parameter of a layer that " + name(owners.getOrDefault(parameter, 0))
                    + " trains is read on " + name(rank()));
        }
        return engine.zeros(parameter.shape().toArray());
    }

    @Override
    public void unshard(Collection<Parameter> parameters) {
        ended = true;
        for (int rank = 0; rank < layers.size(); rank++) {
            layers.get(rank).stream().filter(Parameter::isElsewhere).forEach(Parameter::keepWhole);
            broadcast(layers.get(rank), rank);
        }
    }

    @Override
    public Holder holder(Parameter parameter) {
        Integer owner = owners.get(parameter);
        if (owner == null) {
            return Holder.ALL;
        }
        return owner == rank() ? Holder.THIS : Holder.OTHER;
    }

    @Override
    void endStep() {}

    @Override
    Tensor squares(Map<String, Parameter> own, Map<String, Tensor> gradients) {
        return gradients.isEmpty()
                ? engine.zeros()
                : AdamWFunction.norm(engine, List.copyOf(gradients.values())).square();
    }

    /** The sum over the ranks, each of which knows the losses of its layers. */
    @Override
    public double heldOut(DoubleSupplier own) {
        return ranks.numbers(own.getAsDouble()).stream()
                .mapToDouble(Double::doubleValue)
                .sum();
    }

    /** No rank has all gradients. */
    @Override
    public void show(Map<String, Tensor> gradients, Consumer<Map<String, Tensor>> observer) {}
}
