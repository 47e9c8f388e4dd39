package org.mohawk4j.backend.nd4j;

import java.util.List;
import org.mohawk4j.backend.Array;
import org.mohawk4j.backend.nd4j.array.Nd4jArray;
import org.mohawk4j.backend.nd4j.array.Nd4jPool;
import org.mohawk4j.backend.nd4j.array.Nd4jScratch;
import org.mohawk4j.op.Activation;
import org.mohawk4j.op.glu.GluFunction.FusedGlu;
import org.nd4j.linalg.api.ndarray.INDArray;

/** Gated linear units with silu, which save the sigmoid alone. */
final class Nd4jGlu implements FusedGlu {
    private final Nd4jPool pool;

    Nd4jGlu(Nd4jPool pool) {
        this.pool = pool;
    }

    @Override
    public boolean supports(Activation activation) {
        return activation == Activation.SILU;
    }

    @Override
    public Result forward(Array gate, Array up, Activation activation) {
        Nd4jArray sigmoid = pool.take(gate.dtype(), gate.shape());
        Nd4jArray output = pool.take(gate.dtype(), gate.shape());
        INDArray y = Nd4jArray.flat(output);
        Nd4jScratch.sigmoid(Nd4jArray.flat(sigmoid), Nd4jArray.flat(gate));
        Nd4jScratch.multiply(y, Nd4jArray.flat(gate), Nd4jArray.flat(sigmoid));
        Nd4jScratch.multiply(y, y, Nd4jArray.flat(up));
        return new Result(output, List.of(sigmoid));
    }

    /** With s the sigmoid and a = gate·s: the slope of a is s + a - a·s. */
    @Override
    public Gradients backward(Array outputGradient, Array gate, Array up, List<Array> saved, Activation activation) {
        INDArray sigmoid = Nd4jArray.flat(saved.get(0));
        INDArray gradient = Nd4jArray.flat(outputGradient);
        Nd4jArray ofGate = pool.take(gate.dtype(), gate.shape());
        Nd4jArray ofUp = pool.take(gate.dtype(), gate.shape());
        INDArray dGate = Nd4jArray.flat(ofGate);
        INDArray dUp = Nd4jArray.flat(ofUp);
        Nd4jScratch.multiply(dUp, Nd4jArray.flat(gate), sigmoid);
        Nd4jScratch.multiply(dGate, dUp, sigmoid);
        Nd4jScratch.subtract(dGate, dUp, dGate);
        Nd4jScratch.add(dGate, dGate, sigmoid);
        Nd4jScratch.multiply(dGate, dGate, Nd4jArray.flat(up));
        Nd4jScratch.multiply(dGate, dGate, gradient);
        Nd4jScratch.multiply(dUp, dUp, gradient);
        return new Gradients(ofGate, ofUp);
    }
}
