package org.mohawk4j.train.config;

import java.util.Optional;
import org.mohawk4j.models.MixerInit;

/**
 * The student's discrete Mamba-2 mixers.
 *
 * @param stateSize N, of each head
 * @param convWidth K, taps of the causal convolution
 * @param valueHeads H, heads of the mixing matrix; empty: as many as the teacher has
 * @param qkHeads heads of B and C, a divisor of H, each serving H / qkHeads value heads; empty: as many as value heads
 * @param chunkLength Q, positions that the chunked multiply handles at once; changes speed, not results
 * @param start what the mixers begin as
 */
public record StudentConfig(
        int stateSize,
        int convWidth,
        Optional<Integer> valueHeads,
        Optional<Integer> qkHeads,
        int chunkLength,
        MixerInit start) {
    /** Checks the ranges. */
    public StudentConfig {
        Ranges.atLeast(1, "student.state-size", stateSize);
        Ranges.atLeast(2, "student.conv-width", convWidth);
        valueHeads.ifPresent(heads -> Ranges.atLeast(1, "student.value-heads", heads));
        qkHeads.ifPresent(heads -> Ranges.atLeast(1, "student.qk-heads", heads));
        if (valueHeads.isPresent() && qkHeads.isPresent()) {
            Ranges.require(
                    valueHeads.get() % qkHeads.get() == 0,
                    "student.qk-heads",
                    "a divisor of student.value-heads " + valueHeads.get(),
                    qkHeads.get());
        }
        Ranges.atLeast(1, "student.chunk-length", chunkLength);
    }

    static StudentConfig defaults() {
        return new StudentConfig(64, 4, Optional.empty(), Optional.empty(), 64, MixerInit.ATTENTION);
    }
}
