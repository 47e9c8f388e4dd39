package org.mohawk4j.tensor.types;

/** An element type. Hosts store all of them; which ones a backend computes in is the backend's to say. */
public enum DType {
    FLOAT64(8, true),
    FLOAT32(4, true),
    FLOAT16(2, true),
    BFLOAT16(2, true),
    INT64(8, false),
    INT32(4, false);

    private final int bytes;
    private final boolean floating;

    DType(int bytes, boolean floating) {
        this.bytes = bytes;
        this.floating = floating;
    }

    /** Bytes of one element. */
    public int bytes() {
        return bytes;
    }

    /** Whether elements are floating-point numbers. */
    public boolean isFloating() {
        return floating;
    }
}
