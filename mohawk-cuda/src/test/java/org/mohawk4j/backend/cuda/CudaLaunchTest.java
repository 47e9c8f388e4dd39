package org.mohawk4j.backend.cuda;

import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.mohawk4j.backend.cuda.compile.CudaKernels;
import org.mohawk4j.backend.cuda.compile.KernelArguments;
import org.mohawk4j.backend.cuda.driver.CloseStack;
import org.mohawk4j.backend.cuda.driver.CudaContext;
import org.mohawk4j.backend.cuda.driver.CudaDevice;
import org.mohawk4j.backend.cuda.memory.CudaArray;
import org.mohawk4j.backend.cuda.memory.CudaPool;
import org.mohawk4j.backend.cuda.op.tensor.CudaMemory;
import org.mohawk4j.backend.cuda.op.tensor.StridedCopy;
import org.mohawk4j.tensor.types.DType;
import org.mohawk4j.tensor.types.Shape;

/**
 * A launch whose arguments are not what the kernel declares is refused. Every launch is checked so: each test on a GPU is
 * one of how kernels are called.
 */
class CudaLaunchTest implements GpuTest {
    private final CloseStack closing = new CloseStack();
    private CudaKernels kernels;
    private CudaArray x;

    @BeforeEach
    void open() {
        CudaContext context = new CudaContext(CudaDevice.of(0));
        closing.add(context::close);
        CudaPool pool = new CudaPool(context);
        closing.add(pool::close);
        kernels = new CudaKernels(context);
        closing.add(kernels::close);
        x = pool.take(DType.FLOAT32, Shape.of(10));
    }

    @AfterEach
    void close() {
        closing.close();
    }

    private void fill(KernelArguments arguments) {
        kernels.get(CudaMemory.SOURCE, "fill", DType.FLOAT32).each(10, arguments);
    }

    @Test
    void whatAKernelDeclaresIsLaunched() {
        assertThatCode(() -> fill(kernels.arguments().add(x).add(10L).add(1.0))).doesNotThrowAnyException();
    }

    @Test
    void tooFewArgumentsAreRefused() {
        assertThatThrownBy(() -> fill(kernels.arguments().add(x).add(10L)))
                .isInstanceOf(IllegalStateException.class)
                .hasMessage("fill_f32 declares parameters of [8, 8, 8] bytes and is given arguments of [8, 8]");
    }

    @Test
    void tooManyArgumentsAreRefused() {
        assertThatThrownBy(
                        () -> fill(kernels.arguments().add(x).add(10L).add(1.0).add(1)))
                .isInstanceOf(IllegalStateException.class)
                .hasMessageEndingWith("given arguments of [8, 8, 8, 4]");
    }

    @Test
    void anArgumentOfAnotherSizeIsRefused() {
        assertThatThrownBy(() -> fill(kernels.arguments().add(x).add(10).add(1.0)))
                .isInstanceOf(IllegalStateException.class)
                .hasMessageEndingWith("given arguments of [8, 4, 8]");
    }

    @Test
    void aStructureIsOneArgument() {
        KernelArguments arguments = kernels.arguments().add(x).add(x).add(10L).addStruct(new long[24]);

        assertThatThrownBy(() -> kernels.source(StridedCopy.SOURCE)
                        .kernel("copy_strided_4")
                        .each(10, arguments))
                .isInstanceOf(IllegalStateException.class)
                .hasMessage("copy_strided_4 declares parameters of [8, 8, 8, 200] bytes and is given arguments of"
                        + " [8, 8, 8, 192]");
    }
}
