package org.mohawk4j.train.run;

import com.fasterxml.jackson.annotation.JsonProperty;
import org.mohawk4j.tensor.DType;

/** The element type that a run computes in. */
public enum Precision {
    /** 32 bits, for training. */
    @JsonProperty("float")
    FLOAT(DType.FLOAT32),
    /** 64 bits, for checks. */
    @JsonProperty("double")
    DOUBLE(DType.FLOAT64);

    private final DType dtype;

    Precision(DType dtype) {
        this.dtype = dtype;
    }

    /** The tensors' element type. */
    public DType dtype() {
        return dtype;
    }
}
