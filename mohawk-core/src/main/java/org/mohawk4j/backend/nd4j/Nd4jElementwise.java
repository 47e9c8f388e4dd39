package org.mohawk4j.backend.nd4j;

import java.util.Optional;
import org.mohawk4j.backend.Array;
import org.mohawk4j.backend.BinaryOp;
import org.mohawk4j.backend.ElementwiseOps;
import org.mohawk4j.backend.UnaryOp;
import org.mohawk4j.backend.cpu.op.CpuTensors;
import org.mohawk4j.backend.nd4j.array.Broadcast;
import org.mohawk4j.backend.nd4j.array.Nd4jArray;
import org.mohawk4j.backend.nd4j.array.Nd4jExec;
import org.mohawk4j.backend.nd4j.array.Nd4jMasks;
import org.mohawk4j.backend.nd4j.array.Nd4jPool;
import org.mohawk4j.tensor.types.DType;
import org.mohawk4j.tensor.types.Shape;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.api.ops.Op;
import org.nd4j.linalg.api.ops.impl.scalar.RectifiedLinear;
import org.nd4j.linalg.api.ops.impl.scalar.Step;
import org.nd4j.linalg.api.ops.impl.transforms.floating.Sqrt;
import org.nd4j.linalg.api.ops.impl.transforms.same.Abs;
import org.nd4j.linalg.api.ops.impl.transforms.same.Negative;
import org.nd4j.linalg.api.ops.impl.transforms.strict.ATanh;
import org.nd4j.linalg.api.ops.impl.transforms.strict.Exp;
import org.nd4j.linalg.api.ops.impl.transforms.strict.Log;
import org.nd4j.linalg.api.ops.impl.transforms.strict.Sigmoid;
import org.nd4j.linalg.api.ops.impl.transforms.strict.Tanh;
import org.nd4j.linalg.factory.Nd4j;

/** Elementwise operations of the ND4J backend. */
final class Nd4jElementwise implements ElementwiseOps {
    private final Nd4jPool pool;
    private final Nd4jMasks masks;

    /** For float32, where it can. */
    private final Optional<CpuTensors> cpu;

    Nd4jElementwise(Nd4jPool pool, Nd4jMasks masks, Optional<CpuTensors> cpu) {
        this.pool = pool;
        this.masks = masks;
        this.cpu = cpu;
    }

    @Override
    public Array unary(UnaryOp op, Array x) {
        Nd4jArray y = pool.take(x.dtype(), x.shape());
        INDArray in = Nd4jArray.flat(x);
        INDArray out = Nd4jArray.flat(y);
        switch (op) {
            case NEGATE -> run(new Negative(in, out));
            case EXP -> run(new Exp(in, out));
            case LOG -> run(new Log(in, out));
            case SQRT -> run(new Sqrt(in, out));
            case SIGMOID -> run(new Sigmoid(in, out));
            case SOFTPLUS -> softplus(x.dtype(), in, out);
            case TANH -> run(new Tanh(in, out));
            case RELU -> run(new RectifiedLinear(in, out, 0));
            case STEP -> run(new Step(in, out, 0));
        }
        return y;
    }

    /**
     * max(x, 0) + log(1 + u) with u = exp(-|x|), since ND4J's own, log(1 + exp(x)), overflows; and log(1 + u) as
     * 2 atanh(u / (2 + u)), since ND4J's log1p rounds 1 + u.
     */
    private void softplus(DType dtype, INDArray x, INDArray y) {
        Nd4jArray temporary = pool.take(dtype, Shape.of(x.length()));
        INDArray other = temporary.values();
        run(new Abs(x, y));
        run(new Negative(y, y));
        run(new Exp(y, y));
        y.addi(2, other);
        y.divi(other);
        run(new ATanh(y, y));
        y.muli(2);
        run(new RectifiedLinear(x, other, 0));
        y.addi(other);
        pool.release(temporary);
    }

    private static void run(Op op) {
        Nd4j.getExecutioner().exec(op);
    }

