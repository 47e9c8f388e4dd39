package org.mohawk4j.backend.cuda.op.tensor;

import org.mohawk4j.backend.BinaryOp;
import org.mohawk4j.backend.UnaryOp;

/** How {@code elementwise.cu} numbers its functions. */
public final class OpCode {
    private OpCode() {}

    public static int of(UnaryOp op) {
        return switch (op) {
            case NEGATE -> 0;
            case EXP -> 1;
            case LOG -> 2;
            case SQRT -> 3;
            case SIGMOID -> 4;
            case SOFTPLUS -> 5;
            case TANH -> 6;
            case RELU -> 7;
            case STEP -> 8;
        };
    }

    public static int of(BinaryOp op) {
        return switch (op) {
            case ADD -> 0;
            case SUBTRACT -> 1;
            case MULTIPLY -> 2;
            case DIVIDE -> 3;
            case EQUAL -> 4;
        };
    }
}
