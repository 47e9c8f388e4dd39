package org.mohawk4j.backend.cpu.op;

import org.mohawk4j.backend.Array;
import org.mohawk4j.backend.cpu.Cpu;
import org.mohawk4j.backend.cpu.op.Taps.Sequences;
import org.mohawk4j.op.CausalConv1dFunction.FusedCausalConv1d;

/** The causal convolution of all channels. */
public final class CpuConvolution implements FusedCausalConv1d {
    private final Cpu cpu;

    public CpuConvolution(Cpu cpu) {
        this.cpu = cpu;
    }

    private Taps taps(Array x, Array weight) {
        return new Taps(cpu, x.shape().dim(0), x.shape().dim(1), weight);
    }

    private Sequences rows(Array x) {
        return new Sequences(cpu.at(x), x.shape().dim(2));
    }

    @Override
    public Array forward(Array x, Array weight, Array bias, boolean trained) {
        Array y = cpu.take(x.shape());
        try (Taps taps = taps(x, weight)) {
            taps.forward(rows(x), cpu.at(bias), rows(y));
        }
        return y;
    }

    @Override
    public Gradients backward(Array outputGradient, Array x, Array weight) {
        Array ofX = cpu.take(x.shape());
        try (Taps taps = taps(x, weight)) {
            Taps.OfWeights sums = taps.backward(rows(outputGradient), rows(x), rows(ofX));
            return new Gradients(ofX, sums.weight(), sums.bias());
        }
    }
}
