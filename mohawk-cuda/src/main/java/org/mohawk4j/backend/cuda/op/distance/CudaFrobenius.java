package org.mohawk4j.backend.cuda.op.distance;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.mohawk4j.backend.cuda.compile.CudaKernels;
import org.mohawk4j.backend.cuda.compile.KernelArguments;
import org.mohawk4j.backend.cuda.compile.SupportedSizes;
import org.mohawk4j.backend.cuda.memory.CudaArray;
import org.mohawk4j.backend.cuda.op.Gpu;
import org.mohawk4j.matrix.FrobeniusDistance.FusedFrobenius;
import org.mohawk4j.matrix.MixingMatrix;
import org.mohawk4j.matrix.SemiseparableMatrix;
import org.mohawk4j.matrix.SoftmaxMatrix;
import org.mohawk4j.op.Heads;
import org.mohawk4j.tensor.Engine;
import org.mohawk4j.tensor.Tensor;
import org.mohawk4j.tensor.types.DType;
import org.mohawk4j.tensor.types.Shape;

/**
 * The loss of stage 1 between softmax attention and a semiseparable matrix in bfloat16, without an array of size T·T:
 * time is quadratic in T, memory linear. The forward pass leaves the gradients that belong to rows, unscaled.
 */
public final class CudaFrobenius implements FusedFrobenius {
    private static final String FORWARD = "op/distance/frobenius_forward.cu";
    private static final String BACKWARD = "op/distance/frobenius_backward.cu";
    private static final Set<Long> WIDTHS = Set.of(16L, 32L, 64L, 128L);
    private static final int GRANULE = 64;
    private static final int GRANULES_PER_BLOCK = 4;

    private final Gpu gpu;
    private final SupportedSizes sizes = new SupportedSizes();

    public CudaFrobenius(Gpu gpu) {
        this.gpu = gpu;
    }

    @Override
    public Optional<Tensor> distance(MixingMatrix teacher, MixingMatrix student) {
        if (teacher instanceof SoftmaxMatrix softmax
                && student instanceof SemiseparableMatrix semiseparable
                && fits(softmax, semiseparable)) {
            return Optional.of(new Pass(perHead(softmax), semiseparable).distance());
        }
        return Optional.empty();
    }

    /** With a key head for each query head: these are copied once, where a matrix of each head would have T·T numbers. */
    private static SoftmaxMatrix perHead(SoftmaxMatrix matrix) {
        Tensor keys = Heads.repeat(matrix.k().detach(), matrix.q().dim(2));
        return new SoftmaxMatrix(matrix.q(), keys, matrix.scores());
    }

    private boolean fits(SoftmaxMatrix teacher, SemiseparableMatrix student) {
        long headDim = teacher.q().dim(3);
        long stateSize = student.c().dim(3);
        return teacher.q().shape().without(3).equals(student.logDecay().shape())
                && teacher.scale() > 0
                && teacher.scores().isPlain(teacher.k().dim(1))
                && WIDTHS.contains(headDim)
                && WIDTHS.contains(stateSize)
                && sizes.fits(
                        "the distance to attention of head width " + headDim + " and state size " + stateSize,
                        () -> shortage(headDim, stateSize));
    }

    private Optional<String> shortage(long headDim, long stateSize) {
        CudaKernels.Source forward = source(FORWARD, headDim, stateSize);
        CudaKernels.Source backward = source(BACKWARD, headDim, stateSize);
        int[] ofForward = forward.constants("frobeniusForwardSizes", 4);
        int[] ofBackward = backward.constants("frobeniusBackwardSizes", 2);
        return gpu.kernels()
                .shortage(forward.kernel("frob_lse"), ofForward[2])
                .or(() -> gpu.kernels().shortage(forward.kernel("frob_rows"), ofForward[3]))
                .or(() -> gpu.kernels().shortage(forward.kernel("frob_rows_loss"), ofForward[3]))
                .or(() -> gpu.kernels().shortage(backward.kernel("frob_cols"), ofBackward[1]));
    }

