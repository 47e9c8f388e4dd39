package org.mohawk4j.backend.cpu.op;

import java.util.HashMap;
import java.util.Map;
import org.mohawk4j.backend.FusedOp;
import org.mohawk4j.backend.cpu.Cpu;
import org.mohawk4j.matrix.FrobeniusDistance.FusedFrobenius;
import org.mohawk4j.mixer.DiscreteMamba2.FusedStep;
import org.mohawk4j.op.AdamWFunction.FusedAdamW;
import org.mohawk4j.op.ArgMaxFunction.FusedArgMax;
import org.mohawk4j.op.AttentionFunction.FusedAttention;
import org.mohawk4j.op.CausalConv1dFunction.FusedCausalConv1d;
import org.mohawk4j.op.GateFunction.FusedGate;
import org.mohawk4j.op.LagSumsFunction.FusedLagSums;
import org.mohawk4j.op.LayerNormFunction.FusedLayerNorm;
import org.mohawk4j.op.LinearFunction.FusedLinear;
import org.mohawk4j.op.Mamba2Function.FusedMamba2;
import org.mohawk4j.op.NormedLinearsFunction.FusedNormedLinears;
import org.mohawk4j.op.ResidualNormFunction.FusedResidualNorm;
import org.mohawk4j.op.RmsNormFunction.FusedRmsNorm;
import org.mohawk4j.op.RotaryFunction.FusedRotary;
import org.mohawk4j.op.SemiseparableFunction.FusedSemiseparable;
import org.mohawk4j.op.SummedLinearsFunction.FusedSummedLinears;
import org.mohawk4j.op.glu.GluFunction.FusedGlu;
import org.mohawk4j.op.glu.NormedGluFunction.FusedNormedGlu;
import org.mohawk4j.op.loss.CrossEntropyFunction.FusedCrossEntropy;
import org.mohawk4j.op.loss.DistanceFunction.FusedDistance;
import org.mohawk4j.op.loss.DistanceFunction.FusedRelativeDistance;
import org.mohawk4j.op.loss.DistillationFunction.FusedDistillation;

/** The operations that there are kernels for. */
public final class CpuKernels {
    private CpuKernels() {}

    /** By the operation's interface. */
    public static Map<Class<? extends FusedOp>, FusedOp> all(Cpu cpu) {
        Map<Class<? extends FusedOp>, FusedOp> kernels = new HashMap<>();
        CpuLayerNorm layerNorm = new CpuLayerNorm(cpu);
        kernels.put(FusedLinear.class, new CpuLinear(cpu));
        kernels.put(FusedLayerNorm.class, layerNorm.alone());
        kernels.put(FusedResidualNorm.class, layerNorm.ofSum());
        kernels.put(FusedDistillation.class, new CpuDistillation(cpu));
        kernels.put(FusedAttention.class, new CpuAttention(cpu));
        kernels.put(FusedRotary.class, new CpuRotary(cpu));
        kernels.put(FusedCausalConv1d.class, new CpuConvolution(cpu));
        kernels.put(FusedSemiseparable.class, new CpuSemiseparable(cpu));
        kernels.put(FusedMamba2.class, new CpuMamba2(cpu));
        kernels.put(FusedAdamW.class, new CpuAdamW(cpu));
        kernels.put(FusedFrobenius.class, new CpuFrobenius(cpu));
        CpuDistance distance = new CpuDistance(cpu);
        kernels.put(FusedDistance.class, distance);
        kernels.put(FusedRelativeDistance.class, distance.relative());
        kernels.put(FusedGate.class, new CpuGate(cpu));
        kernels.put(FusedRmsNorm.class, new CpuRmsNorm(cpu));
        kernels.put(FusedGlu.class, new CpuGlu(cpu));
        CpuProjections projections = new CpuProjections(cpu);
        kernels.put(FusedNormedLinears.class, projections.normed());
        kernels.put(FusedNormedGlu.class, projections.glu());
        kernels.put(FusedSummedLinears.class, projections.summed());
        kernels.put(FusedStep.class, new CpuMambaStep(cpu));
        kernels.put(FusedArgMax.class, new CpuArgMax(cpu));
        kernels.put(FusedLagSums.class, new CpuLagSums(cpu));
        kernels.put(FusedCrossEntropy.class, new CpuCrossEntropy(cpu));
        return kernels;
    }
}
