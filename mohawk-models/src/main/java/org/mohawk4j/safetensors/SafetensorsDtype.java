package org.mohawk4j.safetensors;

import java.util.Arrays;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.mohawk4j.tensor.types.DType;

/**
 * The element types that a safetensors header may name, in the reference implementation's order of alignment, by which
 * files are sorted. The names are the format's own.
 *
 * <p>Source: {@code safetensors/src/tensor.rs} of huggingface/safetensors 0.8.
 */
public enum SafetensorsDtype {
    BOOL(8),
    F4(4),
    F6_E2M3(6),
    F6_E3M2(6),
    U8(8),
    I8(8),
    F8_E5M2(8),
    F8_E4M3(8),
    F8_E8M0(8),
    F8_E4M3FNUZ(8),
    F8_E5M2FNUZ(8),
    I16(16),
    U16(16),
    F16(16, DType.FLOAT16),
    BF16(16, DType.BFLOAT16),
    I32(32, DType.INT32),
    U32(32),
    F32(32, DType.FLOAT32),
    C64(64),
    F64(64, DType.FLOAT64),
    I64(64, DType.INT64),
    U64(64);

    private static final Map<String, SafetensorsDtype> BY_NAME =
            Arrays.stream(values()).collect(Collectors.toUnmodifiableMap(Enum::name, Function.identity()));

    private final int bits;
    private final Optional<DType> dtype;

    SafetensorsDtype(int bits) {
        this.bits = bits;
        this.dtype = Optional.empty();
    }

    SafetensorsDtype(int bits, DType dtype) {
        this.bits = bits;
        this.dtype = Optional.of(dtype);
    }

    /** Bits of one element; below 8 for packed types. */
    public int bits() {
        return bits;
    }

    /** The same type in tensors of this framework; empty where it has none. */
    public Optional<DType> dtype() {
        return dtype;
    }

    /** The type of this exact, case-sensitive name. */
    public static Optional<SafetensorsDtype> named(String name) {
        return Optional.ofNullable(BY_NAME.get(name));
    }

    /** The type that stores {@code dtype}. */
    public static SafetensorsDtype of(DType dtype) {
        return switch (dtype) {
            case FLOAT64 -> F64;
            case FLOAT32 -> F32;
            case FLOAT16 -> F16;
            case BFLOAT16 -> BF16;
            case INT64 -> I64;
            case INT32 -> I32;
        };
    }
}
