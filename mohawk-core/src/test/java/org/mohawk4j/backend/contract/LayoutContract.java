package org.mohawk4j.backend.contract;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicNode;
import org.junit.jupiter.api.TestFactory;
import org.mohawk4j.tensor.types.DType;
import org.mohawk4j.tensor.types.Shape;
import org.mohawk4j.testing.HostArray;
import org.mohawk4j.testing.HostOps;

/** Rearranging, and rows picked by index. */
interface LayoutContract extends ContractTests {
    @TestFactory
    default Stream<DynamicNode> reshapeBetweenAllRanks() {
        return onEachType(probe -> {
            long[][] of24 = {{24}, {1, 24}, {24, 1}, {4, 6}, {2, 3, 4}, {1, 24, 1}, {2, 1, 3, 4}, {1, 2, 3, 1, 4}};
            for (long[] from : of24) {
                for (long[] to : of24) {
                    checkReshape(probe, Shape.of(from), Shape.of(to));
                }
            }
            long[][] of1 = {{}, {1}, {1, 1}, {1, 1, 1, 1}};
            for (long[] from : of1) {
                for (long[] to : of1) {
                    checkReshape(probe, Shape.of(from), Shape.of(to));
                }
            }
        });
    }

    private static void checkReshape(BackendProbe probe, Shape from, Shape to) {
        HostArray x = probe.random(from, 1);
        checkView(
                probe,
                "reshape " + from + " to " + to,
                x.reshape(to),
                (b, in) -> b.layout().reshape(in.get(0), to),
                x);
    }

    @TestFactory
    default Stream<DynamicNode> permuteInEveryOrder() {
        return onEachType(probe -> {
            for (Shape shape : SHAPES) {
                for (int[] order : orders(shape.rank())) {
                    HostArray x = probe.random(shape, 2);
                    checkView(
                            probe,
                            "permute " + shape + " by " + Arrays.toString(order),
                            HostOps.permute(x, order),
                            (b, in) -> b.layout().permute(in.get(0), order),
                            x);
                }
            }
        });
    }

    @TestFactory
    default Stream<DynamicNode> narrowOnEveryAxis() {
        return onEachType(probe -> {
            for (Shape shape : SHAPES) {
                for (int axis = 0; axis < shape.rank(); axis++) {
                    long extent = shape.dim(axis);
                    checkNarrow(probe, shape, axis, 0, extent);
                    checkNarrow(probe, shape, axis, 0, 1);
                    checkNarrow(probe, shape, axis, extent - 1, 1);
                    checkNarrow(probe, shape, axis, extent / 3, Math.max(1, extent / 2));
                }
            }
        });
    }

    private static void checkNarrow(BackendProbe probe, Shape shape, int axis, long from, long length) {
        HostArray x = probe.random(shape, 3);
        checkView(
                probe,
                "narrow axis " + axis + " of " + shape + " to " + from + "+" + length,
                HostOps.narrow(x, axis, from, length),
                (b, in) -> b.layout().narrow(in.get(0), axis, from, length),
                x);
    }

    @TestFactory
    default Stream<DynamicNode> concatOnEveryAxis() {
        return onEachType(probe -> {
            for (Shape shape : SHAPES) {
                for (int axis = 0; axis < shape.rank(); axis++) {
                    int along = axis;
                    HostArray a = probe.random(shape, 4);
                    HostArray b = probe.random(shape.with(axis, 1), 5);
                    HostArray c = probe.random(shape.with(axis, 5), 6);
                    checkExact(
                            probe,
                            "concat of one " + shape,
                            a,
                            (k, in) -> k.layout().concat(in, along),
                            a);
                    checkExact(
                            probe,
                            "concat on axis " + axis + " of " + shape,
                            HostOps.concat(List.of(a, b, c), axis),
                            (k, in) -> k.layout().concat(in, along),
                            a,
                            b,
                            c);
                }
            }
        });
    }

    @TestFactory
    default Stream<DynamicNode> broadcastOfEveryAxis() {
        return onEachType(probe -> {
            long[][][] pairs = {
                {{}, {13}},
                {{}, {3, 5}},
                {{}, {}},
                {{1}, {13}},
                {{13}, {13}},
                {{13}, {5, 13}},
                {{1, 13}, {65, 13}},
                {{13, 1}, {13, 65}},
                {{13, 1}, {2, 13, 65}},
                {{2, 1, 5}, {2, 3, 5}},
                {{2, 1, 1, 5}, {2, 3, 4, 5}},
                {{2, 3, 5, 1, 7}, {2, 3, 5, 4, 7}},
                {{1, 1, 1, 1}, {2, 3, 4, 5}},
                {{1, 63, 1}, {65, 63, 13}},
            };
            for (long[][] pair : pairs) {
                HostArray x = probe.random(Shape.of(pair[0]), 7);
                Shape to = Shape.of(pair[1]);
                checkExact(
                        probe,
                        "broadcast " + x.shape() + " to " + to,
                        HostOps.broadcast(x, to),
                        (b, in) -> b.layout().broadcast(in.get(0), to),
                        x);
            }
        });
    }

