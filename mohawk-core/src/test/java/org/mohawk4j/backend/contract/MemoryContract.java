package org.mohawk4j.backend.contract;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicNode;
import org.junit.jupiter.api.TestFactory;
import org.mohawk4j.backend.Array;
import org.mohawk4j.backend.MemoryOps;
import org.mohawk4j.tensor.types.DType;
import org.mohawk4j.tensor.types.HostSource;
import org.mohawk4j.tensor.types.HostTensor;
import org.mohawk4j.tensor.types.HostTensors;
import org.mohawk4j.tensor.types.Shape;
import org.mohawk4j.testing.HostArray;
import org.mohawk4j.testing.HostOps;
import org.mohawk4j.testing.TensorAssert;

/** Numbers in and out, and memory back. */
interface MemoryContract extends ContractTests {
    @TestFactory
    default Stream<DynamicNode> whatGoesInComesOut() {
        return onEach(probe -> {
            for (Shape shape : SHAPES) {
                HostArray x = probe.random(shape, 1);
                probe.checkView(
                        "upload of " + shape,
                        x,
                        BackendProbe.exact(x),
                        (b, in) -> b.layout().reshape(in.get(0), shape),
                        probe.numbers(x));
            }
        });
    }

    @TestFactory
    default Stream<DynamicNode> downloadsFillMemoryThatIsGiven() {
        return onEach(probe -> {
            HostArray x = probe.random(Shape.of(5, 7), 3);
            Array array = probe.backend().memory().upload(x.toHostTensor(), probe.dtype());
            ByteBuffer target = ByteBuffer.allocateDirect(35 * probe.dtype().bytes());
            probe.backend().memory().download(array, target);
            assertThat(target.position()).isZero();
            HostArray held = HostArray.of(new HostTensor(probe.dtype(), x.shape(), target));
            HostArray expected = x.roundedTo(probe.dtype());
            TensorAssert.assertClose("download", held, expected, BackendProbe.exact(expected));
            probe.backend().memory().release(array);
        });
    }

    @TestFactory
    default Stream<DynamicNode> uploadConvertsEveryHostType() {
        return onEach(probe -> {
            HostArray x = HostArray.random(Shape.of(3, 65), 2).map(v -> 100 * v);
            for (DType type : DType.values()) {
                HostArray held = HostArray.of(HostTensors.convert(x.toHostTensor(), type));
                Array array =
                        probe.backend().memory().upload(HostTensors.convert(x.toHostTensor(), type), probe.dtype());
                HostArray expected = held.roundedTo(probe.dtype());
                TensorAssert.assertClose(
                        "upload from " + type, probe.download(array), expected, BackendProbe.exact(expected));
                assertThat(array.dtype()).isEqualTo(probe.dtype());
                probe.backend().memory().release(array);
            }
        });
    }

    @TestFactory
    default Stream<DynamicNode> uploadsComeInPiecesOfAnySize() {
        return onEach(probe -> {
            HostArray x = HostArray.random(Shape.of(7, 31), 4).map(v -> 100 * v);
            for (DType type : DType.values()) {
                HostTensor whole = HostTensors.convert(x.toHostTensor(), type);
                HostArray expected = HostArray.of(whole).roundedTo(probe.dtype());
                for (int elements : new int[] {1, 3, 64, 216, 217}) {
                    HostSource source = HostSource.of(type, x.shape(), chunks(whole, elements));
                    Array array = probe.backend().memory().upload(source, probe.dtype());
                    TensorAssert.assertClose(
                            "upload from " + type + " in pieces of " + elements,
                            probe.download(array),
                            expected,
                            BackendProbe.exact(expected));
                    probe.backend().memory().release(array);
                }
            }
        });
    }

    private static List<ByteBuffer> chunks(HostTensor whole, int elements) {
        List<ByteBuffer> chunks = new ArrayList<>();
        ByteBuffer all = whole.data();
        int most = elements * whole.dtype().bytes();
        for (int at = 0; at < all.limit(); at += most) {
            chunks.add(all.slice(at, Math.min(most, all.limit() - at)));
        }
        return chunks;
    }

