package org.mohawk4j.backend.cuda.gemm;

import org.bytedeco.cuda.cublas.cublasLtContext;
import org.bytedeco.cuda.cublas.cublasLtMatmulAlgo_t;
import org.bytedeco.cuda.cublas.cublasLtMatmulDescOpaque_t;
import org.bytedeco.cuda.cublas.cublasLtMatmulHeuristicResult_t;
import org.bytedeco.cuda.cublas.cublasLtMatmulPreferenceOpaque_t;
import org.bytedeco.cuda.cublas.cublasLtMatrixLayoutOpaque_t;
import org.bytedeco.cuda.global.cublas;
import org.bytedeco.cuda.global.cudart;
import org.bytedeco.javacpp.IntPointer;
import org.bytedeco.javacpp.LongPointer;
import org.bytedeco.javacpp.Pointer;
import org.bytedeco.javacpp.PointerPointer;
import org.mohawk4j.backend.cuda.driver.CloseStack;
import org.mohawk4j.backend.cuda.driver.CudaContext;
import org.mohawk4j.backend.cuda.driver.CudaException;
import org.mohawk4j.backend.cuda.driver.CudaStatus;
import org.mohawk4j.tensor.types.DType;

/**
 * How cuBLASLt computes one product: layouts, and the algorithms that its heuristic puts first, asked once, of which every
 * run takes the same one. cuBLASLt counts columns first, so it is given {@code Cᵀ = op(B)ᵀ op(A)ᵀ} without moving a number.
 */
public final class GemmPlan implements GemmTuning.Choice, AutoCloseable {
    private static final int MOST_ALGORITHMS = 8;

    /** @param alignment of its first element, in bytes */
    record Factor(DType dtype, boolean transposed, int alignment) {}

    /** What a product needs to be like to be computed by this plan. */
    record Key(Factor a, Factor b, DType result, long m, long n, long k, long batch, Finish finish) {
        long multiplications() {
            return m * n * k * batch;
        }

        /** Such as {@code 8192x2048x16384 TN BFLOAT16 to FLOAT32}: m, n, k, which side is transposed. */
        @Override
        public String toString() {
            return (batch == 1 ? "" : batch + " of ")
                    + m + "x" + n + "x" + k
                    + (a.transposed() ? " T" : " N")
                    + (b.transposed() ? "T " : "N ")
                    + a.dtype() + " to " + result
                    + (finish == Finish.NONE ? "" : " " + finish);
        }
    }

    /** What happens to a product before it is written. */
    public enum Finish {
        NONE(cublas.CUBLASLT_EPILOGUE_DEFAULT),
        BIAS(cublas.CUBLASLT_EPILOGUE_BIAS),
        /** Bias, then tanh-gelu. */
        GELU(cublas.CUBLASLT_EPILOGUE_GELU_BIAS),
        /** As {@link #GELU}; what goes into the gelu is kept. */
        GELU_KEPT(cublas.CUBLASLT_EPILOGUE_GELU_AUX_BIAS),
        /** Times the slope of tanh-gelu at what {@link #GELU_KEPT} kept. */
        DGELU(cublas.CUBLASLT_EPILOGUE_DGELU);

        private final int code;

        Finish(int code) {
            this.code = code;
        }

        private boolean hasBias() {
            return this == BIAS || this == GELU || this == GELU_KEPT;
        }

        private boolean hasKept() {
            return this == GELU_KEPT || this == DGELU;
        }
    }

    private final CloseStack closing = new CloseStack();
    private final Key key;
    private final cublasLtMatmulDescOpaque_t operation;
    private final cublasLtMatrixLayoutOpaque_t first;
    private final cublasLtMatrixLayoutOpaque_t second;
    private final cublasLtMatrixLayoutOpaque_t result;
    private final cublasLtMatmulHeuristicResult_t choices = new cublasLtMatmulHeuristicResult_t(MOST_ALGORITHMS);
    private final int algorithms;
    private cublasLtMatmulAlgo_t algorithm;
    private boolean decided;

