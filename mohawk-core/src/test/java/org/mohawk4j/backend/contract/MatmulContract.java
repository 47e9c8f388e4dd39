package org.mohawk4j.backend.contract;

import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicNode;
import org.junit.jupiter.api.TestFactory;
import org.mohawk4j.tensor.types.Shape;
import org.mohawk4j.testing.HostArray;
import org.mohawk4j.testing.HostOps;

/** Matrix products. */
interface MatmulContract extends ContractTests {
    @TestFactory
    default Stream<DynamicNode> everyTranspositionAtEveryExtent() {
        return onEachType(probe -> {
            long[] extents = {1, 2, 13, 65};
            for (long m : extents) {
                for (long n : extents) {
                    for (long k : extents) {
                        checkBothTranspositions(probe, m, n, k);
                    }
                }
            }
        });
    }

    @TestFactory
    default Stream<DynamicNode> longExtents() {
        return onEachType(probe -> {
            checkBothTranspositions(probe, 13, 1, 2048);
            checkBothTranspositions(probe, 1, 63, 2048);
            checkBothTranspositions(probe, 2048, 13, 5);
            checkBothTranspositions(probe, 13, 2048, 1);
            checkBothTranspositions(probe, 207, 65, 63);
        });
    }

    @TestFactory
    default Stream<DynamicNode> onePerLeadingIndex() {
        return onEachType(probe -> {
            long[][] leading = {{1}, {3}, {1, 1}, {2, 3}, {1, 3}, {3, 1}, {2, 1, 3}};
            long[][] extents = {
                {5, 13, 7}, {1, 13, 7}, {5, 1, 7}, {5, 13, 1}, {1, 1, 7}, {1, 13, 1}, {5, 1, 1}, {1, 1, 1}
            };
            for (long[] outer : leading) {
                for (long[] e : extents) {
                    checkBothTranspositions(probe, e[0], e[1], e[2], outer);
                }
            }
        });
    }

    @TestFactory
    default Stream<DynamicNode> nanStaysInItsRow() {
        return onEachType(probe -> {
            HostArray a = HostArray.byIndex(Shape.of(5, 13), i -> i[0] == 2 && i[1] == 3 ? Double.NaN : 1);
            check(probe, a, false, probe.random(Shape.of(13, 7), 3), false);
        });
    }

    private static void checkBothTranspositions(BackendProbe probe, long m, long n, long k, long... leading) {
        for (boolean left : new boolean[] {false, true}) {
            for (boolean right : new boolean[] {false, true}) {
                HostArray a = probe.random(matrix(leading, left ? k : m, left ? m : k), 1);
                HostArray b = probe.random(matrix(leading, right ? n : k, right ? k : n), 2);
                check(probe, a, left, b, right);
            }
        }
    }

    private static Shape matrix(long[] leading, long rows, long columns) {
        return Shape.of(leading).insert(leading.length, rows).insert(leading.length + 1, columns);
    }

    private static void check(BackendProbe probe, HostArray a, boolean left, HostArray b, boolean right) {
        long terms = a.shape().dim(left ? -2 : -1);
        HostArray magnitudes = HostOps.matmul(a.map(Math::abs), left, b.map(Math::abs), right);
        double roundings = probe.productRoundings(terms);
        probe.check(
                "matmul of " + a.shape() + (left ? "ᵀ" : "") + " and " + b.shape() + (right ? "ᵀ" : ""),
                HostOps.matmul(a, left, b, right),
                magnitudes.map(v -> Double.isNaN(v) ? 0 : roundings * v),
                (backend, in) -> backend.matmul().matmul(in.get(0), left, in.get(1), right),
                probe.numbers(a),
                probe.numbers(b));
    }
}