    @TestFactory
    default Stream<DynamicNode> partsOfArraysAndOfViewsAreDownloaded() {
        return onEach(probe -> {
            HostArray x = probe.random(Shape.of(6, 5), 5);
            MemoryOps memory = probe.backend().memory();
            Array array = memory.upload(x.toHostTensor(), probe.dtype());
            Array view = probe.backend().layout().narrow(array, 0, 2, 3);
            ByteBuffer all = memory.download(array).data();
            ByteBuffer target = ByteBuffer.allocateDirect(4 * probe.dtype().bytes());
            memory.download(array, 7, target);
            assertThat(target).isEqualTo(all.slice(7 * probe.dtype().bytes(), target.limit()));
            memory.download(view, 7, target);
            assertThat(target).isEqualTo(all.slice(17 * probe.dtype().bytes(), target.limit()));
            memory.release(view);
            memory.release(array);
        });
    }

    @TestFactory
    default Stream<DynamicNode> indicesStayWhole() {
        return onEach(probe -> {
            HostArray x = HostArray.of(Shape.of(5), 0, 1, -1, Integer.MAX_VALUE, Integer.MIN_VALUE);
            Array array = BackendProbe.ids(x).upload(probe.backend());
            assertThat(array.dtype()).isEqualTo(DType.INT32);
            TensorAssert.assertClose("int32", probe.download(array), x, BackendProbe.exact(x));
            probe.backend().memory().release(array);
        });
    }

    @TestFactory
    default Stream<DynamicNode> full() {
        return onEach(probe -> {
            for (Shape shape : SHAPES) {
                for (double value : new double[] {0, 1, -2.5, Double.NaN, Double.NEGATIVE_INFINITY}) {
                    HostArray expected = HostArray.filled(shape, value);
                    probe.check(
                            "full " + shape + " of " + value,
                            expected,
                            BackendProbe.exact(expected),
                            (b, in) -> b.memory().full(shape, probe.dtype(), value));
                }
            }
        });
    }

    @TestFactory
    default Stream<DynamicNode> castThereAndBackRoundsOnce() {
        return onEach(probe -> {
            for (Shape shape : SHAPES) {
                HostArray x = probe.random(shape, 3);
                HostArray expected = x.roundedTo(DType.FLOAT32);
                probe.check(
                        "cast of " + shape,
                        expected,
                        BackendProbe.exact(expected),
                        (b, in) -> {
                            Array narrow = b.memory().cast(in.get(0), DType.FLOAT32);
                            assertThat(narrow.dtype()).isEqualTo(DType.FLOAT32);
                            Array back = b.memory().cast(narrow, probe.dtype());
                            b.memory().release(narrow);
                            return back;
                        },
                        probe.numbers(x));
            }
        });
    }

    @TestFactory
    default Stream<DynamicNode> castGivesACopy() {
        return onEach(probe -> {
            HostArray x = probe.random(Shape.of(13), 4);
            probe.check(
                    "the original after its copy changed",
                    x,
                    BackendProbe.exact(x),
                    (b, in) -> {
                        Array copy = b.memory().cast(in.get(0), probe.dtype());
                        b.elementwise().accumulate(copy, copy, 1);
                        b.memory().release(copy);
                        return b.memory().cast(in.get(0), probe.dtype());
                    },
                    probe.numbers(x));
        });
    }

    @TestFactory
    default Stream<DynamicNode> copyIntoOverwritesEverything() {
        return onEach(probe -> {
            for (Shape shape : SHAPES) {
                HostArray x = probe.random(shape, 5);
                probe.check(
                        "copyInto " + shape,
                        x,
                        BackendProbe.exact(x),
                        (b, in) -> {
                            Array target = b.memory().full(shape, probe.dtype(), Double.NaN);
                            b.memory().copyInto(target, in.get(0));
                            return target;
                        },
                        probe.numbers(x));
            }
        });
    }