    GemmPlan(cublasLtContext handle, Key key, long workspaceBytes) {
        this.key = key;
        closing.add(choices::close);
        try {
            operation = operation(key.a().dtype() == DType.FLOAT64);
            set(cublas.CUBLASLT_MATMUL_DESC_TRANSA, key.b().transposed() ? cublas.CUBLAS_OP_T : cublas.CUBLAS_OP_N);
            set(cublas.CUBLASLT_MATMUL_DESC_TRANSB, key.a().transposed() ? cublas.CUBLAS_OP_T : cublas.CUBLAS_OP_N);
            if (key.finish() != Finish.NONE) {
                set(cublas.CUBLASLT_MATMUL_DESC_EPILOGUE, key.finish().code);
            }
            if (key.finish().hasKept()) {
                set(cublas.CUBLASLT_MATMUL_DESC_EPILOGUE_AUX_LD, key.n());
            }
            first = key.b().transposed()
                    ? layout(key.a().dtype(), key.k(), key.n())
                    : layout(key.a().dtype(), key.n(), key.k());
            second = key.a().transposed()
                    ? layout(key.a().dtype(), key.m(), key.k())
                    : layout(key.a().dtype(), key.k(), key.m());
            result = layout(key.result(), key.n(), key.m());
            algorithms = find(handle, workspaceBytes);
            algorithm = choices.getPointer(0).algo();
        } catch (RuntimeException | Error e) {
            // cuBLASLt may know no way, and is asked again for other sizes
            closing.closeAfter(e);
            throw e;
        }
    }

    private cublasLtMatmulDescOpaque_t operation(boolean isDouble) {
        int scale = isDouble ? cudart.CUDA_R_64F : cudart.CUDA_R_32F;
        int compute = isDouble ? cublas.CUBLAS_COMPUTE_64F : cublas.CUBLAS_COMPUTE_32F;
        try (PointerPointer<Pointer> made = new PointerPointer<>(1)) {
            check(cublas.cublasLtMatmulDescCreate(made, compute, scale));
            cublasLtMatmulDescOpaque_t created = new cublasLtMatmulDescOpaque_t(made.get());
            closing.add(() -> check(cublas.cublasLtMatmulDescDestroy(created)));
            return created;
        }
    }

    @Override
    public long multiplications() {
        return key.multiplications();
    }

    @Override
    public int algorithms() {
        return algorithms;
    }

    public boolean isDecided() {
        return decided;
    }

    /** Without it, the first one is taken. */
    @Override
    public void decide(int index) {
        algorithm = choices.getPointer(index).algo();
        decided = true;
    }

    @Override
    public String toString() {
        return key.toString();
    }

    private void set(int attribute, int number) {
        try (IntPointer value = new IntPointer(1)) {
            value.put(number);
            check(cublas.cublasLtMatmulDescSetAttribute(operation, attribute, value, Integer.BYTES));
        }
    }

    private void set(int attribute, long number) {
        try (LongPointer value = new LongPointer(1)) {
            value.put(number);
            check(cublas.cublasLtMatmulDescSetAttribute(operation, attribute, value, Long.BYTES));
        }
    }

    /** Says where the bias lies, and where what goes into the gelu is kept (0 for what there is not). */
    public void finishWith(long bias, long kept) {
        if (key.finish().hasBias()) {
            set(cublas.CUBLASLT_MATMUL_DESC_BIAS_POINTER, bias);
        }
        if (key.finish().hasKept()) {
            set(cublas.CUBLASLT_MATMUL_DESC_EPILOGUE_AUX_POINTER, kept);
        }
    }

