package org.mohawk4j.backend.cuda.op.mamba;

import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import org.mohawk4j.backend.Array;
import org.mohawk4j.backend.cuda.compile.CudaKernels;
import org.mohawk4j.backend.cuda.memory.CudaArray;
import org.mohawk4j.backend.cuda.op.Gpu;
import org.mohawk4j.backend.cuda.op.tensor.ColumnSums;
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

    private final Gpu gpu;
    private final CudaConvolution convolution;
    private final FusedSemiseparable product;

    public CudaMamba(Gpu gpu, CudaConvolution convolution, FusedSemiseparable product) {
        this.gpu = gpu;
        this.convolution = convolution;
        this.product = product;
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
        CudaArray x = gpu.reshaped(parts.get(0), layout.values());
        CudaArray b = gpu.reshaped(parts.get(1), layout.keys());
        CudaArray c = gpu.reshaped(parts.get(2), layout.keys());
        CudaArray decay = gpu.take(DType.FLOAT32, layout.decays());
        gpu.source(SOURCE)
                .kernel("decay")
                .each(
                        decay.size(),
                        gpu.arguments()
                                .add(address(in, layout.decayFrom()))
                                .add(decay)
                                .add(decay.size())
                                .add((long) config.heads())
                                .add(layout.stride()));
        FusedSemiseparable.Forward made = product.forward(x, b, c, decay, Optional.empty(), config.chunk(), kept);
        CudaArray y = CudaArray.cast(made.y());
        gpu.memory().release(made.state());
        CudaArray output = gpu.take(in.dtype(), layout.output());
        gpu.source(SOURCE)
                .kernel("gate_around")
                .each(
                        CudaKernels.fours(output.size()),
                        gpu.arguments()
                                .add(y, x)
                                .add(weights.skip())
                                .add(address(in, layout.gateFrom()))
                                .add(weights.zBias())
                                .add(output)
                                .add(output.size())
                                .add(config.width())
                                .add(layout.head())
                                .add(layout.stride()));
        List<Array> own = List.of(x, b, c, decay, y);
        if (!kept) {
            own.forEach(gpu.memory()::release);
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
        CudaArray upstream = gpu.as(in.dtype(), outputGradient);
        CudaArray dIn = gpu.take(in.dtype(), in.shape());
        CudaArray dy = gpu.take(in.dtype(), layout.values());
        CudaArray skip = CudaArray.cast(weights.skip());
        ColumnSums skips = new ColumnSums(gpu.pool(), in.dtype(), layout.rows(), config.width());
        ColumnSums biases = new ColumnSums(gpu.pool(), in.dtype(), layout.rows(), config.width());
        gpu.source(SOURCE)
                .kernel("gate_around_gradient")
                .each(
                        ColumnSums.threads(layout.rows(), config.width()),
                        gpu.arguments()
                                .add(upstream, saved.get(4), x, skip)
                                .add(address(in, layout.gateFrom()))
                                .add(weights.zBias())
                                .add(dy)
                                .add(address(dIn, layout.gateFrom()))
                                .add(skips.parts())
                                .add(biases.parts())
                                .add(layout.rows())
                                .add(config.width())
                                .add(layout.head())
                                .add(layout.stride())
                                .add(ColumnSums.STRETCH));
        gpu.release(upstream);
        Shape states = Shape.of(layout.batch(), config.heads(), layout.head(), config.stateSize());
        Array ofState = gpu.memory().full(states, DType.FLOAT32, 0);
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
        gpu.memory().release(ofState);
        CudaArray ofDecay = CudaArray.cast(g.logDecay());
        gpu.source(SOURCE)
                .kernel("decay_gradient")
                .each(
                        ofDecay.size(),
                        gpu.arguments()
                                .add(ofDecay)
                                .add(address(in, layout.decayFrom()))
                                .add(address(dIn, layout.decayFrom()))
                                .add(ofDecay.size())
                                .add((long) config.heads())
                                .add(layout.stride()));
        gpu.release(ofDecay);
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
        parts.forEach(gpu::release);
        gpu.release(dy);
        CudaArray ofBias = gpu.reductions().summed(biases.parts(), Shape.of(config.width()));
        return new Gradients(dIn, conv.weight(), conv.bias(), CudaSkip.byHead(gpu, skips, config.heads()), ofBias);
    }

    /** [B,T,·,·] as [B,T,·]. */
    private CudaArray flat(CudaArray x, Layout layout) {
        return gpu.reshaped(x, Shape.of(layout.batch(), layout.time(), x.size() / layout.rows()));
    }

    private static long address(CudaArray rows, long column) {
        return rows.address() + column * rows.dtype().bytes();
    }
}
