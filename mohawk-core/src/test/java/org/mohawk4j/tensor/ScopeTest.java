package org.mohawk4j.tensor;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import org.junit.jupiter.api.Test;
import org.mohawk4j.tensor.types.DType;
import org.mohawk4j.tensor.types.Shape;
import org.mohawk4j.testing.Float64Test;

/** Who owns a tensor, and what happens when that one is gone. */
class ScopeTest extends Float64Test {
    private long liveBytes() {
        return engine().backend().memory().liveBytes();
    }

    private Tensor madeInAClosedScope() {
        try (Scope scope = engine().scope()) {
            return scope.adopt(engine().zeros(2, 3));
        }
    }

    @Test
    void closingAScopeFreesWhatWasMadeInIt() {
        long before = liveBytes();
        try (Scope scope = engine().scope()) {
            Tensor x = scope.adopt(engine().zeros(100));
            assertThat(x.add(1).mul(x).sum().item()).isZero();
            assertThat(liveBytes()).isGreaterThan(before);
        }
        assertThat(liveBytes()).isEqualTo(before);
    }

    @Test
    void aTensorOfAClosedScopeNamesItsMistake() {
        Tensor gone = madeInAClosedScope();
        for (Runnable use : new Runnable[] {gone::neg, gone::toDoubles, gone::array, () -> gone.reshape(6)}) {
            assertThatThrownBy(use::run)
                    .isInstanceOf(IllegalStateException.class)
                    .hasMessage("tensor FLOAT64 [2, 3] is used after its scope was closed");
        }
        assertThat(gone.shape()).isEqualTo(Shape.of(2, 3));
    }

    @Test
    void aTensorOfAClosedScopeCannotBeAdoptedOrKept() {
        Tensor gone = madeInAClosedScope();
        try (Scope scope = engine().scope()) {
            assertThatThrownBy(() -> scope.adopt(gone)).hasMessageContaining("after its scope was closed");
        }
        Tensor x = engine().zeros(3);
        try (Tape tape = engine().tape(List.of(x))) {
            Tensor savedByTheTape;
            try (Scope scope = engine().scope()) {
                savedByTheTape = scope.adopt(x.exp());
            }
            assertThatThrownBy(() -> engine().detachedScope().adopt(savedByTheTape))
                    .hasMessageContaining("after its scope was closed");
            assertThat(tape).isNotNull();
        }
    }

    @Test
    void keepMovesATensorOneScopeOut() {
        Tensor kept;
        long before = liveBytes();
        try (Scope outer = engine().scope()) {
            try (Scope inner = engine().scope()) {
                kept = inner.keep(engine().full(7, 3));
                assertThat(outer).isNotSameAs(inner);
            }
            assertThat(kept.toDoubles()).containsExactly(7, 7, 7);
        }
        assertThatThrownBy(kept::toDoubles).isInstanceOf(IllegalStateException.class);
        assertThat(liveBytes()).isEqualTo(before);
    }

    @Test
    void keepLeavesATensorOfAnotherScopeAlone() {
        Tensor outside = engine().full(7, 3);
        try (Scope inner = engine().scope()) {
            assertThat(inner.keep(outside)).isSameAs(outside);
        }
        assertThat(outside.toDoubles()).containsExactly(7, 7, 7);
    }

    @Test
    void aScopedBodyLeavesOnlyItsResult() {
        long before = liveBytes();
        Tensor result = engine().scoped(() -> engine().full(2, 4).square().add(1));
        assertThat(result.toDoubles()).containsExactly(5, 5, 5, 5);
        assertThat(liveBytes() - before).isEqualTo(4 * Double.BYTES);
    }

    @Test
    void aScopedBodyThatFailsLeavesNothing() {
        long before = liveBytes();
        assertThatThrownBy(() -> engine().scoped(() -> engine().full(2, 4).add(engine().full(1, 3))))
                .hasMessageContaining("[4]")
                .hasMessageContaining("[3]");
        assertThat(liveBytes()).isEqualTo(before);
    }

    @Test
    void aDetachedScopeOwnsOnlyWhatItAdopts() {
        long before = liveBytes();
        Scope owner = engine().detachedScope();
        try (Scope step = engine().scope()) {
            Tensor adopted = owner.adopt(engine().full(3, 2));
            step.adopt(engine().full(4, 2));
            owner.adopt(adopted);
        }
        assertThat(liveBytes() - before).isEqualTo(2 * Double.BYTES);
        owner.close();
        assertThat(liveBytes()).isEqualTo(before);
    }

    @Test
    void aTensorCanGoThereAndBack() {
        long before = liveBytes();
        try (Scope scope = engine().scope()) {
            Tensor x = engine().full(3, 2);
            try (Scope other = engine().detachedScope()) {
                other.adopt(x);
                scope.adopt(x);
            }
            assertThat(x.toDoubles()).containsExactly(3, 3);
        }
        assertThat(liveBytes()).isEqualTo(before);
    }

    @Test
    void oneTensorCanBeFreedEarly() {
        Tensor outside = engine().full(1, 5);
        long before = liveBytes();
        try (Scope scope = engine().scope()) {
            Tensor x = scope.adopt(engine().full(3, 2));
            scope.free(x);
            assertThat(liveBytes()).isEqualTo(before);
            assertThatThrownBy(x::neg).isInstanceOf(IllegalStateException.class);
            assertThatThrownBy(() -> scope.free(x)).hasMessageContaining("already freed");
            assertThatThrownBy(() -> scope.free(outside)).hasMessageContaining("another scope");
        }
    }

    @Test
    void scopesCloseInReverseOrder() {
        Scope outer = engine().scope();
        Scope inner = engine().scope();
        assertThatThrownBy(outer::close).hasMessageContaining("reverse order");
        inner.close();
        assertThatCode(outer::close).doesNotThrowAnyException();
        assertThatCode(outer::close).doesNotThrowAnyException();
    }

    @Test
    void aViewKeepsTheMemoryOfWhatItShows() {
        Tensor part = engine().scoped(
                        () -> engine().tensor(new double[] {1, 2, 3, 4}, 4, 1).narrow(0, 1, 2));
        engine().full(Double.NaN, 4);
        engine().full(Double.NaN, 2);
        assertThat(part.toDoubles()).containsExactly(2, 3);
    }

    @Test
    void anIdentityOperationGivesTheSameTensor() {
        Tensor x = engine().full(1, 2, 3);
        long before = liveBytes();
        assertThat(x.reshape(2, -1)).isSameAs(x);
        assertThat(x.narrow(1, 0, 3)).isSameAs(x);
        assertThat(x.broadcastTo(Shape.of(2, 3))).isSameAs(x);
        assertThat(x.sumTo(Shape.of(2, 3))).isSameAs(x);
        assertThat(x.pad(0, 0, 0)).isSameAs(x);
        assertThat(x.cast(DType.FLOAT64)).isSameAs(x);
        assertThat(liveBytes()).isEqualTo(before);
    }
}
