package org.mohawk4j.backend.contract;

import java.util.List;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicNode;
import org.junit.jupiter.api.DynamicTest;
import org.mohawk4j.backend.Backend;
import org.mohawk4j.backend.BackendOptions;
import org.mohawk4j.tensor.types.DType;

/**
 * What every backend must do: each operation of the SPI against plain loops in double, each fused kernel that it offers
 * against its plain composition. A backend's test is a subclass.
 */
public abstract class BackendContract
        implements MemoryContract,
                ElementwiseContract,
                ReductionContract,
                MatmulContract,
                LayoutContract,
                KernelContract,
                DecoderContract {
    /** A new backend, which the contract closes. */
    protected abstract Backend open(BackendOptions options);

    /** What it is to be tried with: each parameter type that it supports. */
    protected abstract List<BackendOptions> options();

    /** The relative rounding error of a matrix product's operands, larger in mixed precision. */
    protected double matmulEpsilon(BackendOptions options) {
        return options.parameterType() == DType.FLOAT64 ? Math.ulp(1.0) : Math.ulp(1f);
    }

    @Override
    public final Stream<DynamicNode> onEach(Consumer<BackendProbe> test) {
        return options().stream().map(options -> test(options, options.parameterType(), test));
    }

    @Override
    public final Stream<DynamicNode> onEachType(Consumer<BackendProbe> test) {
        return Stream.concat(
                onEach(test),
                options().stream().filter(BackendOptions::mixed).map(options -> test(options, DType.BFLOAT16, test)));
    }

    private DynamicNode test(BackendOptions options, DType dtype, Consumer<BackendProbe> test) {
        return DynamicTest.dynamicTest(dtype + (options.mixed() ? " mixed" : ""), () -> {
            try (Backend backend = open(options)) {
                test.accept(new BackendProbe(backend, dtype, options.mixed(), matmulEpsilon(options)));
            }
        });
    }
}
