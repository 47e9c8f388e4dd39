package org.mohawk4j.backend.cuda.compile;

import java.util.Arrays;
import java.util.List;
import org.mohawk4j.backend.cuda.driver.DryDevice;
import org.mohawk4j.backend.cuda.memory.CudaArray;
import org.mohawk4j.tensor.types.Shape;

/** What kernels would do on a device that is not there: the bytes that they move, and the products on tensor cores. */
final class DryKernels {
    /** Rows of a tile of the distance of stage 1 where kernels may use {@code wgmma}, as {@code frobenius.cuh} says. */
    private static final int FROBENIUS_ROWS = 64;

    /**
     * Positions after which the matrix of a new student is zero, about, so that the distance's kernels skip its tiles:
     * stage 1 at T 2,048 and at T 16,384 took the time of so many. A student that remembers longer takes more.
     */
    private static final long FROBENIUS_REACH = 192;

    private DryKernels() {}

    static void note(DryDevice device, String kernel, KernelArguments arguments) {
        device.launch(kernel, operations(kernel, arguments.whole()), bytes(kernel, arguments.bytesPointedTo(device)));
    }

    /** AdamW reads a parameter, its gradient and two moments, and writes all but the gradient. */
    private static long bytes(String kernel, long pointedTo) {
        return kernel.startsWith("adamw") ? pointedTo / 4 * 7 : pointedTo;
    }

    /**
     * Of products along time in the causal half of T·T, by kernel: the first array is q [B,T,H,P], the third C [B,T,G,N].
     * The other kernels wait for memory.
     */
    private static double operations(String kernel, List<CudaArray> arrays) {
        return switch (kernel) {
            // scores, weighted values
            case "attention_forward" -> causal(arrays, 0, 0);
            // scores, gradients by probabilities, by values and by keys
            case "attention_backward_kv" -> causal(arrays, 0, 0, 0, 0);
            // scores, gradients by probabilities and by queries
            case "attention_backward_q" -> causal(arrays, 0, 0, 0);
            case "frob_lse" -> causal(arrays, 0);
            // both matrices, and the gradient by C or B, where the student's matrix is not zero
            case "frob_rows_loss" -> within(FROBENIUS_REACH, arrays, 0, 2);
            case "frob_rows", "frob_cols" -> within(FROBENIUS_REACH, arrays, 0, 2, 2);
            default -> 0;
        };
    }

    private static double causal(List<CudaArray> arrays, int... widths) {
        return within(arrays.get(0).shape().dim(1), arrays, widths);
    }

    /**
     * @param reach positions that each one looks back at most
     * @param widths for each product, the array whose last extent it sums or gives
     */
    private static double within(long reach, List<CudaArray> arrays, int... widths) {
        Shape q = arrays.get(0).shape();
        double back = Math.min(reach, q.dim(1) / 2.0);
        double width = Arrays.stream(widths)
                .mapToLong(index -> arrays.get(index).shape().dim(-1))
                .sum();
        return 2.0 * q.dim(0) * q.dim(2) * q.dim(1) * back * width;
    }

    /** Integers that a source works out from its definitions; those that only shape a launch are 1 here. */
    static int[] constants(String name, int count) {
        int[] values = new int[count];
        Arrays.fill(values, 1);
        if (name.equals("frobeniusForwardSizes")) {
            values[1] = FROBENIUS_ROWS;
        }
        return values;
    }
}
