package org.mohawk4j.backend.cuda;

import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import org.bytedeco.cuda.global.cudart;
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
import org.mohawk4j.functional.LayerNormFunction.LayerNormKernel;
import org.mohawk4j.functional.LinearFunction.LinearKernel;
import org.mohawk4j.functional.SemiseparableFunction.SemiseparableKernel;
import org.mohawk4j.matrix.FrobeniusDistance.FrobeniusKernel;
import org.mohawk4j.tensor.DType;

/** One GPU. Work is queued on one stream and waited for only when numbers come back to the host. */
final class CudaBackend implements Backend {
    /** From here on the kernels for tensor cores run: they use this architecture's instructions. */
    private static final int HOPPER = 9;

    private final BackendOptions options;
    private final CudaContext context;
    private final CudaPool pool;
    private final CudaKernels kernels;
    private final CudaMatmul matmul;
    private final MemoryOps memory;
    private final ElementwiseOps elementwise;
    private final CudaReductions reductions;
    private final LayoutOps layout;
    private final Map<Class<? extends Kernel>, Kernel> fused;

    CudaBackend(BackendOptions options) {
        this.options = options;
        context = new CudaContext(CudaDevice.of(options.device()));
        pool = new CudaPool(context);
        kernels = new CudaKernels(context);
        memory = new CudaMemory(context, pool, kernels);
        elementwise = new CudaElementwise(pool, kernels, memory);
        reductions = new CudaReductions(context, pool, kernels);
        layout = new CudaLayout(context, pool, kernels);
        matmul = new CudaMatmul(context, pool, memory, options.mixed());
        BFloat16 bfloat16 = new BFloat16(memory);
        Map<Class<? extends Kernel>, Kernel> present = new HashMap<>();
        present.put(LinearKernel.class, new CudaLinear(pool, kernels, matmul));
        present.put(LayerNormKernel.class, new CudaLayerNorm(pool, kernels, reductions));
        present.put(CausalConv1dKernel.class, new CudaConvolution(pool, kernels, reductions));
        present.put(
                DistillationKernel.class, new CudaDistillation(pool, kernels, matmul, reductions, memory, elementwise));
        present.put(AdamWKernel.class, new CudaAdamW(pool, kernels, memory));
        if (options.mixed() && context.device().major() >= HOPPER) {
            present.put(AttentionKernel.class, new CudaAttention(pool, kernels, bfloat16));
            present.put(SemiseparableKernel.class, new CudaSemiseparable(pool, kernels, bfloat16));
            present.put(FrobeniusKernel.class, new CudaFrobenius(pool, kernels, bfloat16));
        }
        fused = Map.copyOf(present);
    }

    @Override
    public String name() {
        return CudaBackendProvider.NAME;
    }

    @Override
    public String description() {
        CudaDevice device = context.device();
        int[] driver = new int[1];
        Status.driver(cudart.cuDriverGetVersion(driver), "asking for the driver's version");
        return device.name() + ", " + device.architecture() + ", driver for CUDA "
                + CudaBackendProvider.version(driver[0]) + ", NVRTC " + KernelCompiler.version()
                + (options.mixed() ? ", products in bfloat16" : "");
    }

    @Override
    public DType parameterType() {
        return options.parameterType();
    }

    @Override
    public OptionalDouble peakFlops() {
        return options.parameterType() == DType.FLOAT32
                ? context.device().peakFlops(options.mixed())
                : OptionalDouble.empty();
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
        return Optional.ofNullable(fused.get(type)).map(type::cast);
    }

    @Override
    public void close() {
        context.synchronize("the last work before closing");
        matmul.close();
        kernels.close();
        pool.close();
        context.close();
    }
}
