package org.mohawk4j.backend.cpu.op;

import org.mohawk4j.backend.Array;
import org.mohawk4j.backend.cpu.Cpu;
import org.mohawk4j.backend.cpu.Lane.Matrix;
import org.mohawk4j.backend.cpu.Lane.Sizes;
import org.mohawk4j.backend.cpu.Raw;
import org.mohawk4j.op.loss.CrossEntropyFunction.FusedCrossEntropy;
import org.mohawk4j.op.loss.DistillationFunction.Operands;

/** Negative log-likelihoods, with the logits of a few rows at a time. */
public final class CpuCrossEntropy implements FusedCrossEntropy {
    private final Cpu cpu;

    public CpuCrossEntropy(Cpu cpu) {
        this.cpu = cpu;
    }

    @Override
    public Array forward(Operands head, Array labels) {
        long rows = head.hidden().shape().dim(0);
        long depth = head.hidden().shape().dim(1);
        int vocabulary = Math.toIntExact(head.weight().shape().dim(0));
        Array losses = cpu.take(rows, 1);
        long hidden = cpu.at(head.hidden());
        long weight = cpu.at(head.weight());
        long bias = head.bias().map(cpu::at).orElse(0L);
        long ids = cpu.atIndices(labels);
        long out = cpu.at(losses);
        cpu.inBlocks(rows, CpuDistillation.rowsAtOnce(vocabulary), (from, count, block, lane) -> {
            long logits = lane.scratch().take((long) count * vocabulary);
            lane.gemm(
                    new Sizes(count, vocabulary, depth),
                    1,
                    new Matrix(Cpu.plus(hidden, from * depth), depth),
                    new Matrix(weight, depth, true),
                    0,
                    new Matrix(logits, vocabulary));
            for (int i = 0; i < count; i++) {
                long row = Cpu.plus(logits, (long) i * vocabulary);
                if (bias != 0) {
                    lane.rows().add(row, row, bias, vocabulary);
                }
                int label = CpuTensors.row(ids, from + i, vocabulary);
                float logit = Raw.get(Cpu.plus(row, label));
                float sum = lane.rows().softmax(row, 1, row, vocabulary);
                Raw.put(Cpu.plus(out, from + i), sum - logit);
            }
        });
        return losses;
    }
}
