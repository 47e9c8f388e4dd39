package org.mohawk4j.backend.cuda.op.mamba;

import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import org.mohawk4j.backend.Array;
import org.mohawk4j.backend.MemoryOps;
import org.mohawk4j.backend.cuda.compile.CudaKernels;
import org.mohawk4j.backend.cuda.memory.CudaArray;
import org.mohawk4j.backend.cuda.memory.CudaPool;
import org.mohawk4j.backend.cuda.op.tensor.ColumnSums;
import org.mohawk4j.backend.cuda.op.tensor.Conversions;
import org.mohawk4j.backend.cuda.op.tensor.CudaReductions;
import org.mohawk4j.op.Mamba2Function.Config;
import org.mohawk4j.op.Mamba2Function.FusedMamba2;
import org.mohawk4j.op.SemiseparableFunction.FusedSemiseparable;
import org.mohawk4j.tensor.types.DType;
import org.mohawk4j.tensor.types.Shape;

/**
 * A discrete Mamba-2 between its projections, in bfloat16: convolution and gate read the projection's rows where they
 * lie, and their gradients are written into rows of the same kind, so that both projections are one product each way. The
 * way around the state is part of the gate forward, and of the convolution backward. Saves x, B, C, the decay and the
 * product, and what the product saves.
 */
public final class CudaMamba implements FusedMamba2 {
    private static final String SOURCE = "op/mamba/mamba.cu";
    private static final long FOUR = 4;

    private final CudaPool pool;
    private final CudaKernels kernels;
    private final CudaConvolution convolution;
    private final FusedSemiseparable product;
    private final CudaReductions reductions;
    private final MemoryOps memory;
    private final Conversions conversions;

    public CudaMamba(
            CudaPool pool,
            CudaKernels kernels,
            CudaConvolution convolution,
            FusedSemiseparable product,
            CudaReductions reductions,
            MemoryOps memory,
            Conversions conversions) {
        this.pool = pool;
        this.kernels = kernels;
        this.convolution = convolution;
        this.product = product;
        this.reductions = reductions;
        this.memory = memory;
        this.conversions = conversions;
    }

    /** Groups of four numbers must not be cut by a row's end. */
    @Override
    public boolean supports(Config config) {
        return config.heads() % FOUR == 0 && product.supports(config.width() / config.heads(), config.stateSize());
    }

    /** Places in the projected rows of one call. */
    private record Layout(Config config, long batch, long time) {
        static Layout of(Array projected, Config config) {
            return new Layout(
                    config, projected.shape().dim(0), projected.shape().dim(1));
        }

        long rows() {
            return batch * time;
        }

        long stride() {
            return decayFrom() + config.heads();
        }

        long gateFrom() {
            return config.convChannels();
        }

        long decayFrom() {
            return gateFrom() + config.width();
        }

        long head() {
            return config.width() / config.heads();
        }

        Shape convolved() {
            return Shape.of(batch, time, config.convChannels());
        }

        Shape values() {
            return Shape.of(batch, time, config.heads(), head());
        }

        Shape keys() {
            return Shape.of(batch, time, config.groups(), config.stateSize());
        }

        Shape decays() {
            return Shape.of(batch, time, config.heads());
        }

        Shape output() {
            return Shape.of(batch, time, config.width());
        }
    }

    @Override
    public Result forward(Array projected, Operands weights, Config config, boolean kept, boolean trained) {
        Layout layout = Layout.of(projected, config);
        CudaArray in = CudaArray.cast(projected);
        List<CudaArray> parts = convolution.forward(
                new CudaConvolution.Rows(in, layout.convolved(), layout.stride()),
                weights.convWeight(),
                weights.convBias(),
                trained,
                config.width(),
                config.stateWidth(),
                config.stateWidth());
        CudaArray x = shaped(parts.get(0), layout.values());
        CudaArray b = shaped(parts.get(1), layout.keys());
        CudaArray c = shaped(parts.get(2), layout.keys());
        CudaArray decay = pool.take(DType.FLOAT32, layout.decays());
        kernels.source(SOURCE)
                .kernel("decay")
                .each(
                        decay.size(),
                        kernels.arguments()
                                .add(address(in, layout.decayFrom()))
                                .add(decay)
                                .add(decay.size())
                                .add((long) config.heads())
                                .add(layout.stride()));
        FusedSemiseparable.Forward made = product.forward(x, b, c, decay, Optional.empty(), config.chunk(), kept);
        CudaArray y = CudaArray.cast(made.y());
        memory.release(made.state());
        CudaArray output = pool.take(in.dtype(), layout.output());
        kernels.source(SOURCE)
                .kernel("gate_around")
                .each(
                        CudaKernels.fours(output.size()),
                        kernels.arguments()
                                .add(y)
                                .add(x)
                                .add(CudaArray.cast(weights.skip()))
                                .add(address(in, layout.gateFrom()))
                                .add(CudaArray.cast(weights.zBias()))
                                .add(output)
                                .add(output.size())
                                .add(config.width())
                                .add(layout.head())
                                .add(layout.stride()));
        List<Array> own = List.of(x, b, c, decay, y);
        if (!kept) {
            own.forEach(memory::release);
            return new Result(output, List.of());
        }
        return new Result(
                output, Stream.concat(own.stream(), made.saved().stream()).toList());
    }