    private CudaKernels.Source source(String name, long headDim, long stateSize) {
        return gpu.source(name, "FROB_P=" + headDim, "FROB_N=" + stateSize, "FROB_WGMMA=" + (gpu.warpgroups() ? 1 : 0));
    }

    /** One distance with what its gradient needs. */
    private final class Pass {
        private final Engine engine;
        private final SemiseparableMatrix student;
        private final CudaKernels.Source forward;
        private final long batch;
        private final int time;
        private final int heads;
        private final int groups;
        private final long stateSize;
        private final int threads;
        private final int padded;
        private final int tiles;
        private final int lseBytes;
        private final int tileBytes;
        private final float scale;
        private final CudaArray q;
        private final CudaArray k;
        private final CudaArray c;
        private final CudaArray b;
        private final Tensor skipTensor;
        private final CudaArray skip;
        private final List<CudaArray> kept = new ArrayList<>();
        private final CudaArray prefix;
        private final CudaArray rowFactor;
        private final CudaArray columnFactor;
        private final CudaArray total;
        private final CudaArray lse;
        private final CudaArray norm;

        Pass(SoftmaxMatrix teacher, SemiseparableMatrix student) {
            this.student = student;
            engine = student.c().engine();
            batch = teacher.q().dim(0);
            time = Math.toIntExact(teacher.q().dim(1));
            heads = Math.toIntExact(teacher.q().dim(2));
            groups = Math.toIntExact(student.c().dim(2));
            stateSize = student.c().dim(3);
            scale = (float) teacher.scale();
            forward = source(FORWARD, teacher.q().dim(3), stateSize);
            int[] needed = forward.constants("frobeniusForwardSizes", 4);
            threads = needed[0];
            tiles = (time + needed[1] - 1) / needed[1];
            padded = tiles * needed[1];
            lseBytes = needed[2];
            tileBytes = needed[3];
            q = keep(gpu.as(DType.BFLOAT16, teacher.q().array()));
            k = keep(gpu.as(DType.BFLOAT16, teacher.k().array()));
            c = keep(gpu.as(DType.BFLOAT16, student.c().array()));
            b = keep(gpu.as(DType.BFLOAT16, student.b().array()));
            skipTensor = student.skip().orElseGet(() -> engine.zeros(heads));
            skip = CudaArray.cast(skipTensor.array());
            prefix = keep(perPosition());
            rowFactor = keep(perPosition());
            columnFactor = keep(perPosition());
            total = keep(take(batch * heads, padded / GRANULE));
            lse = keep(perPosition());
            norm = keep(take(batch * heads));
        }

        private CudaArray keep(CudaArray array) {
            kept.add(array);
            return array;
        }

        private CudaArray take(long... dims) {
            return gpu.take(DType.FLOAT32, Shape.of(dims));
        }

        private CudaArray perPosition() {
            return take(batch * heads, padded);
        }

        private CudaArray perTile() {
            return take(batch * heads, tiles);
        }

