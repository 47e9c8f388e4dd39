package org.mohawk4j.backend.cuda;

import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.Set;
import org.bytedeco.cuda.global.cudart;
import org.mohawk4j.backend.Backend;
import org.mohawk4j.backend.BackendOptions;
import org.mohawk4j.backend.Collectives;
import org.mohawk4j.backend.DeviceModel;
import org.mohawk4j.backend.DryRun;
import org.mohawk4j.backend.ElementwiseOps;
import org.mohawk4j.backend.EventTimer;
import org.mohawk4j.backend.FusedOp;
import org.mohawk4j.backend.GraphCapture;
import org.mohawk4j.backend.KernelProfiler;
import org.mohawk4j.backend.LayoutOps;
import org.mohawk4j.backend.MatmulOps;
import org.mohawk4j.backend.MemoryOps;
import org.mohawk4j.backend.ReductionOps;
import org.mohawk4j.backend.cuda.compile.KernelCompiler;
import org.mohawk4j.backend.cuda.driver.CudaDevice;
import org.mohawk4j.backend.cuda.driver.CudaEventTimer;
import org.mohawk4j.backend.cuda.driver.CudaStatus;
import org.mohawk4j.backend.cuda.driver.DryDevice;
import org.mohawk4j.backend.cuda.memory.CudaGraphCapture;
import org.mohawk4j.backend.cuda.nccl.NcclCollectives;
import org.mohawk4j.backend.cuda.op.Gpu;
import org.mohawk4j.backend.cuda.op.attention.CudaAttention;
import org.mohawk4j.backend.cuda.op.attention.CudaRotary;
import org.mohawk4j.backend.cuda.op.distance.CudaDistance;
import org.mohawk4j.backend.cuda.op.distance.CudaFrobenius;
import org.mohawk4j.backend.cuda.op.distance.CudaLagSums;
import org.mohawk4j.backend.cuda.op.linear.CudaGatedMlp;
import org.mohawk4j.backend.cuda.op.linear.CudaGlu;
import org.mohawk4j.backend.cuda.op.linear.CudaLinear;
import org.mohawk4j.backend.cuda.op.linear.CudaMlp;
import org.mohawk4j.backend.cuda.op.linear.CudaProjections;
import org.mohawk4j.backend.cuda.op.linear.PersistentLaunch;
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
import org.mohawk4j.backend.cuda.op.norm.CudaResidualRmsNorm;
import org.mohawk4j.backend.cuda.op.norm.CudaRmsNorm;
import org.mohawk4j.backend.cuda.op.optimizer.CudaAdamW;
import org.mohawk4j.matrix.FrobeniusDistance.FusedFrobenius;
import org.mohawk4j.mixer.DiscreteMamba2.FusedStep;
import org.mohawk4j.op.AdamWFunction.FusedAdamW;
import org.mohawk4j.op.ArgMaxFunction.FusedArgMax;
import org.mohawk4j.op.AttentionFunction.FusedAttention;
import org.mohawk4j.op.CausalConv1dFunction.FusedCausalConv1d;
import org.mohawk4j.op.CausalConv1dFunction.FusedSplitConv1d;
import org.mohawk4j.op.GateFunction.FusedGate;
import org.mohawk4j.op.LagSumsFunction.FusedLagSums;
import org.mohawk4j.op.LayerNormFunction.FusedLayerNorm;
import org.mohawk4j.op.LinearFunction.FusedLinear;
import org.mohawk4j.op.Mamba2Function.FusedMamba2;
import org.mohawk4j.op.MlpFunction.FusedMlp;
import org.mohawk4j.op.NormedLinearsFunction.FusedNormedLinears;
import org.mohawk4j.op.ResidualFunction.FusedResidual;
import org.mohawk4j.op.ResidualNormFunction.FusedResidualNorm;
import org.mohawk4j.op.ResidualRmsNormFunction.FusedResidualRmsNorm;
import org.mohawk4j.op.RmsNormFunction.FusedRmsNorm;
import org.mohawk4j.op.RotaryFunction.FusedRotary;
import org.mohawk4j.op.SemiseparableFunction.FusedSemiseparable;
import org.mohawk4j.op.SkipFunction.FusedSkip;
import org.mohawk4j.op.SummedLinearsFunction.FusedSummedLinears;
import org.mohawk4j.op.glu.GatedMlpFunction.FusedGatedMlp;
import org.mohawk4j.op.glu.GluFunction.FusedGlu;
import org.mohawk4j.op.glu.NormedGluFunction.FusedNormedGlu;
import org.mohawk4j.op.loss.DistanceFunction.FusedDistance;
import org.mohawk4j.op.loss.DistanceFunction.FusedRelativeDistance;
import org.mohawk4j.op.loss.DistillationFunction.FusedDistillation;
import org.mohawk4j.tensor.types.DType;

/** One GPU. Work is queued on one stream and waited for only when numbers come back to the host. */
public final class CudaBackend implements Backend {
    private final BackendOptions options;
    private final Gpu gpu;
    private final GraphCapture graphCapture;
    private final EventTimer eventTimer;
    private final Map<Class<? extends FusedOp>, FusedOp> fused;

    CudaBackend(BackendOptions options) {
        this(options, CudaDevice.of(options.device()));
    }

    /** @param logitsAtOnce of one model, that stage 3's loss keeps at a time, about */
    CudaBackend(BackendOptions options, long logitsAtOnce) {
        this(options, CudaDevice.of(options.device()), logitsAtOnce);
    }

    private CudaBackend(BackendOptions options, CudaDevice device) {
        this(options, device, device.hasWarpgroupProducts(), CudaDistillation.logitsAtOnce(device.memoryBytes()));
    }