    @TestFactory
    default Stream<DynamicNode> copyIntoPositionsOfEveryAxis() {
        return onEach(probe -> {
            for (Shape shape : SHAPES) {
                for (int axis = 0; axis < shape.rank(); axis++) {
                    long extent = shape.dim(axis);
                    for (long length : new long[] {1, (extent + 1) / 2, extent}) {
                        checkCopyInto(probe, shape, axis, 0, length);
                        checkCopyInto(probe, shape, axis, extent - length, length);
                    }
                }
            }
        });
    }

    private static void checkCopyInto(BackendProbe probe, Shape shape, int axis, long from, long length) {
        HostArray old = probe.random(shape, 6);
        HostArray fresh = probe.random(shape.with(axis, length), 7);
        HostArray expected = HostOps.replaced(old, axis, from, fresh);
        probe.check(
                "copyInto axis " + axis + " of " + shape + " at " + from + "+" + length,
                expected,
                BackendProbe.exact(expected),
                (b, in) -> {
                    Array target = b.memory().cast(in.get(0), probe.dtype());
                    b.memory().copyInto(target, axis, from, in.get(1));
                    return target;
                },
                probe.numbers(old),
                probe.numbers(fresh));
    }

    @TestFactory
    default Stream<DynamicNode> viewsOutliveWhatTheyAreOf() {
        return onEach(probe -> {
            MemoryOps memory = probe.backend().memory();
            HostArray x = probe.random(Shape.of(5, 13), 8);
            Array whole = probe.numbers(x).upload(probe.backend());
            Array part = probe.backend().layout().narrow(whole, 0, 2, 2);
            Array again = probe.backend().layout().reshape(part, Shape.of(26));
            memory.release(whole);
            memory.release(part);
            probe.poison(65);
            probe.poison(26);
            HostArray expected = HostOps.narrow(x, 0, 2, 2).reshape(Shape.of(26));
            TensorAssert.assertClose("view", probe.download(again), expected, BackendProbe.exact(expected));
            memory.release(again);
        });
    }

    @TestFactory
    default Stream<DynamicNode> bytesAreCountedAndReused() {
        return onEach(probe -> {
            MemoryOps memory = probe.backend().memory();
            long before = memory.liveBytes();
            List<Array> arrays = new ArrayList<>();
            for (int i = 0; i < 8; i++) {
                arrays.add(memory.full(Shape.of(1024), probe.dtype(), 1));
            }
            assertThat(memory.liveBytes() - before)
                    .isBetween(
                            8L * 1024 * probe.dtype().bytes(),
                            2L * 8 * 1024 * probe.dtype().bytes());
            assertThat(memory.reservedBytes()).isGreaterThanOrEqualTo(memory.liveBytes());
            long peak = memory.liveBytes();
            arrays.forEach(memory::release);
            assertThat(memory.liveBytes()).isEqualTo(before);
            assertThat(memory.peakBytes()).isGreaterThanOrEqualTo(peak);
            long reserved = memory.reservedBytes();
            for (int round = 0; round < 10; round++) {
                Array array = memory.full(Shape.of(32, 32), probe.dtype(), 1);
                memory.release(array);
            }
            assertThat(memory.reservedBytes()).isEqualTo(reserved);
        });
    }

    @TestFactory
    default Stream<DynamicNode> idleMemoryGoesBackToTheSystem() {
        return onEach(probe -> {
            MemoryOps memory = probe.backend().memory();
            long released = 0;
            for (int megabytes = 32; megabytes < 48; megabytes++) {
                Array array = memory.full(
                        Shape.of(megabytes * (1L << 20) / probe.dtype().bytes()), probe.dtype(), 0);
                memory.release(array);
                released += megabytes * (1L << 20);
            }
            assertThat(memory.reservedBytes() - memory.liveBytes()).isLessThan(released / 2);
        });
    }
}
