package org.mohawk4j.backend.cuda.driver;

import java.util.function.Supplier;
import org.bytedeco.cuda.global.cublas;
import org.bytedeco.cuda.global.cudart;
import org.bytedeco.cuda.global.nvrtc;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.javacpp.PointerPointer;

/** Turns the status codes of CUDA's libraries into exceptions. */
public final class CudaStatus {
    private CudaStatus() {}

    /** @param what the call, for the message */
    public static void driver(int status, Supplier<String> what) {
        if (status != cudart.CUDA_SUCCESS) {
            throw new CudaException(what.get() + ": " + message(status));
        }
    }

    public static void driver(int status, String what) {
        driver(status, () -> what);
    }

    public static void blas(int status, Supplier<String> what) {
        if (status != cublas.CUBLAS_STATUS_SUCCESS) {
            throw new CudaException(what.get() + ": cuBLASLt status " + status + ", "
                    + cublas.cublasLtGetStatusString(status).getString());
        }
    }

    public static void compiler(int status, String what) {
        if (status != nvrtc.NVRTC_SUCCESS) {
            throw new CudaException(
                    what + ": " + nvrtc.nvrtcGetErrorString(status).getString());
        }
    }

    private static String message(int status) {
        try (PointerPointer<BytePointer> name = new PointerPointer<>(1);
                PointerPointer<BytePointer> text = new PointerPointer<>(1)) {
            if (cudart.cuGetErrorName(status, name) != cudart.CUDA_SUCCESS
                    || cudart.cuGetErrorString(status, text) != cudart.CUDA_SUCCESS) {
                return "CUDA error " + status;
            }
            return name.get(BytePointer.class).getString() + ", "
                    + text.get(BytePointer.class).getString();
        }
    }
}
