package org.mohawk4j.backend;

/** Functions of one element. */
public enum UnaryOp {
    NEGATE,
    EXP,
    LOG,
    SQRT,
    /** 1 / (1 + exp(-x)) */
    SIGMOID,
    /** log(1 + exp(x)), without overflow for large x */
    SOFTPLUS,
    TANH,
    /** max(x, 0) */
    RELU,
    /** 1 where x > 0, else 0 */
    STEP
}
