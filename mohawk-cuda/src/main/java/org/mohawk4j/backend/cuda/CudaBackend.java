package org.mohawk4j.backend.cuda;

import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.Set;
import org.bytedeco.cuda.global.cudart;
import org.mohawk4j.backend.Backend;
import org.mohawk4j.backend.BackendOptions;
import org.mohawk4j.backend.ElementwiseOps;
import org.mohawk4j.backend.Kernel;
import org.mohawk4j.backend.LayoutOps;
import org.mohawk4j.backend.MatmulOps;
import org.mohawk4j.backend.MemoryOps;
import org.mohawk4j.backend.Recorder;
import org.mohawk4j.backend.ReductionOps;
import org.mohawk4j.backend.Stopwatch;
import org.mohawk4j.functional.AdamWFunction.AdamWKernel;
import org.mohawk4j.functional.ArgMaxFunction.ArgMaxKernel;
import org.mohawk4j.functional.AttentionFunction.AttentionKernel;
import org.mohawk4j.functional.CausalConv1dFunction.CausalConv1dKernel;
import org.mohawk4j.functional.CausalConv1dFunction.SplitConv1dKernel;
import org.mohawk4j.functional.DistanceFunction.DistanceKernel;
import org.mohawk4j.functional.DistillationFunction.DistillationKernel;
import org.mohawk4j.functional.GateFunction.GateKernel;
import org.mohawk4j.functional.LayerNormFunction.LayerNormKernel;
import org.mohawk4j.functional.LinearFunction.LinearKernel;
import org.mohawk4j.functional.Mamba2Function.Mamba2Kernel;
import org.mohawk4j.functional.MlpFunction.MlpKernel;
import org.mohawk4j.functional.NormedLinearsFunction.NormedLinearsKernel;
import org.mohawk4j.functional.ResidualFunction.ResidualKernel;
import org.mohawk4j.functional.ResidualNormFunction.ResidualNormKernel;
import org.mohawk4j.functional.RotaryFunction.RotaryKernel;
import org.mohawk4j.functional.SemiseparableFunction.SemiseparableKernel;
import org.mohawk4j.functional.SkipFunction.SkipKernel;
import org.mohawk4j.functional.SummedLinearsFunction.SummedLinearsKernel;
import org.mohawk4j.matrix.FrobeniusDistance.FrobeniusKernel;
import org.mohawk4j.mixer.DiscreteMamba2.StepKernel;
import org.mohawk4j.tensor.DType;

/** One GPU. Work is queued on one stream and waited for only when numbers come back to the host. */
final class CudaBackend implements Backend {
    private final Closing closing = new Closing();
    private final BackendOptions options;
    private final CudaContext context;
    private final CudaPool pool;
    private final CudaKernels kernels;
    private final CudaMatmul matmul;
    private final CudaMemory memory;
    private final ElementwiseOps elementwise;
    private final CudaReductions reductions;
    private final LayoutOps layout;
    private final Map<Class<? extends Kernel>, Kernel> fused;

    CudaBackend(BackendOptions options) {
        this(options, CudaDistillation.LOGITS_AT_ONCE);
    }

    /** @param logitsAtOnce of one model, that stage 3's loss keeps at a time, about */
    CudaBackend(BackendOptions options, long logitsAtOnce) {
        this(options, CudaDevice.of(options.device()), logitsAtOnce);
    }

    private CudaBackend(BackendOptions options, CudaDevice device, long logitsAtOnce) {
        this(options, device, device.hasWarpgroupProducts(), logitsAtOnce);
    }

    /** @param warpgroups whether kernels may use {@code wgmma}; tests take it away from a device that has it */
    CudaBackend(BackendOptions options, CudaDevice device, boolean warpgroups, long logitsAtOnce) {
        this.options = options;
        try {
            context = new CudaContext(device);
            closing.add(context::close);
            pool = new CudaPool(context);
            closing.add(pool::close);
            kernels = new CudaKernels(context);
            closing.add(kernels::close);
            Downloads downloads = new Downloads(context);
            closing.add(downloads::close);
            memory = new CudaMemory(context, pool, kernels, downloads);
            elementwise = new CudaElementwise(pool, kernels, memory);
            reductions = new CudaReductions(context, pool, kernels, memory);
            layout = new CudaLayout(context, pool, kernels, memory);
            Conversions conversions = new Conversions(pool, kernels, memory);
            Staging staging = new Staging(context);
            closing.add(staging::close);
            matmul = new CudaMatmul(context, pool, kernels, conversions, options.mixed());
            closing.add(matmul::close);
            closing.add(() -> context.synchronize("the last work before closing"));
            Map<Class<? extends Kernel>, Kernel> present = new HashMap<>();
            CudaProjections few = new CudaProjections(context, pool, kernels, memory);
            present.put(NormedLinearsKernel.class, few);
            present.put(SummedLinearsKernel.class, few);
            CudaLinear linear = new CudaLinear(pool, kernels, matmul, few, reductions, conversions);
            present.put(LinearKernel.class, linear);
            present.put(MlpKernel.class, new CudaMlp(pool, matmul, linear, conversions));
            CudaLayerNorm norm = new CudaLayerNorm(pool, kernels, reductions, options.mixed());
            present.put(LayerNormKernel.class, norm);
            present.put(ResidualNormKernel.class, new CudaResidualNorm(pool, kernels, norm, conversions));
            CudaConvolution convolution = new CudaConvolution(pool, kernels, reductions, conversions);
            present.put(CausalConv1dKernel.class, convolution);
            present.put(SplitConv1dKernel.class, convolution);
            present.put(ResidualKernel.class, new CudaResidual(pool, kernels, conversions));
            present.put(GateKernel.class, new CudaGate(pool, kernels, reductions, conversions));
            present.put(SkipKernel.class, new CudaSkip(pool, kernels, reductions, conversions));
            present.put(ArgMaxKernel.class, reductions);
            present.put(StepKernel.class, new CudaMambaStep(device, pool, kernels, memory));
            present.put(Recorder.class, new CudaRecorder(context, pool));
            present.put(Stopwatch.class, new CudaStopwatch(context));
            present.put(RotaryKernel.class, new CudaRotary(pool, kernels));
            present.put(DistanceKernel.class, new CudaDistance(pool, kernels, reductions, conversions));
            present.put(
                    DistillationKernel.class,
                    new CudaDistillation(
                            logitsAtOnce,
                            device.sharedBytes(),
                            pool,
                            kernels,
                            matmul,
                            reductions,
                            memory,
                            elementwise,
                            conversions));
            present.put(AdamWKernel.class, new CudaAdamW(pool, kernels, staging));
            if (options.mixed()) {
                present.put(AttentionKernel.class, new CudaAttention(pool, kernels, conversions, warpgroups));
                CudaSemiseparable product = new CudaSemiseparable(pool, kernels, conversions);
                present.put(SemiseparableKernel.class, product);
                present.put(
                        Mamba2Kernel.class,
                        new CudaMamba(pool, kernels, convolution, product, reductions, memory, conversions));
                present.put(FrobeniusKernel.class, new CudaFrobenius(pool, kernels, conversions, warpgroups));
            }
            fused = Map.copyOf(present);
        } catch (RuntimeException | Error e) {
            // the device's memory and context must not stay behind with a backend that nobody has
            closing.closeAfter(e);
            throw e;
        }
    }

    /** Every kernel that is offered, for tests that must know of each. */
    Set<Class<? extends Kernel>> offered() {
        return fused.keySet();
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
    public DType productType() {
        return matmul.operands(parameterType());
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
        closing.close();
    }
}
