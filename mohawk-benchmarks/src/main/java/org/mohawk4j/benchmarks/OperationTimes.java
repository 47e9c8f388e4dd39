package org.mohawk4j.benchmarks;

import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.api.ops.CustomOp;
import org.nd4j.linalg.api.ops.Op;

/** Adds up the time of ND4J's operations by name. Matrix products that only add numbers up go under another name. */
final class OperationTimes implements Nd4jObserver.Listener {
    static final String PRODUCTS = "matmul";
    static final String SUMS = "matmul with a vector";

    private final Map<String, Total> totals = new HashMap<>();

    private static final class Total {
        private long nanos;
        private long calls;
    }

    @Override
    public void executed(Object operation, long nanos) {
        Total total = totals.computeIfAbsent(name(operation), name -> new Total());
        total.nanos += nanos;
        total.calls++;
    }

    private static String name(Object operation) {
        if (operation instanceof CustomOp custom) {
            return custom.opName().equals(PRODUCTS) && addsUp(custom.outputArguments()) ? SUMS : custom.opName();
        }
        return operation instanceof Op op
                ? op.opName()
                : operation.getClass().getSimpleName().toLowerCase(Locale.ROOT);
    }

    private static boolean addsUp(List<INDArray> outputs) {
        INDArray result = outputs.get(0);
        return result.rank() < 2 || result.size(-1) == 1 || result.size(-2) == 1;
    }

    /** Nanoseconds of an operation; 0 if it did not run. */
    long nanosOf(String name) {
        Total total = totals.get(name);
        return total == null ? 0 : total.nanos;
    }

    long nanos() {
        return totals.values().stream().mapToLong(total -> total.nanos).sum();
    }

    long calls() {
        return totals.values().stream().mapToLong(total -> total.calls).sum();
    }

    /** Share of a time by operation, the largest first. */
    Map<String, Double> shares(long ofNanos, int limit) {
        Map<String, Double> shares = new LinkedHashMap<>();
        totals.entrySet().stream()
                .sorted(Comparator.comparingLong((Map.Entry<String, Total> entry) -> entry.getValue().nanos)
                        .reversed())
                .limit(limit)
                .forEach(entry ->
                        shares.put(entry.getKey(), BlasShare.rounded((double) entry.getValue().nanos / ofNanos)));
        return shares;
    }
}
