package org.mohawk4j.backend.cuda.gemm;

import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;
import org.bytedeco.cuda.cublas.cublasLtContext;
import org.bytedeco.cuda.global.cublas;
import org.bytedeco.javacpp.DoublePointer;
import org.bytedeco.javacpp.FloatPointer;
import org.bytedeco.javacpp.Pointer;
import org.jspecify.annotations.Nullable;
import org.mohawk4j.backend.Array;
import org.mohawk4j.backend.MatmulOps;
import org.mohawk4j.backend.cuda.compile.CudaKernels;
import org.mohawk4j.backend.cuda.compile.ElementType;
import org.mohawk4j.backend.cuda.driver.CloseStack;
import org.mohawk4j.backend.cuda.driver.CudaContext;
import org.mohawk4j.backend.cuda.driver.CudaException;
import org.mohawk4j.backend.cuda.driver.CudaStatus;
import org.mohawk4j.backend.cuda.driver.DryDevice;
import org.mohawk4j.backend.cuda.memory.CudaArray;
import org.mohawk4j.backend.cuda.memory.CudaPool;
import org.mohawk4j.backend.cuda.memory.DevicePointer;
import org.mohawk4j.backend.cuda.op.tensor.CudaMemory;
import org.mohawk4j.tensor.types.DType;
import org.mohawk4j.tensor.types.Shape;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Matrix products by cuBLASLt, accumulated in float32, or float64 for float64. In mixed precision float32 operands are
 * rounded to bfloat16 first and the result is float32; otherwise float32 stays float32, without TF32.
 */
