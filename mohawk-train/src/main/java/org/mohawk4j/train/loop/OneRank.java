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
import org.mohawk4j.train.stage.LayerwiseObjective;

/** A run on one device. */
final class OneRank implements Parallelism {
    @Override
    public int rank() {
        return 0;
    }

    @Override
    public int size() {
        return 1;
    }

    @Override
    public List<byte[]> exchange(byte[] own) {
        return List.of(own);
    }

    @Override
    public int share() {
        return 0;
    }

    @Override
    public Divided byLayers(LayerwiseObjective objective, int parts) {
        return new Divided(objective, this);
    }

    @Override
    public void share(Collection<Parameter> parameters) {}

    @Override
    public String name(int rank) {
        return "the only rank";
    }

    @Override
    public BooleanSupplier agreed(String name, BooleanSupplier own) {
        return own;
    }

    @Override
    public void shard(Collection<Parameter> parameters) {}

    @Override
    public void unshard(Collection<Parameter> parameters) {}

    @Override
    public Holder holder(Parameter parameter) {
        return Holder.ALL;
    }

    @Override
    public Totals totals(Optimizer optimizer, Map<String, Parameter> trained, Evaluation evaluation) {
        // queued before the losses are waited for
        Tensor norm = optimizer.norm(trained, evaluation.gradients());
        double[] losses =
                evaluation.allLosses().stream().mapToDouble(Tensor::item).toArray();
        return new Totals(evaluation.means(losses, 1), norm);
    }

    @Override
    public double heldOut(DoubleSupplier own) {
        return own.getAsDouble();
    }

    @Override
    public void show(Map<String, Tensor> gradients, Consumer<Map<String, Tensor>> observer) {
        observer.accept(gradients);
    }

    @Override
    public void stageStarts() {}

    @Override
    public void progress() {}

    @Override
    public void close() {}
}