        Tensor distance() {
            List<Tensor> inputs = new ArrayList<>(List.of(student.c(), student.b(), student.logDecay()));
            student.skip().ifPresent(inputs::add);
            boolean tracked = inputs.stream().anyMatch(engine::isTracked);
            long granules = batch * heads * padded / GRANULE;
            forward.kernel("frob_decay")
                    .launch(
                            (granules + GRANULES_PER_BLOCK - 1) / GRANULES_PER_BLOCK,
                            1,
                            GRANULES_PER_BLOCK * 32,
                            0,
                            gpu.arguments()
                                    .add(student.logDecay().array())
                                    .add(prefix, rowFactor, columnFactor, total)
                                    .add((int) batch)
                                    .add(time)
                                    .add(heads)
                                    .add(padded));
            CudaArray dead = perTile();
            forward.kernel("frob_lse")
                    .launch(
                            batch * heads,
                            tiles,
                            threads,
                            lseBytes,
                            gpu.arguments()
                                    .add(q, k, prefix, total, lse, dead)
                                    .add(scale)
                                    .add(time)
                                    .add(heads)
                                    .add(padded));
            CudaArray squares = perTile();
            CudaArray ofC = tracked ? keep(take(batch, time, heads, stateSize)) : squares;
            CudaArray rowSums = tracked ? keep(perPosition()) : squares;
            CudaArray diagonal = tracked ? keep(perTile()) : squares;
            KernelArguments arguments = matrices();
            if (tracked) {
                arguments.add(ofC, rowSums, squares, diagonal);
            } else {
                arguments.add(squares);
            }
            forward.kernel(tracked ? "frob_rows" : "frob_rows_loss")
                    .launch(batch * heads, tiles, threads, tileBytes, ending(arguments));
            CudaArray loss = take();
            forward.kernel("frob_norm")
                    .launch(
                            1,
                            1,
                            1024,
                            0,
                            gpu.arguments()
                                    .add(squares, dead, norm, loss)
                                    .add((int) (batch * heads))
                                    .add(tiles));
            gpu.release(dead);
            gpu.release(squares);
            List<Tensor> saved = new ArrayList<>(kept.stream().map(engine::wrap).toList());
            saved.add(skipTensor);
            return engine.record(
                            List.of(engine.wrap(loss)),
                            inputs,
                            upstream -> gradients(CudaArray.cast(upstream.get(0).array()), ofC, rowSums, diagonal),
                            saved.toArray(Tensor[]::new))
                    .get(0);
        }

        private KernelArguments matrices() {
            return gpu.arguments().add(q, k, c, b, lse, prefix, rowFactor, columnFactor, total, skip);
        }

        private KernelArguments ending(KernelArguments arguments) {
            return arguments.add(scale).add(time).add(heads).add(groups).add(padded);
        }

        private List<Tensor> gradients(CudaArray upstream, CudaArray ofC, CudaArray rowSums, CudaArray diagonal) {
            CudaArray ofB = take(batch, time, heads, stateSize);
            CudaArray columnSums = perPosition();
            CudaKernels.Source backward = source(BACKWARD, q.shape().dim(3), stateSize);
            int[] needed = backward.constants("frobeniusBackwardSizes", 2);
            backward.kernel("frob_cols")
                    .launch(
                            batch * heads,
                            tiles,
                            needed[0],
                            needed[1],
                            ending(matrices().add(ofB, columnSums)));
            CudaArray dc = take(batch, time, groups, stateSize);
            CudaArray db = take(batch, time, groups, stateSize);
            long quads = dc.size() / 4;
            KernelArguments sums = gpu.arguments()
                    .add(ofC, ofB, norm, upstream, dc, db)
                    .add((int) batch)
                    .add(time)
                    .add(heads)
                    .add(groups);
            backward.kernel("frob_grad_bc_f32")
                    .launch(
                            (quads + CudaKernels.THREADS - 1) / CudaKernels.THREADS,
                            1,
                            2,
                            CudaKernels.THREADS,
                            0,
                            sums);
            CudaArray ofDecay = take(batch, time, heads);
            CudaArray ofSkip = take(heads);
            backward.kernel("frob_grad_decay")
                    .launch(
                            batch * heads,
                            1,
                            1024,
                            0,
                            gpu.arguments()
                                    .add(rowSums, columnSums, diagonal, norm, upstream, ofDecay, ofSkip)
                                    .add((int) batch)
                                    .add(time)
                                    .add(heads)
                                    .add(padded)
                                    .add(tiles));
            gpu.release(ofB);
            gpu.release(columnSums);
            List<Tensor> result = new ArrayList<>(List.of(engine.wrap(dc), engine.wrap(db), engine.wrap(ofDecay)));
            Tensor skipGradient = engine.wrap(ofSkip);
            student.skip().ifPresent(d -> result.add(skipGradient));
            return result;
        }
    }
}