public final class CudaMatmul implements MatmulOps, AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(CudaMatmul.class);

    private static final long WORKSPACE_BYTES = 64L << 20;
    private static final int MOST_ALIGNMENT = 256;
    private static final int VECTOR_BYTES = 16;
    private static final long WHOLE_VECTORS = VECTOR_BYTES / 2;

    private final CudaContext context;
    private final CudaPool pool;
    private final GemmTuning tuning;
    private final CudaMemory memory;
    private final boolean mixed;
    private final cublasLtContext handle = new cublasLtContext();
    private final CudaArray workspace;
    private final Map<GemmPlan.Key, GemmPlan> plans = new HashMap<>();

    /** What cuBLASLt knows no way to compute, and is not asked for again. */
    private final Set<GemmPlan.Key> impossible = new HashSet<>();

    /** Products whose algorithm would have been chosen, where there is no device. */
    private final Set<GemmPlan.Key> chosen = new HashSet<>();

    private final DevicePointer left = new DevicePointer();
    private final DevicePointer right = new DevicePointer();
    private final DevicePointer into = new DevicePointer();
    private final DevicePointer scratch = new DevicePointer();
    private final Scales floats = new Scales(new FloatPointer(1f), new FloatPointer(0f));
    private final Scales doubles = new Scales(new DoublePointer(1.0), new DoublePointer(0.0));

    private record Scales(Pointer one, Pointer zero) {}

    public CudaMatmul(CudaContext context, CudaPool pool, CudaKernels kernels, CudaMemory memory, boolean mixed) {
        this.context = context;
        this.tuning = new GemmTuning(context, pool, kernels);
        this.pool = pool;
        this.memory = memory;
        this.mixed = mixed;
        // before the handle, which nobody would close if there were no room
        workspace = pool.take(DType.INT32, Shape.of(WORKSPACE_BYTES / Integer.BYTES));
        if (context.dry().isEmpty()) {
            context.use();
            CudaStatus.blas(cublas.cublasLtCreate(handle), () -> "starting cuBLASLt");
        }
    }

    /** What products of this type round their operands to. */
    public DType operands(DType dtype) {
        return mixed && dtype == DType.FLOAT32 ? DType.BFLOAT16 : dtype;
    }

    @Override
    public Array matmul(Array a, boolean transposeA, Array b, boolean transposeB) {
        DType wider = ElementType.wider(a.dtype(), b.dtype());
        CudaArray x = memory.as(operands(wider), a);
        CudaArray y = memory.as(operands(wider), b);
        CudaArray result = product(x, transposeA, y, transposeB, wider);
        pool.release(x);
        pool.release(y);
        return result;
    }

    /** Of operands of one type, into an array of type {@code result}. */
    public CudaArray product(CudaArray a, boolean transposeA, CudaArray b, boolean transposeB, DType result) {
        CudaArray c = pool.take(result, shape(a, transposeA, b, transposeB));
        product(a, transposeA, b, transposeB, c, false);
        return c;
    }

    /** As {@link #product(CudaArray, boolean, CudaArray, boolean, DType)}, into an array or added to what it holds. */
    public void product(CudaArray a, boolean transposeA, CudaArray b, boolean transposeB, CudaArray c, boolean added) {
        GemmPlan.Key key = key(a, transposeA, b, transposeB, c, GemmPlan.Finish.NONE);
        if (context.dry().isPresent()) {
            note(context.dry().get(), key, a, b, c, added);
            return;
        }
        run(plan(key), a, b, c, added);
    }

    /** Whether {@link #finished} can be asked for: cuBLASLt wants rows in whole vectors for it. */
    public boolean canFinish(CudaArray x, CudaArray weight) {
        return canFinish(x, weight.shape()) && alignment(weight) >= VECTOR_BYTES;
    }

    /** As {@link #canFinish(CudaArray, CudaArray)}, with a weight of its own memory. */
    public boolean canFinish(CudaArray x, Shape weight) {
        return x.dtype() == DType.BFLOAT16
                && weight.dim(0) % WHOLE_VECTORS == 0
                && weight.dim(1) % WHOLE_VECTORS == 0
                && alignment(x) >= VECTOR_BYTES;
    }

    /**
     * {@code x weightᵀ + bias}, and what {@code finish} says, all in one type.
     *
     * @param before receives what goes into the gelu, where it is kept
     */
    public CudaArray finished(
            CudaArray x, CudaArray weight, CudaArray bias, GemmPlan.Finish finish, @Nullable CudaArray before) {
        CudaArray y = pool.take(x.dtype(), shape(x, false, weight, true));
        GemmPlan.Key key = key(x, false, weight, true, y, finish);
        if (context.dry().isPresent()) {
            note(context.dry().get(), key, x, weight, y, false);
            return y;
        }
        GemmPlan plan = plan(key);
        plan.finishWith(bias.address(), before == null ? 0 : before.address());
        run(plan, x, weight, y, false);
        return y;
    }

    /**
     * {@code g weight}, times the slope of tanh-gelu at {@code before}, all in one type.
     *
     * @param g [R,F], for which {@link #canFinish} holds
     * @param weight [F,E], likewise
     * @param before [R,E], as {@link #finished} kept it
     * @return empty if cuBLASLt cannot do that here
     */
    public Optional<CudaArray> throughGelu(CudaArray g, CudaArray weight, CudaArray before) {
        CudaArray y = pool.take(g.dtype(), before.shape());
        GemmPlan.Key key = key(g, false, weight, false, y, GemmPlan.Finish.DGELU);
        if (context.dry().isPresent()) {
            note(context.dry().get(), key, g, weight, y, false);
            return Optional.of(y);
        }
        @Nullable GemmPlan plan;
        try {
            plan = impossible.contains(key) ? null : plan(key);
        } catch (CudaException e) {
            LOG.debug("no product through a gelu: {}", e.getMessage());
            impossible.add(key);
            plan = null;
        }
        if (plan == null) {
            pool.release(y);
            return Optional.empty();
        }
        plan.finishWith(0, before.address());
        run(plan, g, weight, y, false);
        return Optional.of(y);
    }

    private static Shape shape(CudaArray a, boolean transposeA, CudaArray b, boolean transposeB) {
        return a.shape()
                .with(-2, a.shape().dim(transposeA ? -1 : -2))
                .with(-1, b.shape().dim(transposeB ? -2 : -1));
    }

    private GemmPlan plan(GemmPlan.Key key) {
        return plans.computeIfAbsent(key, wanted -> {
            // what cuBLASLt proposes is for the device of the current context
            context.use();
            return new GemmPlan(handle, wanted, WORKSPACE_BYTES);
        });
    }

    private static GemmPlan.Key key(
            CudaArray a, boolean transposeA, CudaArray b, boolean transposeB, CudaArray c, GemmPlan.Finish finish) {
        long m = c.shape().dim(-2);
        long n = c.shape().dim(-1);
        return new GemmPlan.Key(
                new GemmPlan.Factor(a.dtype(), transposeA, alignment(a)),
                new GemmPlan.Factor(b.dtype(), transposeB, alignment(b)),
                c.dtype(),
                m,
                n,
                a.shape().dim(transposeA ? -2 : -1),
                c.size() / (m * n),
                finish);
    }

    /** What stands for a product where there is no device: its work, and the memory that choosing an algorithm takes. */
    private void note(DryDevice device, GemmPlan.Key key, CudaArray a, CudaArray b, CudaArray c, boolean added) {
        if (!added && chosen.add(key)) {
            tuning.occupy(key.multiplications(), a, b);
        }
        long bytes = Stream.of(a, b, c)
                .mapToLong(array -> array.size() * array.dtype().bytes())
                .sum();
        device.product(key.toString(), 2.0 * key.multiplications(), bytes);
    }

    private void run(GemmPlan plan, CudaArray a, CudaArray b, CudaArray c, boolean added) {
        // what is recorded does not run yet, so that there is nothing to compare
        if (!added && !plan.isDecided() && !pool.isKeeping()) {
            tuning.choose(plan, a, b, c, (x, y) -> compute(plan, x, y, c, false));
        }
        compute(plan, a, b, c, added);
    }

    private void compute(GemmPlan plan, CudaArray a, CudaArray b, CudaArray c, boolean added) {
        Scales scales = a.dtype() == DType.FLOAT64 ? doubles : floats;
        plan.run(
                handle,
                context,
                scales.one(),
                left.at(a),
                right.at(b),
                added ? scales.one() : scales.zero(),
                into.at(c),
                scratch.at(workspace),
                WORKSPACE_BYTES);
    }

    private static int alignment(CudaArray array) {
        return (int) Math.min(MOST_ALIGNMENT, Long.lowestOneBit(array.address() | MOST_ALIGNMENT));
    }

    @Override
    public void close() {
        CloseStack closing = new CloseStack();
        closing.add(() -> pool.release(workspace));
        if (context.dry().isPresent()) {
            closing.close();
            return;
        }
        closing.add(() -> CudaStatus.blas(cublas.cublasLtDestroy(handle), () -> "closing cuBLASLt"));
        closing.add(context::use);
        plans.values().forEach(plan -> closing.add(plan::close));
        closing.close();
    }
}
