package org.mohawk4j.backend.cuda.driver;

/** A call of CUDA failed. The message says which, on what, and what CUDA said. */
public final class CudaException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    public CudaException(String message) {
        super(message);
    }
}