    @Override
    public Array binary(BinaryOp op, Array a, Array b) {
        if (a.dtype() != b.dtype()) {
            return binaryOfMixedTypes(op, a, b);
        }
        Nd4jArray y = pool.take(a.dtype(), a.shape().broadcast(b.shape()));
        if (cpu.isPresent() && a.dtype() == DType.FLOAT32 && a.shape().equals(b.shape()) && CpuTensors.isSimple(op)) {
            cpu.get().binary(op, a, b, y);
            return y;
        }
        switch (op) {
            case ADD -> run("add", y, a, b);
            case SUBTRACT -> run("subtract", y, a, b);
            case MULTIPLY -> run("multiply", y, a, b);
            case DIVIDE -> run("divide", y, a, b);
            case EQUAL -> equal(a, b, y);
        }
        return y;
    }

    private static void run(String name, Nd4jArray y, Array a, Array b) {
        Broadcast shapes = Broadcast.of(a.shape(), b.shape());
        Nd4jExec.run(
                name,
                y.shaped(shapes.result()),
                Nd4jArray.cast(a).shaped(shapes.left()),
                Nd4jArray.cast(b).shaped(shapes.right()));
    }

    /** ND4J computes pairs of one type only. */
    private Array binaryOfMixedTypes(BinaryOp op, Array a, Array b) {
        boolean leftIsWider = a.dtype().bytes() > b.dtype().bytes();
        Array narrow = leftIsWider ? b : a;
        Nd4jArray widened = pool.take(leftIsWider ? a.dtype() : b.dtype(), narrow.shape());
        Nd4jArray.flat(widened).assign(Nd4jArray.flat(narrow));
        Array y = leftIsWider ? binary(op, a, widened) : binary(op, widened, b);
        pool.release(widened);
        return y;
    }

    /** ND4J's own comparison does not broadcast. */
    private void equal(Array a, Array b, Nd4jArray y) {
        Nd4jArray left = repeated(pool, a, y.shape());
        Nd4jArray right = repeated(pool, b, y.shape());
        try (INDArray equal = left.values().eq(right.values())) {
            y.values().assign(equal);
        }
        pool.release(left);
        pool.release(right);
    }

    /** Extents of 1 repeated up to a shape. */
    static Nd4jArray repeated(Nd4jPool pool, Array x, Shape shape) {
        Nd4jArray y = pool.take(x.dtype(), shape);
        Nd4jArray.flat(y).assign(0);
        run("add", y, y, x);
        return y;
    }

    @Override
    public Array affine(Array x, double scale, double shift) {
        Nd4jArray y = pool.take(x.dtype(), x.shape());
        if (cpu.isPresent() && x.dtype() == DType.FLOAT32) {
            cpu.get().affine(x, scale, shift, y);
            return y;
        }
        INDArray in = Nd4jArray.flat(x);
        INDArray out = Nd4jArray.flat(y);
        if (scale == 1) {
            in.addi(shift, out);
            return y;
        }
        in.muli(scale, out);
        if (shift != 0) {
            out.addi(shift, out);
        }
        return y;
    }

    @Override
    public void accumulate(Array target, Array x, double scale) {
        if (!target.shape().equals(x.shape())) {
            throw new IllegalArgumentException("accumulate " + x.shape() + " into " + target.shape());
        }
        if (cpu.isPresent() && target.dtype() == DType.FLOAT32 && x.dtype() == DType.FLOAT32) {
            cpu.get().accumulate(target, x, scale);
            return;
        }
        INDArray sum = Nd4jArray.flat(target);
        if (scale == 1) {
            sum.addi(Nd4jArray.flat(x));
            return;
        }
        Nd4jArray scaled = pool.take(x.dtype(), x.shape());
        INDArray product = Nd4jArray.flat(scaled);
        Nd4jArray.flat(x).muli(scale, product);
        sum.addi(product);
        pool.release(scaled);
    }

    @Override
    public Array tril(Array x, long diagonal, double fill) {
        Shape shape = x.shape();
        long columns = shape.dim(-1);
        Nd4jArray y = pool.take(x.dtype(), shape);
        if (diagonal >= columns - 1) {
            Nd4jArray.flat(y).assign(Nd4jArray.flat(x));
            return y;
        }
        long rows = shape.dim(-2);
        INDArray kept = masks.triangle(x.dtype(), rows, columns, diagonal, 1, 0);
        Nd4jExec.run("multiply", y.values(), Nd4jArray.values(x), kept);
        if (fill != 0) {
            Nd4jExec.run("add", y.values(), y.values(), masks.triangle(x.dtype(), rows, columns, diagonal, 0, fill));
        }
        return y;
    }
}
