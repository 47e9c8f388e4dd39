package org.mohawk4j.nn;

import java.util.List;
import org.mohawk4j.Arguments;
import org.mohawk4j.op.CausalConv1dFunction;
import org.mohawk4j.tensor.Engine;
import org.mohawk4j.tensor.Tensor;
import org.mohawk4j.tensor.types.Shape;

/**
 * Depthwise causal convolution along time, [B,T,C] to [B,T,C]. Starts as the identity: the last tap 1, the bias 0.
 * Channels do not mix, so any range of them can be computed alone.
 */
public final class CausalConv1d extends Layer {
    private final Parameter weight;
    private final Parameter bias;
    private final int taps;

    /** @param taps K, how many positions each output sees, the present one included */
    public CausalConv1d(Engine engine, long channels, int taps) {
        super(engine);
        Arguments.atLeast(1, "convolution: taps", taps);
        this.taps = taps;
        this.weight = parameter(
                "weight", Shape.of(channels, 1, taps), Initializer.byIndex(i -> i % taps == taps - 1 ? 1 : 0));
        this.bias = parameter("bias", Shape.of(channels), Initializer.constant(0));
    }

    /** Names neighboring channels, all of them in order. */
    public void nameChannels(List<Parameter.Section> sections) {
        weight.divide(sections);
        bias.divide(sections);
    }

    /** [C,1,K] */
    public Tensor weight() {
        return weight.value();
    }

    /** [C] */
    public Tensor bias() {
        return bias.value();
    }

    /** Overwrites the taps of channels {@code from ..} with [..,1,K]. */
    public void setWeight(long from, Tensor taps) {
        weight.setRows(from, taps);
    }

    /** Overwrites the biases of channels {@code from ..}. */
    public void setBias(long from, Tensor values) {
        bias.setRows(from, values);
    }

    /** Channels {@code from ..} of the convolution, as many as x has. */
    public Tensor apply(Tensor x, long from) {
        long channels = x.dim(-1);
        return CausalConv1dFunction.apply(
                x, weight.value().narrow(0, from, channels), bias.value().narrow(0, from, channels));
    }

    /** All channels, split into neighboring ones: [B,T,length] for each length. */
    public List<Tensor> applyParts(Tensor x, long... lengths) {
        return CausalConv1dFunction.applyParts(x, weight.value(), bias.value(), lengths);
    }

    /**
     * All channels, continued from what came before.
     *
     * @param history [B,K-1,C]
     */
    public Tensor continued(Tensor history, Tensor x) {
        return CausalConv1dFunction.continued(history, x, weight.value(), bias.value());
    }

    /** The history for what follows {@code history} and {@code x}: the last K-1 inputs. */
    public Tensor nextHistory(Tensor history, Tensor x) {
        Tensor seen = Tensor.concat(1, List.of(history, x));
        return seen.narrow(1, seen.dim(1) - (taps - 1), taps - 1);
    }
}
