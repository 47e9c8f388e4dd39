package org.mohawk4j.backend.cuda.op;

import java.util.function.Supplier;
import org.mohawk4j.backend.Array;
import org.mohawk4j.backend.cuda.compile.CudaKernels;
import org.mohawk4j.backend.cuda.compile.KernelArguments;
import org.mohawk4j.backend.cuda.driver.CloseStack;
import org.mohawk4j.backend.cuda.driver.CudaContext;
import org.mohawk4j.backend.cuda.driver.CudaDevice;
import org.mohawk4j.backend.cuda.driver.DryDevice;
import org.mohawk4j.backend.cuda.gemm.CudaMatmul;
import org.mohawk4j.backend.cuda.memory.AsyncDownloads;
import org.mohawk4j.backend.cuda.memory.CudaArray;
import org.mohawk4j.backend.cuda.memory.CudaPool;
import org.mohawk4j.backend.cuda.memory.Staging;
import org.mohawk4j.backend.cuda.op.tensor.CudaElementwise;
import org.mohawk4j.backend.cuda.op.tensor.CudaLayout;
import org.mohawk4j.backend.cuda.op.tensor.CudaMemory;
import org.mohawk4j.backend.cuda.op.tensor.CudaReductions;
import org.mohawk4j.tensor.types.DType;
import org.mohawk4j.tensor.types.Shape;

/** One GPU as its operations see it: its stream, memory, kernels, products, and the plain operations on tensors. */
public final class Gpu implements AutoCloseable {
    private final CloseStack closing = new CloseStack();
    private final boolean warpgroups;
    private final CudaContext context;
    private final CudaPool pool;
    private final CudaKernels kernels;
    private final CudaMemory memory;
    private final CudaElementwise elementwise;
    private final CudaReductions reductions;
    private final CudaLayout layout;
    private final Staging staging;
    private final CudaMatmul matmul;

    /**
     * @param warpgroups whether kernels may use {@code wgmma}; otherwise products run on {@code mma.sync}, which every
     *     device has
     * @param mixed whether products of float32 round their operands to bfloat16
     */
    public Gpu(CudaDevice device, boolean warpgroups, boolean mixed) {
        this(() -> new CudaContext(device), warpgroups, mixed);
    }

    /** As {@link #Gpu(CudaDevice, boolean, boolean)}, without the device. */
    public Gpu(CudaDevice device, DryDevice dry, boolean warpgroups, boolean mixed) {
        this(() -> new CudaContext(device, dry), warpgroups, mixed);
    }

    private Gpu(Supplier<CudaContext> opened, boolean warpgroups, boolean mixed) {
        this.warpgroups = warpgroups;
        try {
            context = opened.get();
            closing.add(context::close);
            pool = new CudaPool(context);
            closing.add(pool::close);
            kernels = new CudaKernels(context);
            closing.add(kernels::close);
            AsyncDownloads downloads = new AsyncDownloads(context);
            closing.add(downloads::close);
            memory = new CudaMemory(context, pool, kernels, downloads);
            elementwise = new CudaElementwise(pool, kernels, memory);
            reductions = new CudaReductions(pool, kernels, memory);
            layout = new CudaLayout(pool, kernels, memory);
            staging = new Staging(context);
            closing.add(staging::close);
            matmul = new CudaMatmul(context, pool, kernels, memory, mixed);
            closing.add(matmul::close);
            closing.add(() -> context.synchronize("the last work before closing"));
        } catch (RuntimeException | Error e) {
            // the device's memory and context must not stay behind with what nobody has
            closing.closeAfter(e);
            throw e;
        }
    }

    public CudaContext context() {
        return context;
    }

    public CudaDevice device() {
        return context.device();
    }

    /** Whether kernels may use {@code wgmma}. */
    public boolean warpgroups() {
        return warpgroups;
    }

    public CudaPool pool() {
        return pool;
    }

    public CudaKernels kernels() {
        return kernels;
    }

    public CudaMemory memory() {
        return memory;
    }

    public CudaElementwise elementwise() {
        return elementwise;
    }

    public CudaReductions reductions() {
        return reductions;
    }

    public CudaLayout layout() {
        return layout;
    }

    public CudaMatmul matmul() {
        return matmul;
    }

    public Staging staging() {
        return staging;
    }

    /** As {@link CudaPool#take}. */
    public CudaArray take(DType dtype, Shape shape) {
        return pool.take(dtype, shape);
    }

    /** As {@link CudaPool#view}. */
    public CudaArray view(CudaArray array, long from, Shape shape) {
        return pool.view(array, from, shape);
    }

    /** As {@link CudaPool#reshaped}. */
    public CudaArray reshaped(CudaArray array, Shape shape) {
        return pool.reshaped(array, shape);
    }

    /** As {@link CudaPool#release}. */
    public void release(CudaArray array) {
        pool.release(array);
    }

    /** As {@link CudaMemory#as}. */
    public CudaArray as(DType dtype, Array x) {
        return memory.as(dtype, x);
    }

    /** As {@link CudaMemory#parameter}. */
    public CudaArray parameter(DType dtype, Array x, boolean trained) {
        return memory.parameter(dtype, x, trained);
    }

    /** As {@link CudaMemory#into}. */
    public CudaArray into(DType dtype, CudaArray x) {
        return memory.into(dtype, x);
    }

    /** As {@link CudaKernels#get(String, String, DType...)}. */
    public CudaKernels.CudaFunction kernel(String source, String name, DType... types) {
        return kernels.get(source, name, types);
    }

    /** As {@link CudaKernels#source}. */
    public CudaKernels.Source source(String name, String... definitions) {
        return kernels.source(name, definitions);
    }

    /** As {@link CudaKernels#arguments}. */
    public KernelArguments arguments() {
        return kernels.arguments();
    }

    @Override
    public void close() {
        closing.close();
    }
}
