package org.mohawk4j.backend.cuda;

import org.bytedeco.cuda.cudart.CUctx_st;
import org.bytedeco.cuda.cudart.CUstream_st;
import org.bytedeco.cuda.global.cudart;

/** The device's primary context, made current for the thread that opens it, and the one stream that all work goes to. */
final class CudaContext implements AutoCloseable {
    private final CudaDevice device;
    private final CUctx_st context = new CUctx_st();
    private final CUstream_st stream = new CUstream_st();

    CudaContext(CudaDevice device) {
        this.device = device;
        Status.driver(cudart.cuDevicePrimaryCtxRetain(context, device.index()), () -> "opening " + device.name());
        Status.driver(cudart.cuCtxSetCurrent(context), () -> "using " + device.name());
        Status.driver(cudart.cuStreamCreate(stream, cudart.CU_STREAM_NON_BLOCKING), "making a stream");
    }

    CudaDevice device() {
        return device;
    }

    CUstream_st stream() {
        return stream;
    }

    /** Waits for everything asked for so far. Errors of kernels come out here at the latest. */
    void synchronize(String after) {
        Status.driver(cudart.cuStreamSynchronize(stream), after);
    }

    @Override
    public void close() {
        Status.driver(cudart.cuStreamDestroy(stream), "closing the stream");
        Status.driver(cudart.cuDevicePrimaryCtxRelease(device.index()), () -> "closing " + device.name());
    }
}
