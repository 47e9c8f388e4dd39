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
import org.mohawk4j.backend.EventTimer;
import org.mohawk4j.backend.FusedOp;
import org.mohawk4j.backend.GraphCapture;
import org.mohawk4j.backend.LayoutOps;
import org.mohawk4j.backend.MatmulOps;
import org.mohawk4j.backend.MemoryOps;
import org.mohawk4j.backend.ReductionOps;
import org.mohawk4j.backend.cuda.compile.CudaKernels;
import org.mohawk4j.backend.cuda.compile.KernelCompiler;
import org.mohawk4j.backend.cuda.driver.CloseStack;
import org.mohawk4j.backend.cuda.driver.CudaContext;
import org.mohawk4j.backend.cuda.driver.CudaDevice;
import org.mohawk4j.backend.cuda.driver.CudaEventTimer;
import org.mohawk4j.backend.cuda.driver.CudaStatus;
import org.mohawk4j.backend.cuda.gemm.CudaMatmul;
import org.mohawk4j.backend.cuda.memory.AsyncDownloads;
import org.mohawk4j.backend.cuda.memory.CudaGraphCapture;
import org.mohawk4j.backend.cuda.memory.CudaPool;
import org.mohawk4j.backend.cuda.memory.Staging;
import org.mohawk4j.backend.cuda.op.attention.CudaAttention;
import org.mohawk4j.backend.cuda.op.attention.CudaRotary;
import org.mohawk4j.backend.cuda.op.distance.CudaDistance;
import org.mohawk4j.backend.cuda.op.distance.CudaFrobenius;
import org.mohawk4j.backend.cuda.op.linear.CudaLinear;
import org.mohawk4j.backend.cuda.op.linear.CudaMlp;
import org.mohawk4j.backend.cuda.op.linear.CudaProjections;
import org.mohawk4j.backend.cuda.op.loss.CudaDistillation;
import org.mohawk4j.backend.cuda.op.mamba.CudaConvolution;
import org.mohawk4j.backend.cuda.op.mamba.CudaGate;
import org.mohawk4j.backend.cuda.op.mamba.CudaMamba;
import org.mohawk4j.backend.cuda.op.mamba.CudaMambaStep;
import org.mohawk4j.backend.cuda.op.mamba.CudaSemiseparable;
import org.mohawk4j.backend.cuda.op.mamba.CudaSkip;
import org.mohawk4j.backend.cuda.op.norm.CudaLayerNorm;
import org.mohawk4j.backend.cuda.op.norm.CudaResidual;
import org.mohawk4j.backend.cuda.op.norm.CudaResidualNorm;
import org.mohawk4j.backend.cuda.op.optimizer.CudaAdamW;
import org.mohawk4j.backend.cuda.op.tensor.Conversions;
import org.mohawk4j.backend.cuda.op.tensor.CudaElementwise;
import org.mohawk4j.backend.cuda.op.tensor.CudaLayout;
import org.mohawk4j.backend.cuda.op.tensor.CudaMemory;
import org.mohawk4j.backend.cuda.op.tensor.CudaReductions;
import org.mohawk4j.matrix.FrobeniusDistance.FusedFrobenius;
import org.mohawk4j.mixer.DiscreteMamba2.FusedStep;
import org.mohawk4j.op.AdamWFunction.FusedAdamW;
import org.mohawk4j.op.ArgMaxFunction.FusedArgMax;
import org.mohawk4j.op.AttentionFunction.FusedAttention;
import org.mohawk4j.op.CausalConv1dFunction.FusedCausalConv1d;
import org.mohawk4j.op.CausalConv1dFunction.FusedSplitConv1d;
import org.mohawk4j.op.GateFunction.FusedGate;
import org.mohawk4j.op.LayerNormFunction.FusedLayerNorm;
import org.mohawk4j.op.LinearFunction.FusedLinear;
import org.mohawk4j.op.Mamba2Function.FusedMamba2;
import org.mohawk4j.op.MlpFunction.FusedMlp;
import org.mohawk4j.op.NormedLinearsFunction.FusedNormedLinears;
import org.mohawk4j.op.ResidualFunction.FusedResidual;
import org.mohawk4j.op.ResidualNormFunction.FusedResidualNorm;
import org.mohawk4j.op.RotaryFunction.FusedRotary;
import org.mohawk4j.op.SemiseparableFunction.FusedSemiseparable;
import org.mohawk4j.op.SkipFunction.FusedSkip;
import org.mohawk4j.op.SummedLinearsFunction.FusedSummedLinears;
import org.mohawk4j.op.loss.DistanceFunction.FusedDistance;
import org.mohawk4j.op.loss.DistillationFunction.FusedDistillation;
import org.mohawk4j.tensor.types.DType;

