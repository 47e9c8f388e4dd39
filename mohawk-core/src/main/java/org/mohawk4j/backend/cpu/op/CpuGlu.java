package org.mohawk4j.backend.cpu.op;

import java.util.List;
import org.mohawk4j.backend.Array;
import org.mohawk4j.backend.cpu.Cpu;
import org.mohawk4j.op.Activation;
import org.mohawk4j.op.glu.GluFunction.FusedGlu;

/** The gated linear unit, in pieces that stay in the cache. */
public final class CpuGlu implements FusedGlu {
    private static final int PIECE = 4096;

    private final Cpu cpu;

    public CpuGlu(Cpu cpu) {
        this.cpu = cpu;
    }

    @Override
    public boolean supports(Activation activation) {
        return true;
    }

    @Override
    public Result forward(Array gate, Array up, Activation activation) {
        Array y = cpu.take(gate.shape());
        long gates = cpu.at(gate);
        long ups = cpu.at(up);
        long out = cpu.at(y);
        cpu.inBlocks(gate.shape().size(), PIECE, (from, count, block, lane) -> {
            long place = Cpu.plus(out, from);
            lane.rows().activate(activation, place, Cpu.plus(gates, from), count);
            lane.rows().multiply(place, place, Cpu.plus(ups, from), count);
        });
        return new Result(y, List.of());
    }

    @Override
    public Gradients backward(Array outputGradient, Array gate, Array up, List<Array> saved, Activation activation) {
        Array ofGate = cpu.take(gate.shape());
        Array ofUp = cpu.take(up.shape());
        long g = cpu.at(outputGradient);
        long gates = cpu.at(gate);
        long ups = cpu.at(up);
        long one = cpu.at(ofGate);
        long two = cpu.at(ofUp);
        cpu.inBlocks(gate.shape().size(), PIECE, (from, count, block, lane) -> {
            long ofGates = Cpu.plus(one, from);
            long ofUps = Cpu.plus(two, from);
            lane.rows().multiply(ofUps, Cpu.plus(g, from), Cpu.plus(ups, from), count);
            lane.rows().activationGradient(activation, ofGates, ofUps, Cpu.plus(gates, from), count);
            lane.rows().activate(activation, ofUps, Cpu.plus(gates, from), count);
            lane.rows().multiply(ofUps, ofUps, Cpu.plus(g, from), count);
        });
        return new Gradients(ofGate, ofUp);
    }
}