    private cublasLtMatrixLayoutOpaque_t layout(DType dtype, long rows, long columns) {
        try (PointerPointer<Pointer> made = new PointerPointer<>(1);
                IntPointer count = new IntPointer(1);
                LongPointer stride = new LongPointer(1)) {
            check(cublas.cublasLtMatrixLayoutCreate(made, type(dtype), rows, columns, rows));
            cublasLtMatrixLayoutOpaque_t layout = new cublasLtMatrixLayoutOpaque_t(made.get());
            closing.add(() -> check(cublas.cublasLtMatrixLayoutDestroy(layout)));
            count.put(Math.toIntExact(key.batch()));
            stride.put(rows * columns);
            check(cublas.cublasLtMatrixLayoutSetAttribute(
                    layout, cublas.CUBLASLT_MATRIX_LAYOUT_BATCH_COUNT, count, Integer.BYTES));
            check(cublas.cublasLtMatrixLayoutSetAttribute(
                    layout, cublas.CUBLASLT_MATRIX_LAYOUT_STRIDED_BATCH_OFFSET, stride, Long.BYTES));
            return layout;
        }
    }

    private static int type(DType dtype) {
        return switch (dtype) {
            case FLOAT64 -> cudart.CUDA_R_64F;
            case FLOAT32 -> cudart.CUDA_R_32F;
            case BFLOAT16 -> cudart.CUDA_R_16BF;
            default -> throw new IllegalArgumentException("no products of " + dtype + " on the cuda backend");
        };
    }

    /** Finds algorithms and says how many. */
    private int find(cublasLtContext handle, long workspaceBytes) {
        try (PointerPointer<Pointer> made = new PointerPointer<>(1);
                LongPointer workspace = new LongPointer(1);
                IntPointer found = new IntPointer(1)) {
            check(cublas.cublasLtMatmulPreferenceCreate(made));
            cublasLtMatmulPreferenceOpaque_t preference = new cublasLtMatmulPreferenceOpaque_t(made.get());
            workspace.put(workspaceBytes);
            check(cublas.cublasLtMatmulPreferenceSetAttribute(
                    preference, cublas.CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES, workspace, Long.BYTES));
            // in place means that blocks take turns on the result: the others reduce in a fixed order
            prefer(
                    preference,
                    cublas.CUBLASLT_MATMUL_PREF_REDUCTION_SCHEME_MASK,
                    cublas.CUBLASLT_REDUCTION_SCHEME_COMPUTE_TYPE);
            prefer(
                    preference,
                    cublas.CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES,
                    key.b().alignment());
            prefer(
                    preference,
                    cublas.CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_B_BYTES,
                    key.a().alignment());
            int status = cublas.cublasLtMatmulAlgoGetHeuristic(
                    handle, operation, first, second, result, result, preference, MOST_ALGORITHMS, choices, found);
            check(cublas.cublasLtMatmulPreferenceDestroy(preference));
            check(status);
            if (found.get() == 0) {
                throw new CudaException("cuBLASLt has no algorithm for " + key);
            }
            return found.get();
        }
    }

    private void prefer(cublasLtMatmulPreferenceOpaque_t preference, int attribute, int wanted) {
        try (IntPointer value = new IntPointer(1)) {
            value.put(wanted);
            check(cublas.cublasLtMatmulPreferenceSetAttribute(preference, attribute, value, Integer.BYTES));
        }
    }

    /** {@code c = alpha op(a) op(b) + beta c}; the numbers that scale are on the host. */
    public void run(
            cublasLtContext handle,
            CudaContext context,
            Pointer alpha,
            Pointer a,
            Pointer b,
            Pointer beta,
            Pointer c,
            Pointer workspace,
            long workspaceBytes) {
        context.profiler().begin();
        int status = cublas.cublasLtMatmul(
                handle,
                operation,
                alpha,
                b,
                first,
                a,
                second,
                beta,
                c,
                result,
                c,
                result,
                algorithm,
                workspace,
                workspaceBytes,
                context.stream());
        CudaStatus.blas(status, () -> "product " + key);
        context.profiler().end(key);
    }

    private void check(int status) {
        CudaStatus.blas(status, () -> "planning the product " + key);
    }

    @Override
    public void close() {
        closing.close();
    }
}
