package org.mohawk4j.train.stage;

import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import org.mohawk4j.nn.Parameter;
import org.mohawk4j.tensor.Tensor;

/**
 * The objective of some layers. It returns a loss for every layer of the whole objective, 0 for layers outside of its
 * range. So the sum over ranks that divide the layers gives the losses of the whole objective.
 */
final class SomeLayers implements Objective {
    private final LayerwiseObjective whole;
    private final LayerRange range;
    private final TeacherStates states;

    SomeLayers(LayerwiseObjective whole, LayerRange range, TeacherStates states) {
        this.whole = whole;
        this.range = range;
        this.states = states;
    }

    @Override
    public Map<String, Parameter> trained() {
        return whole.trained(range);
    }

    /** Of all layers. */
    @Override
    public double flopsPerToken() {
        return whole.flopsPerToken();
    }

    @Override
    public List<Integer> layers() {
        return whole.layers();
    }

    @Override
    public Result evaluate(Tensor ids, Tensor labels) {
        return evaluate(ids, labels, Receiver.NOBODY);
    }

    @Override
    public Result evaluate(Tensor ids, Tensor labels, Receiver receiver) {
        Result own = whole.run(ids, receiver, states, range);
        return new Result(all(own.losses()), own.gradients());
    }

    @Override
    public List<Tensor> losses(Tensor ids, Tensor labels) {
        return all(whole.run(ids, null, states, range).losses());
    }

    private List<Tensor> all(List<Tensor> own) {
        Iterator<Tensor> next = own.iterator();
        Tensor other = own.get(0).fullLike(0);
        List<Tensor> losses = new ArrayList<>();
        for (int layer : whole.layers()) {
            losses.add(range.contains(layer) ? next.next() : other);
        }
        return losses;
    }
}