    @Override
    public Gradients backward(
            Array outputGradient, Array projected, Operands weights, Config config, List<Array> saved) {
        Layout layout = Layout.of(projected, config);
        CudaArray in = CudaArray.cast(projected);
        CudaArray x = CudaArray.cast(saved.get(0));
        CudaArray upstream = conversions.as(in.dtype(), outputGradient);
        CudaArray dIn = pool.take(in.dtype(), in.shape());
        CudaArray dy = pool.take(in.dtype(), layout.values());
        CudaArray skip = CudaArray.cast(weights.skip());
        ColumnSums skips = new ColumnSums(pool, in.dtype(), layout.rows(), config.width());
        ColumnSums biases = new ColumnSums(pool, in.dtype(), layout.rows(), config.width());
        kernels.source(SOURCE)
                .kernel("gate_around_gradient")
                .each(
                        ColumnSums.threads(layout.rows(), config.width()),
                        kernels.arguments()
                                .add(upstream)
                                .add(CudaArray.cast(saved.get(4)))
                                .add(x)
                                .add(skip)
                                .add(address(in, layout.gateFrom()))
                                .add(CudaArray.cast(weights.zBias()))
                                .add(dy)
                                .add(address(dIn, layout.gateFrom()))
                                .add(skips.parts())
                                .add(biases.parts())
                                .add(layout.rows())
                                .add(config.width())
                                .add(layout.head())
                                .add(layout.stride())
                                .add(ColumnSums.STRETCH));
        pool.release(upstream);
        Shape states = Shape.of(layout.batch(), config.heads(), layout.head(), config.stateSize());
        Array ofState = memory.full(states, DType.FLOAT32, 0);
        FusedSemiseparable.Gradients g = product.backward(
                dy,
                ofState,
                x,
                saved.get(1),
                saved.get(2),
                saved.get(3),
                Optional.empty(),
                saved.subList(5, saved.size()),
                config.chunk());
        memory.release(ofState);
        CudaArray ofDecay = CudaArray.cast(g.logDecay());
        kernels.source(SOURCE)
                .kernel("decay_gradient")
                .each(
                        ofDecay.size(),
                        kernels.arguments()
                                .add(ofDecay)
                                .add(address(in, layout.decayFrom()))
                                .add(address(dIn, layout.decayFrom()))
                                .add(ofDecay.size())
                                .add((long) config.heads())
                                .add(layout.stride()));
        pool.release(ofDecay);
        List<CudaArray> parts = List.of(
                flat(CudaArray.cast(g.x()), layout),
                flat(CudaArray.cast(g.b()), layout),
                flat(CudaArray.cast(g.c()), layout));
        CudaConvolution.Sums conv = convolution.gradients(
                List.copyOf(parts),
                Optional.of(new CudaConvolution.Around(dy, skip, layout.head())),
                new CudaConvolution.Rows(in, layout.convolved(), layout.stride()),
                weights.convWeight(),
                dIn);
        parts.forEach(pool::release);
        pool.release(dy);
        CudaArray ofBias = reductions.summed(biases.parts(), Shape.of(config.width()));
        return new Gradients(dIn, conv.weight(), conv.bias(), byHead(skips, layout), ofBias);
    }

    /** The gradient of the skips: sums over the entries of a head. */
    private CudaArray byHead(ColumnSums skips, Layout layout) {
        int heads = layout.config().heads();
        CudaArray byEntry = reductions.summed(skips.parts(), Shape.of(heads, layout.head()));
        CudaArray byHead = CudaArray.cast(reductions.sum(byEntry, 1));
        pool.release(byEntry);
        return shaped(byHead, Shape.of(heads));
    }

    /** [B,T,·,·] as [B,T,·]. */
    private CudaArray flat(CudaArray x, Layout layout) {
        return shaped(x, Shape.of(layout.batch(), layout.time(), x.size() / layout.rows()));
    }

    /** The same memory in another shape, in the place of x. */
    private CudaArray shaped(CudaArray x, Shape shape) {
        CudaArray view = pool.view(x, 0, shape);
        pool.release(x);
        return view;
    }

    private static long address(CudaArray rows, long column) {
        return rows.address() + column * rows.dtype().bytes();
    }
}
