package org.mohawk4j.backend.cuda.driver;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Work that waits for more to join it, on a device that is not there. */
class DeferredWorkTest {
    private final CudaContext context =
            new CudaContext(new CudaDevice(0, "some GPU", 9, 0, 132, 1_980_000, 227 << 10), new DryDevice());
    private final List<String> launched = new ArrayList<>();

    @Test
    void itIsLaunchedOnceBeforeAnythingElseGetsTheStream() {
        context.defer(() -> launched.add("deferred"));
        assertThat(context.defers()).isTrue();
        assertThat(launched).isEmpty();

        context.stream();
        context.stream();

        assertThat(launched).containsExactly("deferred");
        assertThat(context.defers()).isFalse();
    }

    /** As a persistent kernel does, which asks for the stream itself. */
    @Test
    void itMayUseTheStream() {
        context.defer(() -> {
            context.stream();
            launched.add("deferred");
        });
        context.flush();
        assertThat(launched).containsExactly("deferred");
    }

    @Test
    void whatIsDroppedIsNotLaunched() {
        context.defer(() -> launched.add("deferred"));
        context.drop();
        context.stream();
        assertThat(launched).isEmpty();
    }
}