/** One GPU. Work is queued on one stream and waited for only when numbers come back to the host. */
public final class CudaBackend implements Backend {
    private final CloseStack closing = new CloseStack();
    private final BackendOptions options;
    private final CudaContext context;
    private final CudaPool pool;
    private final CudaKernels kernels;
    private final CudaMatmul matmul;
    private final CudaMemory memory;
    private final ElementwiseOps elementwise;
    private final CudaReductions reductions;
    private final LayoutOps layout;
    private final GraphCapture graphCapture;
    private final EventTimer eventTimer;
    private final Map<Class<? extends FusedOp>, FusedOp> fused;

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
            AsyncDownloads downloads = new AsyncDownloads(context);
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
            Map<Class<? extends FusedOp>, FusedOp> present = new HashMap<>();
            CudaProjections few = new CudaProjections(context, pool, kernels, memory);
            present.put(FusedNormedLinears.class, few);
            present.put(FusedSummedLinears.class, few);
            CudaLinear linear = new CudaLinear(pool, kernels, matmul, few, reductions, conversions);
            present.put(FusedLinear.class, linear);
            present.put(FusedMlp.class, new CudaMlp(pool, matmul, linear, conversions));
            CudaLayerNorm norm = new CudaLayerNorm(pool, kernels, reductions, options.mixed());
            present.put(FusedLayerNorm.class, norm);
            present.put(FusedResidualNorm.class, new CudaResidualNorm(pool, kernels, norm, conversions));
            CudaConvolution convolution = new CudaConvolution(pool, kernels, reductions, conversions);
            present.put(FusedCausalConv1d.class, convolution);
            present.put(FusedSplitConv1d.class, convolution);
            present.put(FusedResidual.class, new CudaResidual(pool, kernels, conversions));
            present.put(FusedGate.class, new CudaGate(pool, kernels, reductions, conversions));
            present.put(FusedSkip.class, new CudaSkip(pool, kernels, reductions, conversions));
            present.put(FusedArgMax.class, reductions);
            present.put(FusedStep.class, new CudaMambaStep(device, pool, kernels, memory));
            graphCapture = new CudaGraphCapture(context, pool);
            eventTimer = new CudaEventTimer(context);
            present.put(FusedRotary.class, new CudaRotary(pool, kernels));
            present.put(FusedDistance.class, new CudaDistance(pool, kernels, reductions, conversions));
            present.put(
                    FusedDistillation.class,
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
            present.put(FusedAdamW.class, new CudaAdamW(pool, kernels, staging));
            if (options.mixed()) {
                present.put(FusedAttention.class, new CudaAttention(pool, kernels, conversions, warpgroups));
                CudaSemiseparable product = new CudaSemiseparable(pool, kernels, conversions);
                present.put(FusedSemiseparable.class, product);
                present.put(
                        FusedMamba2.class,
                        new CudaMamba(pool, kernels, convolution, product, reductions, memory, conversions));
                present.put(FusedFrobenius.class, new CudaFrobenius(pool, kernels, conversions, warpgroups));
            }
            fused = Map.copyOf(present);
        } catch (RuntimeException | Error e) {
            // the device's memory and context must not stay behind with a backend that nobody has
            closing.closeAfter(e);
            throw e;
        }
    }

    /** Every kernel that is offered, for tests that must know of each. */
    Set<Class<? extends FusedOp>> offered() {
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
        CudaStatus.driver(cudart.cuDriverGetVersion(driver), "asking for the driver's version");
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
    public <K extends FusedOp> Optional<K> fused(Class<K> type) {
        return Optional.ofNullable(fused.get(type)).map(type::cast);
    }

    @Override
    public Optional<GraphCapture> graphCapture() {
        return Optional.of(graphCapture);
    }

    @Override
    public Optional<EventTimer> eventTimer() {
        return Optional.of(eventTimer);
    }

    @Override
    public void close() {
        closing.close();
    }
}
