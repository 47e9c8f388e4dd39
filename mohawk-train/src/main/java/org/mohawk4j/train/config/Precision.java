package org.mohawk4j.train.config;

import com.fasterxml.jackson.annotation.JsonProperty;
import org.mohawk4j.backend.BackendOptions;
import org.mohawk4j.tensor.types.DType;

/** What a run computes in. */
public enum Precision {
    /** 32 bits throughout. */
    @JsonProperty("float")
    FLOAT(DType.FLOAT32, false),
    /** 64 bits, for checks. */
    @JsonProperty("double")
    DOUBLE(DType.FLOAT64, false),
    /** Parameters, sums and optimiser in 32 bits, operands of products in bfloat16. For GPUs. */
    @JsonProperty("bf16")
    BFLOAT16(DType.FLOAT32, true);

    private final DType dtype;
    private final boolean mixed;

    Precision(DType dtype, boolean mixed) {
        this.dtype = dtype;
        this.mixed = mixed;
    }

    /** The parameters' element type. */
    public DType dtype() {
        return dtype;
    }

    /** What a backend is opened with for it. */
    public BackendOptions options() {
        return BackendOptions.defaults().withParameterType(dtype).withMixed(mixed);
    }
}
