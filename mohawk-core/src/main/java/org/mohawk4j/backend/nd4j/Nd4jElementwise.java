package org.mohawk4j.backend.nd4j;

import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import org.mohawk4j.backend.Array;
import org.mohawk4j.backend.BinaryOp;
import org.mohawk4j.backend.ElementwiseOps;
import org.mohawk4j.backend.UnaryOp;
import org.mohawk4j.tensor.DType;
import org.mohawk4j.tensor.Shape;
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
    private static final int MASKS_KEPT = 16;

    private final Nd4jPool pool;
    private final Map<MaskKey, Mask> masks = new LinkedHashMap<>(16, 0.75f, true);

    private record MaskKey(DType dtype, long rows, long columns, long diagonal, double fill) {}

    /**
     * @param kept 1 where numbers stay
     * @param filling the fill where they do not
     */
    private record Mask(Nd4jArray kept, Nd4jArray filling) {}

    Nd4jElementwise(Nd4jPool pool) {
        this.pool = pool;
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
        Shape shape = a.shape().broadcast(b.shape());
        DType dtype = a.dtype() == DType.FLOAT64 || b.dtype() == DType.FLOAT64 ? DType.FLOAT64 : a.dtype();
        Nd4jArray y = pool.take(dtype, shape);
        INDArray left = Nd4jArray.values(a);
        INDArray right = Nd4jArray.values(b);
        switch (op) {
            case ADD -> Nd4jExec.run("add", y.values(), left, right);
            case SUBTRACT -> Nd4jExec.run("subtract", y.values(), left, right);
            case MULTIPLY -> Nd4jExec.run("multiply", y.values(), left, right);
            case DIVIDE -> Nd4jExec.run("divide", y.values(), left, right);
            case EQUAL -> equal(a, b, y);
        }
        return y;
    }

    /** ND4J's own comparison does not broadcast. */
    private void equal(Array a, Array b, Nd4jArray y) {
        Nd4jArray left = repeated(a, y.shape());
        Nd4jArray right = repeated(b, y.shape());
        try (INDArray equal = left.values().eq(right.values())) {
            y.values().assign(equal);
        }
        pool.release(left);
        pool.release(right);
    }

    private Nd4jArray repeated(Array x, Shape shape) {
        Nd4jArray y = pool.take(x.dtype(), shape);
        y.values().assign(0);
        Nd4jExec.run("add", y.values(), y.values(), Nd4jArray.values(x));
        return y;
    }

    @Override
    public Array affine(Array x, double scale, double shift) {
        Nd4jArray y = pool.take(x.dtype(), x.shape());
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
    public Array lowerTriangle(Array x, long diagonal, double fill) {
        Shape shape = x.shape();
        long columns = shape.dim(-1);
        Nd4jArray y = pool.take(x.dtype(), shape);
        if (diagonal >= columns - 1) {
            Nd4jArray.flat(y).assign(Nd4jArray.flat(x));
            return y;
        }
        Mask mask = mask(new MaskKey(x.dtype(), shape.dim(-2), columns, diagonal, fill));
        Nd4jExec.run("multiply", y.values(), Nd4jArray.values(x), mask.kept().values());
        if (fill != 0) {
            Nd4jExec.run("add", y.values(), y.values(), mask.filling().values());
        }
        return y;
    }

    /** A product with zeros and ones and a sum: ND4J's own band operation takes eighty times as long. */
    private Mask mask(MaskKey key) {
        Mask mask = masks.get(key);
        if (mask == null) {
            if (masks.size() == MASKS_KEPT) {
                var eldest = masks.values().iterator();
                Mask unused = eldest.next();
                eldest.remove();
                pool.release(unused.kept());
                pool.release(unused.filling());
            }
            mask = new Mask(triangle(key, 1, 0), triangle(key, 0, key.fill()));
            masks.put(key, mask);
        }
        return mask;
    }

    private Nd4jArray triangle(MaskKey key, double below, double above) {
        double[] values = new double[Math.toIntExact(key.rows() * key.columns())];
        Arrays.fill(values, above);
        for (long row = 0; row < key.rows(); row++) {
            long kept = Math.max(0, Math.min(key.columns(), row + key.diagonal() + 1));
            int start = Math.toIntExact(row * key.columns());
            Arrays.fill(values, start, Math.toIntExact(start + kept), below);
        }
        Nd4jArray triangle = pool.take(key.dtype(), Shape.of(key.rows(), key.columns()));
        Nd4jArray.flat(triangle).assign(Nd4j.createFromArray(values));
        return triangle;
    }
}
