package org.mohawk4j.backend;

import org.mohawk4j.tensor.types.DType;

/**
 * Options of a backend.
 *
 * @param parameterType float32, or float64 for checks
 * @param mixed whether matrix products and fused kernels may round float32 operands to bfloat16, where the backend
 *     gains by it; a backend that does not ignores this
 * @param threads CPU threads, 0 for the backend's default
 * @param device which device, from 0
 */
public record BackendOptions(DType parameterType, boolean mixed, int threads, int device) {
    public BackendOptions {
        if (parameterType != DType.FLOAT32 && parameterType != DType.FLOAT64) {
            throw new IllegalArgumentException("parameters are kept in FLOAT32 or FLOAT64, not " + parameterType);
        }
        if (mixed && parameterType != DType.FLOAT32) {
            throw new IllegalArgumentException("mixed precision is for parameters in FLOAT32, not " + parameterType);
        }
        if (threads < 0 || device < 0) {
            throw new IllegalArgumentException(
                    "threads " + threads + " and device " + device + " must not be negative");
        }
    }

    /** float32, the backend's default threads, the first device. */
    public static BackendOptions defaults() {
        return new BackendOptions(DType.FLOAT32, false, 0, 0);
    }

    public BackendOptions withParameterType(DType type) {
        return new BackendOptions(type, mixed, threads, device);
    }

    public BackendOptions withMixed(boolean allowed) {
        return new BackendOptions(parameterType, allowed, threads, device);
    }

    public BackendOptions withThreads(int count) {
        return new BackendOptions(parameterType, mixed, count, device);
    }

    public BackendOptions withDevice(int index) {
        return new BackendOptions(parameterType, mixed, threads, index);
    }
}
