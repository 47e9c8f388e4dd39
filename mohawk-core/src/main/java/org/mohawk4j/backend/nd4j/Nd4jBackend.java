package org.mohawk4j.backend.nd4j;

import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.Properties;
import org.mohawk4j.backend.Backend;
import org.mohawk4j.backend.BackendOptions;
import org.mohawk4j.backend.ElementwiseOps;
import org.mohawk4j.backend.FusedOp;
import org.mohawk4j.backend.LayoutOps;
import org.mohawk4j.backend.MatmulOps;
import org.mohawk4j.backend.MemoryOps;
import org.mohawk4j.backend.ReductionOps;
import org.mohawk4j.backend.cpu.Cpu;
import org.mohawk4j.backend.cpu.op.CpuKernels;
import org.mohawk4j.backend.cpu.op.CpuTensors;
import org.mohawk4j.backend.nd4j.array.Nd4jMasks;
import org.mohawk4j.backend.nd4j.array.Nd4jPool;
import org.mohawk4j.op.AdamWFunction.FusedAdamW;
import org.mohawk4j.op.AttentionFunction.FusedAttention;
import org.mohawk4j.op.CausalConv1dFunction.FusedCausalConv1d;
import org.mohawk4j.op.LinearFunction.FusedLinear;
import org.mohawk4j.op.loss.DistillationFunction.FusedDistillation;
import org.mohawk4j.tensor.types.DType;
import org.nd4j.linalg.factory.Nd4j;

/** Runs on whichever ND4J backend is on the class path, in float32 or float64. */
final class Nd4jBackend implements Backend {
    private final Nd4jPool pool = new Nd4jPool();
    private final Nd4jMasks masks = new Nd4jMasks(pool);
    private final MemoryOps memory;
    private final ElementwiseOps elementwise;
    private final ReductionOps reductions = new Nd4jReductions(pool);
    private final MatmulOps matmul;
    private final LayoutOps layout;
    private final Map<Class<? extends FusedOp>, FusedOp> kernels;
    private final BackendOptions options;
    private final Nd4jThreads threads;

    /** None in float64, and where arrays are not in the memory of this process. */
    private final Optional<Cpu> cpu;

    Nd4jBackend(BackendOptions options) {
        this.options = options;
        this.threads = Nd4jThreads.take(options.threads());
        this.cpu = options.parameterType() == DType.FLOAT32
                        && Nd4j.getEnvironment().isCPU()
                ? Optional.of(new Cpu(new Nd4jHostArrays(pool), threads.count()))
                : Optional.empty();
        Optional<CpuTensors> tensors = cpu.map(CpuTensors::new);
        this.memory = new Nd4jMemory(pool, tensors);
        this.elementwise = new Nd4jElementwise(pool, masks, tensors);
        this.matmul = new Nd4jMatmul(pool, tensors);
        this.layout = new Nd4jLayout(pool, tensors);
        Map<Class<? extends FusedOp>, FusedOp> all = new HashMap<>(Map.of(
                FusedLinear.class, new Nd4jLinear(pool),
                FusedAttention.class, new Nd4jAttention(pool, masks),
                FusedCausalConv1d.class, new Nd4jConvolution(pool),
                FusedDistillation.class, new Nd4jDistillation(pool),
                FusedAdamW.class, new Nd4jAdamW(pool)));
        cpu.ifPresent(own -> all.putAll(CpuKernels.all(own)));
        this.kernels = Map.copyOf(all);
    }

    @Override
    public String name() {
        return Nd4jBackendProvider.NAME;
    }

    @Override
    public String description() {
        Properties environment = Nd4j.getExecutioner().getEnvironmentInformation();
        return "ND4J " + environment.getProperty("backend", "unknown") + ", BLAS " + environment.get("blas.vendor")
                + ", " + threads.count() + " threads"
                + cpu.map(own -> ", kernels " + own.rows()).orElse("");
    }

    @Override
    public DType parameterType() {
        return options.parameterType();
    }

    @Override
    public MemoryOps memory() {
        return memory;
    }

    @Override
    public ElementwiseOps elementwise() {
        return elementwise;
    }

    @Override
    public ReductionOps reductions() {
        return reductions;
    }

    @Override
    public MatmulOps matmul() {
        return matmul;
    }

    @Override
    public LayoutOps layout() {
        return layout;
    }

    @Override
    public <K extends FusedOp> Optional<K> fused(Class<K> type) {
        return Optional.ofNullable(kernels.get(type)).map(type::cast);
    }

    @Override
    public void close() {
        cpu.ifPresent(Cpu::close);
        pool.close();
        threads.close();
    }
}
