package org.mohawk4j.backend.cuda.compile;

import org.mohawk4j.tensor.types.DType;

/** How the kernels' sources call element types. */
public final class ElementType {
    private ElementType() {}

    /** As in {@code common.cuh}. */
    public static int code(DType dtype) {
        return switch (dtype) {
            case FLOAT64 -> 0;
            case FLOAT32 -> 1;
            case FLOAT16 -> 2;
            case BFLOAT16 -> 3;
            case INT64 -> 4;
            case INT32 -> 5;
        };
    }

    /** The name of a kernel for its types. */
    public static String named(String kernel, DType... types) {
        StringBuilder name = new StringBuilder(kernel);
        for (DType dtype : types) {
            name.append(suffix(dtype));
        }
        return name.toString();
    }

    private static String suffix(DType dtype) {
        return switch (dtype) {
            case FLOAT64 -> "_f64";
            case FLOAT32 -> "_f32";
            case INT64 -> "_i64";
            case INT32 -> "_i32";
            case BFLOAT16 -> "_bf16";
            case FLOAT16 -> throw new IllegalArgumentException("the cuda backend does not compute in FLOAT16");
        };
    }

    /** What sums of this type are kept in. */
    public static DType accumulator(DType dtype) {
        return dtype == DType.BFLOAT16 ? DType.FLOAT32 : dtype;
    }

    /** The wider of two floating types. */
    public static DType wider(DType left, DType right) {
        return left.bytes() >= right.bytes() ? left : right;
    }

    /** Whether one kernel takes both, as {@code FOR_PAIRS} in {@code common.cuh} lists them. */
    public static boolean pair(DType left, DType right) {
        return left == right || (accumulator(left) == DType.FLOAT32 && accumulator(right) == DType.FLOAT32);
    }
}
