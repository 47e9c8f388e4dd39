package org.mohawk4j.backend.nd4j;

import java.util.Map;
import java.util.Optional;
import java.util.Properties;
import org.mohawk4j.backend.Backend;
import org.mohawk4j.backend.BackendOptions;
import org.mohawk4j.backend.ElementwiseOps;
import org.mohawk4j.backend.Kernel;
import org.mohawk4j.backend.LayoutOps;
import org.mohawk4j.backend.MatmulOps;
import org.mohawk4j.backend.MemoryOps;
import org.mohawk4j.backend.ReductionOps;
import org.mohawk4j.functional.AdamWFunction.AdamWKernel;
import org.mohawk4j.functional.AttentionFunction.AttentionKernel;
import org.mohawk4j.functional.CausalConv1dFunction.CausalConv1dKernel;
import org.mohawk4j.functional.DistillationFunction.DistillationKernel;
import org.mohawk4j.functional.GluFunction.GluKernel;
import org.mohawk4j.functional.LayerNormFunction.LayerNormKernel;
import org.mohawk4j.functional.LinearFunction.LinearKernel;
import org.mohawk4j.functional.RmsNormFunction.RmsNormKernel;
import org.mohawk4j.functional.SemiseparableFunction.SemiseparableKernel;
import org.mohawk4j.tensor.DType;
import org.nd4j.linalg.factory.Nd4j;

/** Runs on whichever ND4J backend is on the class path, in float32 or float64. */
final class Nd4jBackend implements Backend {
    /** What ND4J starts with; it keeps the number for the whole process. */
    private static final int DEFAULT_THREADS = Nd4j.getEnvironment().maxMasterThreads();

    private final Nd4jPool pool = new Nd4jPool();
    private final Nd4jMasks masks = new Nd4jMasks(pool);
    private final MemoryOps memory = new Nd4jMemory(pool);
    private final ElementwiseOps elementwise = new Nd4jElementwise(pool, masks);
    private final ReductionOps reductions = new Nd4jReductions(pool);
    private final MatmulOps matmul = new Nd4jMatmul(pool);
    private final LayoutOps layout = new Nd4jLayout(pool);
    private final Map<Class<? extends Kernel>, Kernel> kernels;
    private final BackendOptions options;

    Nd4jBackend(BackendOptions options) {
        this.options = options;
        this.kernels = Map.of(
                LinearKernel.class, new Nd4jLinear(pool),
                LayerNormKernel.class, new Nd4jLayerNorm(pool),
                RmsNormKernel.class, new Nd4jRmsNorm(pool),
                GluKernel.class, new Nd4jGlu(pool),
                AttentionKernel.class, new Nd4jAttention(pool, masks),
                CausalConv1dKernel.class, new Nd4jConvolution(pool),
                DistillationKernel.class, new Nd4jDistillation(pool),
                AdamWKernel.class, new Nd4jAdamW(pool),
                SemiseparableKernel.class, new Nd4jSemiseparable(pool, masks));
        int threads = options.threads() > 0 ? options.threads() : DEFAULT_THREADS;
        Nd4j.getEnvironment().setMaxMasterThreads(threads);
        Nd4j.getEnvironment().setMaxThreads(threads);
    }

    @Override
    public String name() {
        return Nd4jBackendProvider.NAME;
    }

    @Override
    public String description() {
        Properties environment = Nd4j.getExecutioner().getEnvironmentInformation();
        return "ND4J " + environment.getProperty("backend", "unknown") + ", BLAS " + environment.get("blas.vendor")
                + ", " + Nd4j.getEnvironment().maxMasterThreads() + " threads";
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
    public <K extends Kernel> Optional<K> kernel(Class<K> type) {
        return Optional.ofNullable(kernels.get(type)).map(type::cast);
    }

    @Override
    public void close() {
        pool.close();
    }
}
