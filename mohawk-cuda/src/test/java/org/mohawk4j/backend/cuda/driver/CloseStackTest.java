package org.mohawk4j.backend.cuda.driver;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class CloseStackTest {
    private final CloseStack closing = new CloseStack();
    private final List<String> closed = new ArrayList<>();

    @Test
    void theLatestIsClosedFirstAndEachOnce() {
        closing.add(() -> closed.add("first"));
        closing.add(() -> closed.add("second"));

        closing.close();
        closing.close();

        assertThat(closed).containsExactly("second", "first");
    }

    @Test
    void whatThrowsKeepsNothingFromBeingClosed() {
        closing.add(() -> {
            throw new IllegalStateException("inner");
        });
        closing.add(() -> closed.add("between"));
        closing.add(() -> {
            throw new CudaException("outer");
        });

        assertThatThrownBy(closing::close)
                .isInstanceOf(CudaException.class)
                .hasMessage("outer")
                .satisfies(
                        e -> assertThat(e.getSuppressed()).singleElement().isInstanceOf(IllegalStateException.class));
        assertThat(closed).containsExactly("between");
    }

    @Test
    void theErrorThatLedToClosingStaysTheFirst() {
        CudaException cause = new CudaException("cause");
        closing.add(() -> {
            throw new IllegalStateException("while closing");
        });

        assertThat(closing.closeAfter(cause)).isSameAs(cause);
        assertThat(cause.getSuppressed()).hasSize(1);
    }
}