    private CudaBackend(BackendOptions options, CudaDevice device, long logitsAtOnce) {
        this(options, device, device.hasWarpgroupProducts(), logitsAtOnce);
    }

    /** @param warpgroups whether kernels may use {@code wgmma}; tests take it away from a device that has it */
    CudaBackend(BackendOptions options, CudaDevice device, boolean warpgroups, long logitsAtOnce) {
        this(options, new Gpu(device, warpgroups, options.mixed()), logitsAtOnce);
    }

    /** A backend that computes nothing, for a device that need not be there. */
    static CudaBackend dry(BackendOptions options, DeviceModel model) {
        CudaDevice device = new CudaDevice(
                options.device(),
                model.name(),
                model.major(),
                model.minor(),
                model.multiprocessors(),
                model.kilohertz(),
                model.sharedBytes());
        Gpu gpu = new Gpu(device, new DryDevice(), device.hasWarpgroupProducts(), options.mixed());
        return new CudaBackend(options, gpu, CudaDistillation.logitsAtOnce(model.memoryBytes()));
    }

    private CudaBackend(BackendOptions options, Gpu gpu, long logitsAtOnce) {
        this.options = options;
        this.gpu = gpu;
        fused = Map.copyOf(kernels(gpu, options.mixed(), logitsAtOnce));
        graphCapture = new CudaGraphCapture(gpu.context(), gpu.pool());
        eventTimer = new CudaEventTimer(gpu.context());
    }

    private static Map<Class<? extends FusedOp>, FusedOp> kernels(Gpu gpu, boolean mixed, long logitsAtOnce) {
        Map<Class<? extends FusedOp>, FusedOp> present = new HashMap<>();
        PersistentLaunch persistent = new PersistentLaunch(gpu);
        CudaProjections few = new CudaProjections(gpu, persistent);
        present.put(FusedNormedLinears.class, few);
        present.put(FusedNormedGlu.class, few);
        present.put(FusedSummedLinears.class, few);
        CudaLinear linear = new CudaLinear(gpu, few);
        present.put(FusedLinear.class, linear);
        present.put(FusedMlp.class, new CudaMlp(gpu, linear));
        CudaLayerNorm norm = new CudaLayerNorm(gpu);
        present.put(FusedLayerNorm.class, norm);
        present.put(FusedResidualNorm.class, new CudaResidualNorm(gpu, norm));
        CudaRmsNorm rmsNorm = new CudaRmsNorm(gpu);
        present.put(FusedRmsNorm.class, rmsNorm);
        present.put(FusedResidualRmsNorm.class, new CudaResidualRmsNorm(gpu, rmsNorm));
        CudaGlu glu = new CudaGlu(gpu);
        present.put(FusedGlu.class, glu);
        CudaConvolution convolution = new CudaConvolution(gpu);
        present.put(FusedCausalConv1d.class, convolution);
        present.put(FusedSplitConv1d.class, convolution);
        present.put(FusedResidual.class, new CudaResidual(gpu));
        present.put(FusedGate.class, new CudaGate(gpu));
        present.put(FusedSkip.class, new CudaSkip(gpu));
        present.put(FusedArgMax.class, gpu.reductions());
        present.put(FusedLagSums.class, new CudaLagSums(gpu));
        present.put(FusedStep.class, new CudaMambaStep(gpu, persistent));
        present.put(FusedRotary.class, new CudaRotary(gpu));
        CudaDistance distance = new CudaDistance(gpu);
        present.put(FusedDistance.class, distance);
        present.put(FusedRelativeDistance.class, distance.relative());
        present.put(FusedDistillation.class, new CudaDistillation(gpu, logitsAtOnce));
        present.put(FusedAdamW.class, new CudaAdamW(gpu));
        if (mixed) {
            present.put(FusedGatedMlp.class, new CudaGatedMlp(gpu, glu));
            present.put(FusedAttention.class, new CudaAttention(gpu));
            CudaSemiseparable product = new CudaSemiseparable(gpu);
            present.put(FusedSemiseparable.class, product);
            present.put(FusedMamba2.class, new CudaMamba(gpu, convolution, product));
            present.put(FusedFrobenius.class, new CudaFrobenius(gpu));
        }
        return present;
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
        CudaDevice device = gpu.device();
        if (gpu.context().dry().isPresent()) {
            return device.name() + ", " + device.architecture() + ", nothing computed";
        }
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
        return gpu.matmul().operands(parameterType());
    }

    @Override
    public Optional<String> deviceId() {
        return Optional.of(gpu.device().uuid());
    }

    @Override
    public OptionalDouble peakFlops() {
        return options.parameterType() == DType.FLOAT32
                ? gpu.device().peakFlops(options.mixed())
                : OptionalDouble.empty();
    }

    @Override
    public Optional<DryRun> dryRun() {
        return gpu.context().dry().map(CudaDryRun::new);
    }

    @Override
    public MemoryOps memory() {
        return gpu.memory();
    }

    @Override
    public ElementwiseOps elementwise() {
        return gpu.elementwise();
    }

    @Override
    public ReductionOps reductions() {
        return gpu.reductions();
    }

    @Override
    public MatmulOps matmul() {
        return gpu.matmul();
    }

    @Override
    public LayoutOps layout() {
        return gpu.layout();
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
    public Optional<KernelProfiler> profiler() {
        return Optional.of(gpu.context().profiler());
    }

    @Override
    public Optional<Collectives> collectives() {
        return Optional.of(new NcclCollectives(gpu.context()));
    }

    @Override
    public void close() {
        gpu.close();
    }
}
