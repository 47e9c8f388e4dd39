package org.mohawk4j.backend.cpu.op;

import java.util.ArrayList;
import java.util.List;
import org.mohawk4j.backend.Array;
import org.mohawk4j.backend.cpu.Cpu;
import org.mohawk4j.backend.cpu.Raw;
import org.mohawk4j.backend.cpu.Rows.AdamStep;
import org.mohawk4j.op.AdamWFunction.FusedAdamW;
import org.mohawk4j.op.AdamWFunction.Hyperparameters;
import org.mohawk4j.op.AdamWFunction.Part;
import org.mohawk4j.op.AdamWFunction.Slot;

/** AdamW in one pass, all parameters together, in pieces that are tasks. */
public final class CpuAdamW implements FusedAdamW {
    private static final int PIECE = 1 << 14;

    private final Cpu cpu;

    public CpuAdamW(Cpu cpu) {
        this.cpu = cpu;
    }

    private record Piece(long address, int count) {}

    @Override
    public Array norm(List<Array> gradients) {
        List<Piece> pieces = new ArrayList<>();
        for (Array gradient : gradients) {
            long size = gradient.shape().size();
            for (long from = 0; from < size; from += PIECE) {
                pieces.add(new Piece(Cpu.plus(cpu.at(gradient), from), (int) Math.min(PIECE, size - from)));
            }
        }
        double[] squares = new double[pieces.size()];
        cpu.run(squares.length, (index, lane) -> {
            Piece piece = pieces.get(index);
            squares[index] = lane.rows().dot(piece.address, piece.address, piece.count);
        });
        double sum = 0;
        for (double square : squares) {
            sum += square;
        }
        Array norm = cpu.take();
        Raw.put(cpu.at(norm), (float) Math.sqrt(sum));
        return norm;
    }

    /** A stretch of a parameter with its step. */
    private record Update(long value, long gradient, long first, long second, AdamStep step, int count) {}

    @Override
    public void update(List<Slot> slots, Array gradientScale, Hyperparameters h) {
        float scale = Raw.get(cpu.at(gradientScale));
        List<Update> updates = new ArrayList<>();
        for (Slot slot : slots) {
            long start = 0;
            for (Part part : slot.parts()) {
                AdamStep step = step(h, part, scale);
                for (long from = 0; from < part.count(); from += PIECE) {
                    long place = start + from;
                    updates.add(new Update(
                            Cpu.plus(cpu.at(slot.value().array()), place),
                            Cpu.plus(cpu.at(slot.gradient().array()), place),
                            Cpu.plus(cpu.at(slot.firstMoment().array()), place),
                            Cpu.plus(cpu.at(slot.secondMoment().array()), place),
                            step,
                            (int) Math.min(PIECE, part.count() - from)));
                }
                start += part.count();
            }
        }
        cpu.run(updates.size(), (index, lane) -> {
            Update u = updates.get(index);
            lane.rows().adam(u.value, u.gradient, u.first, u.second, u.step, u.count);
        });
    }

    private static AdamStep step(Hyperparameters h, Part part, float scale) {
        double rate = h.learningRate() * part.rateFactor();
        return new AdamStep(
                scale,
                (float) h.beta1(),
                (float) h.beta2(),
                (float) (1 - rate * part.weightDecay()),
                (float) (rate / h.correction1()),
                (float) (1 / Math.sqrt(h.correction2())),
                (float) h.epsilon());
    }
}
