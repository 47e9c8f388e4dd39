package org.mohawk4j.backend.cuda.driver;

import java.util.Optional;
import org.bytedeco.cuda.cudart.CUctx_st;
import org.bytedeco.cuda.cudart.CUstream_st;
import org.bytedeco.cuda.global.cudart;
import org.jspecify.annotations.Nullable;

/**
 * The device's primary context, and the one stream that all work goes to. What is called through {@link #stream} or after
 * {@link #use} finds the context current: so backends on several devices may take turns on one thread, with each other and
 * with other programs' contexts, and a backend may move to another thread.
 */
public final class CudaContext implements AutoCloseable {
    /**
     * Whose context this class made current last on a thread. The driver is asked as well, since others make theirs current
     * too; but its answer alone may be a context that was closed and has the address of a new one.
     */
    private static final ThreadLocal<@Nullable CudaContext> CURRENT = new ThreadLocal<>();

    private final CudaDevice device;
    private final @Nullable DryDevice dry;
    private final CUctx_st context = new CUctx_st();
    private final CUstream_st stream = new CUstream_st();

    /** Where the driver puts its answer. */
    private final CUctx_st found = new CUctx_st();

    private final CudaProfiler profiler = new CudaProfiler(this);

    /** Launches the work that waits for more to join it. */
    private @Nullable Runnable deferred;

    /** Without a device: what would be asked of it goes to {@code dry}, and nothing is to be waited for. */
    public CudaContext(CudaDevice device, DryDevice dry) {
        this.device = device;
        this.dry = dry;
    }

    public CudaContext(CudaDevice device) {
        this.device = device;
        this.dry = null;
        CudaStatus.driver(cudart.cuDevicePrimaryCtxRetain(context, device.index()), () -> "opening " + device.name());
        CloseStack opened = new CloseStack();
        opened.add(this::release);
        try {
            use();
            CudaStatus.driver(cudart.cuStreamCreate(stream, cudart.CU_STREAM_NON_BLOCKING), "making a stream");
        } catch (RuntimeException | Error e) {
            opened.closeAfter(e);
            throw e;
        }
    }

    public CudaDevice device() {
        return device;
    }

    /** What stands in for the device, if there is none. */
    public Optional<DryDevice> dry() {
        return Optional.ofNullable(dry);
    }

    /** Makes this the context of what the thread calls next. */
    public void use() {
        if (dry != null) {
            return;
        }
        if (CURRENT.get() != this || !isCurrent()) {
            CudaStatus.driver(cudart.cuCtxSetCurrent(context), () -> "using " + device.name());
            CURRENT.set(this);
        }
    }

    private boolean isCurrent() {
        CudaStatus.driver(cudart.cuCtxGetCurrent(found), "asking for the current context");
        return found.address() == context.address();
    }

    /** The stream, with its context current. What is queued on it comes after all work so far. */
    public CUstream_st stream() {
        flush();
        use();
        return stream;
    }

    /** Work that is launched before anything else is queued on the stream, instead of now. */
    public void defer(Runnable launch) {
        deferred = launch;
    }

    /** Whether there is such work. */
    public boolean defers() {
        return deferred != null;
    }

    /** Forgets it. */
    public void drop() {
        deferred = null;
    }

    /** Launches it. */
    public void flush() {
        Runnable launch = deferred;
        if (launch != null) {
            deferred = null;
            launch.run();
        }
    }

    /** Is told of each launch. */
    public CudaProfiler profiler() {
        return profiler;
    }

    /** Waits for everything asked for so far. Errors of kernels come out here at the latest. */
    public void synchronize(String after) {
        if (dry == null) {
            CudaStatus.driver(cudart.cuStreamSynchronize(stream()), after);
        }
    }

    @Override
    public void close() {
        if (dry != null) {
            return;
        }
        CloseStack closing = new CloseStack();
        closing.add(this::release);
        closing.add(() -> CudaStatus.driver(cudart.cuStreamDestroy(stream()), "closing the stream"));
        closing.close();
    }

    private void release() {
        CURRENT.remove();
        CudaStatus.driver(cudart.cuDevicePrimaryCtxRelease(device.index()), () -> "closing " + device.name());
    }
}
