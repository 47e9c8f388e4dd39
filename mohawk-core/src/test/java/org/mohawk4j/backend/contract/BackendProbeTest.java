package org.mohawk4j.backend.contract;

import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.mohawk4j.backend.Array;
import org.mohawk4j.backend.Backend;
import org.mohawk4j.backend.BackendOptions;
import org.mohawk4j.backend.Backends;
import org.mohawk4j.backend.BinaryOp;
import org.mohawk4j.tensor.types.DType;
import org.mohawk4j.tensor.types.Shape;
import org.mohawk4j.testing.HostArray;

/** The probe must fail operations that are wrong in the ways it looks for. */
class BackendProbeTest {
    private final HostArray x = HostArray.filled(Shape.of(5, 13), 3);
    private final HostArray doubled = HostArray.filled(Shape.of(5, 13), 6);
    private Backend backend;
    private BackendProbe probe;

    @BeforeEach
    void open() {
        backend = Backends.open("nd4j", BackendOptions.defaults());
        probe = new BackendProbe(backend, DType.FLOAT32, false, Math.ulp(1f));
    }

    @AfterEach
    void close() {
        backend.close();
    }

    private void check(BackendProbe.Operation operation) {
        probe.check("doubling", doubled, BackendProbe.exact(doubled), operation, probe.numbers(x));
    }

    private static Array right(Backend backend, Array in) {
        return backend.elementwise().binary(BinaryOp.ADD, in, in);
    }

    @Test
    void aRightOperationPasses() {
        assertThatCode(() -> check((b, in) -> right(b, in.get(0)))).doesNotThrowAnyException();
    }

    @Test
    void aWrongNumberFails() {
        assertThatThrownBy(() -> check((b, in) -> b.elementwise().affine(in.get(0), 2, 1e-5)))
                .isInstanceOf(AssertionError.class)
                .hasMessageContaining("doubling: 65 of 65");
    }

    @Test
    void aResultThatIsNotAllWrittenFails() {
        assertThatThrownBy(() -> check((b, in) -> {
                    Array result = b.memory().full(Shape.of(5, 13), DType.FLOAT32, Double.NaN);
                    Array row = b.layout().narrow(in.get(0), 0, 0, 1);
                    Array twice = right(b, row);
                    b.memory().copyInto(result, 0, 0, twice);
                    b.memory().release(row);
                    b.memory().release(twice);
                    return result;
                }))
                .hasMessageContaining("52 of 65");
    }

    @Test
    void changingAnInputFails() {
        assertThatThrownBy(() -> check((b, in) -> {
                    Array result = right(b, in.get(0));
                    b.elementwise().accumulate(in.get(0), in.get(0), 1);
                    return result;
                }))
                .hasMessageContaining("input 0 afterwards");
    }

    @Test
    void sharingMemoryWithAnInputFails() {
        BackendProbe.Operation view = (b, in) -> b.layout().reshape(in.get(0), Shape.of(65));
        HostArray flat = x.reshape(Shape.of(65));
        assertThatThrownBy(() -> probe.check("view", flat, BackendProbe.exact(flat), view, probe.numbers(x)))
                .hasMessageContaining("input 0 afterwards");
        assertThatCode(() -> probe.checkView("view", flat, BackendProbe.exact(flat), view, probe.numbers(x)))
                .doesNotThrowAnyException();
    }

    @Test
    void leavingMemoryBehindFails() {
        assertThatThrownBy(() -> check((b, in) -> {
                    b.memory().full(Shape.of(7), DType.FLOAT32, 0);
                    return right(b, in.get(0));
                }))
                .hasMessageContaining("leaves 28 bytes behind");
    }

    @Test
    void anotherTypeFails() {
        assertThatThrownBy(() -> check((b, in) -> {
                    Array wide = b.memory().cast(in.get(0), DType.FLOAT64);
                    Array result = right(b, wide);
                    b.memory().release(wide);
                    return result;
                }))
                .hasMessageContaining("FLOAT64 where FLOAT32 is expected");
    }
}