    @TestFactory
    default Stream<DynamicNode> gatherRows() {
        return onEachType(probe -> {
            for (Shape ids : List.of(
                    Shape.of(), Shape.of(1), Shape.of(207), Shape.of(3, 13), Shape.of(1, 5), Shape.of(2, 1, 3))) {
                for (Shape table :
                        List.of(Shape.of(1, 1), Shape.of(13, 1), Shape.of(1, 13), Shape.of(63, 65), Shape.of(207, 5))) {
                    HostArray rows = probe.random(table, 8);
                    HostArray index = HostArray.randomIndices(ids, Math.toIntExact(table.dim(0)), 9);
                    HostArray expected = HostOps.gatherRows(rows, index);
                    probe.check(
                            "gatherRows " + ids + " of " + table,
                            expected,
                            BackendProbe.exact(expected),
                            (b, in) -> b.layout().gatherRows(in.get(0), in.get(1)),
                            probe.numbers(rows),
                            BackendProbe.ids(index));
                }
            }
        });
    }

    @TestFactory
    default Stream<DynamicNode> scatterAddRowsSumsRepeatedIndices() {
        return onEachType(probe -> {
            for (Shape ids : List.of(Shape.of(), Shape.of(1), Shape.of(207), Shape.of(3, 13), Shape.of(2, 1, 3))) {
                for (long width : new long[] {1, 13, 65}) {
                    for (int v : new int[] {1, 2, 63, 2048}) {
                        HostArray rows = probe.random(ids.insert(ids.rank(), width), 10);
                        HostArray index = HostArray.randomIndices(ids, v, 11);
                        probe.check(
                                "scatterAddRows " + rows.shape() + " into " + v,
                                HostOps.scatterAddRows(rows, index, v),
                                probe.sumOf(HostOps.scatterAddRows(rows.map(Math::abs), index, v), ids.size()),
                                (b, in) -> b.layout().scatterAddRows(in.get(0), in.get(1), v),
                                probe.numbers(rows),
                                BackendProbe.ids(index));
                    }
                }
            }
        });
    }

    @TestFactory
    default Stream<DynamicNode> addRowsAddsToWhatIsThere() {
        return onEachType(probe -> {
            for (long width : new long[] {1, 13, 65}) {
                for (int v : new int[] {1, 63}) {
                    HostArray table = probe.random(Shape.of(v, width), 14);
                    HostArray rows = probe.random(Shape.of(3, 13, width), 15);
                    HostArray index = HostArray.randomIndices(Shape.of(3, 13), v, 16);
                    probe.check(
                            "addRows " + rows.shape() + " to " + table.shape(),
                            HostOps.binary(HostOps.scatterAddRows(rows, index, v), table, Double::sum),
                            probe.sumOf(
                                    HostOps.binary(
                                            HostOps.scatterAddRows(rows.map(Math::abs), index, v),
                                            table.map(Math::abs),
                                            Double::sum),
                                    40),
                            (b, in) -> {
                                // rows of bfloat16 are added to a table of float32
                                DType given = in.get(0).dtype();
                                var sum = b.memory().cast(in.get(0), given == DType.BFLOAT16 ? DType.FLOAT32 : given);
                                b.layout().addRows(sum, in.get(1), in.get(2));
                                if (sum.dtype() == given) {
                                    return sum;
                                }
                                var narrowed = b.memory().cast(sum, given);
                                b.memory().release(sum);
                                return narrowed;
                            },
                            probe.numbers(table),
                            probe.numbers(rows),
                            BackendProbe.ids(index));
                }
            }
        });
    }

    @TestFactory
    default Stream<DynamicNode> scatterAddRowsGivesTheSameBitsEachTime() {
        return onEachType(probe -> {
            HostArray rows =
                    probe.random(Shape.of(2048, 65), 12).map(v -> v * v * v).roundedTo(probe.dtype());
            HostArray index = HostArray.randomIndices(Shape.of(2048), 7, 13);
            var backend = probe.backend();
            var uploadedRows = probe.numbers(rows).upload(backend);
            var uploadedIndex = BackendProbe.ids(index).upload(backend);
            HostArray first = null;
            for (int i = 0; i < 10; i++) {
                var sums = backend.layout().scatterAddRows(uploadedRows, uploadedIndex, 7);
                HostArray now = probe.download(sums);
                first = first == null ? now : first;
                org.mohawk4j.testing.TensorAssert.assertClose("run " + i, now, first, BackendProbe.exact(first));
                backend.memory().release(sums);
            }
            backend.memory().release(uploadedRows);
            backend.memory().release(uploadedIndex);
        });
    }

    private static void checkView(
            BackendProbe probe, String what, HostArray expected, BackendProbe.Operation operation, HostArray input) {
        probe.checkView(what, expected, BackendProbe.exact(expected), operation, probe.numbers(input));
    }

    private static void checkExact(
            BackendProbe probe,
            String what,
            HostArray expected,
            BackendProbe.Operation operation,
            HostArray... inputs) {
        probe.check(
                what,
                expected,
                BackendProbe.exact(expected),
                operation,
                Arrays.stream(inputs).map(probe::numbers).toArray(BackendProbe.Input[]::new));
    }

    private static List<int[]> orders(int rank) {
        List<int[]> all = new ArrayList<>(List.of(new int[0]));
        for (int axis = 0; axis < rank; axis++) {
            List<int[]> longer = new ArrayList<>();
            for (int[] order : all) {
                for (int place = 0; place <= order.length; place++) {
                    int[] inserted = new int[order.length + 1];
                    System.arraycopy(order, 0, inserted, 0, place);
                    inserted[place] = axis;
                    System.arraycopy(order, place, inserted, place + 1, order.length - place);
                    longer.add(inserted);
                }
            }
            all = longer;
        }
        return all;
    }
}
