package org.mohawk4j.benchmarks;

import java.util.*;
import org.mohawk4j.backend.DeviceModel;
import org.mohawk4j.mixer.DiscreteMamba2;
import org.mohawk4j.models.*;
import org.mohawk4j.train.config.*;
import org.mohawk4j.train.plan.*;

public final class PlanAccuracy {
    public static void main(String[] args) {
        for (String a : args) {
            String[] p = a.split(",");
            ModelShape shape = ModelShape.of(p[0]);
            int stage = Integer.parseInt(p[1]), batch = Integer.parseInt(p[2]), context = Integer.parseInt(p[3]);
            boolean rec = p.length > 4;
            long t0 = System.nanoTime();
            CausalLmConfig teacher = shape.config(context, shape.layers(), shape.attention());
            MixerPlan mixers = MixerPlan.replacing(teacher, DiscreteMamba2.Config::like, List.of());
            List<Double> split = new ArrayList<>(List.of(0.0, 0.0, 0.0));
            split.set(stage - 1, 1.0);
            DistillConfig config = DistillConfig.builder().batch(batch).context(context).tokens(1_000_000_000L)
                    .dtype(MachineConfig.Precision.BFLOAT16).build().with(Map.of("split", split, "distillation.recompute", rec));
            DeviceModel device = new DeviceModel("NVIDIA H200", 9, 0, 132, 1_980_000, 232_448, 143_771L << 20);
            try (DryTraining dry = new DryTraining(config, e -> new CausalLm(e, teacher, new SplittableRandom(0)), mixers, device)) {
                StageProfile f = dry.profiles(1).get(0);
                double flops = f.step().stream().filter(l -> l.product()).mapToDouble(l -> l.operations()).sum();
                double aflops = f.step().stream().filter(l -> !l.product()).mapToDouble(l -> l.operations()).sum();
                double bytes = f.step().stream().filter(l -> !l.product()).mapToDouble(l -> l.bytes()).sum();
                System.out.printf("%s params %d %d peak %.2f GiB %s products %.2f TF attention %.2f TF bytes %.1f GB launches %d  (%.2f s)%n", a, dry.teacherParameters(), dry.studentParameters(), f.peakBytes() / 1073741824.0, f.memory(), flops/1e12, aflops/1e12, bytes/1e9, f.step().size(), (System.nanoTime()-t0)/1e9);
                if (System.getProperty("kernels") != null) {
                    Map<String,double[]> m = new TreeMap<>();
                    f.step().forEach(l -> { double[] d = m.computeIfAbsent(l.name(), n -> new double[3]); d[0]++; d[1]+=l.bytes()/4.26e12*1e3; d[2]+=l.operations()/7.05e14*1e3; });
                    m.entrySet().stream().sorted(Comparator.comparingDouble(e -> -Math.max(e.getValue()[1],e.getValue()[2]))).limit(45).forEach(e -> System.out.printf("  %-60s %5.0f  bytes %.3f ms  ops %.3f ms%n", e.getKey(), e.getValue()[0], e.getValue()[1], e.getValue()[2]));
                }
            }
        }
    }
}
