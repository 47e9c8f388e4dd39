package org.mohawk4j.backend;

/** Functions of two elements. */
public enum BinaryOp {
    ADD,
    SUBTRACT,
    MULTIPLY,
    DIVIDE,
    /** 1 where equal, else 0, in the type of the inputs */
    EQUAL
}
