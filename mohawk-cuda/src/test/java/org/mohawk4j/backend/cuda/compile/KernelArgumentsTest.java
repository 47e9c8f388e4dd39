package org.mohawk4j.backend.cuda.compile;

import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class KernelArgumentsTest {
    private static final int[] DECLARED = {8, 4, 4, 8, 24};

    @Test
    void argumentsHaveTheSizesOfTheirTypes() {
        try (KernelArguments arguments = new KernelArguments()) {
            arguments.clear().add(1L).add(1f).add(1.0);
            arguments.clear().add(1L).add(1).add(1f).add(1.0).addStruct(1, 2, 3);

            assertThatCode(() -> arguments.requireSizes("kernel", DECLARED)).doesNotThrowAnyException();
        }
    }

    static Stream<int[]> otherKernels() {
        return Stream.of(
                new int[] {},
                new int[] {8, 4, 4, 8},
                new int[] {8, 4, 4, 8, 24, 8},
                new int[] {8, 8, 4, 8, 24},
                new int[] {8, 4, 4, 8, 32});
    }

    @ParameterizedTest
    @MethodSource("otherKernels")
    void argumentsOfAnotherKernelAreRefused(int[] declared) {
        try (KernelArguments arguments = new KernelArguments()) {
            arguments.add(1L).add(1).add(1f).add(1.0).addStruct(1, 2, 3);

            assertThatThrownBy(() -> arguments.requireSizes("kernel", declared))
                    .isInstanceOf(IllegalStateException.class)
                    .hasMessageStartingWith("kernel declares parameters of [")
                    .hasMessageEndingWith("] bytes and is given arguments of [8, 4, 4, 8, 24]");
        }
    }
}
