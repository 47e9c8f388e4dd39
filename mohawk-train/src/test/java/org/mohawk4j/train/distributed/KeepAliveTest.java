package org.mohawk4j.train.distributed;

import static org.assertj.core.api.Assertions.assertThat;

import java.lang.reflect.Proxy;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

class KeepAliveTest {
    private final AtomicInteger told = new AtomicInteger();

    private ProcessGroup group(Duration longestPause) {
        return (ProcessGroup) Proxy.newProxyInstance(
                ProcessGroup.class.getClassLoader(),
                new Class<?>[] {ProcessGroup.class},
                (self, method, arguments) -> switch (method.getName()) {
                    case "size" -> 2;
                    case "longestPause" -> longestPause;
                    case "progress" -> {
                        told.incrementAndGet();
                        yield null;
                    }
                    default -> throw new UnsupportedOperationException(method.getName());
                });
    }

    @Test
    void onlyAPauseHasALimit() throws InterruptedException {
        ProcessGroup group = group(Duration.ofMillis(700));
        try (KeepAlive pause = KeepAlive.bounded(group)) {
            Thread.sleep(1700);
            int within = told.get();
            assertThat(within).isBetween(1, 2);
            Thread.sleep(700);
            assertThat(told.get()).isEqualTo(within);
        }
        told.set(0);
        try (KeepAlive loading = KeepAlive.of(Optional.of(group))) {
            Thread.sleep(1700);
            assertThat(told.get()).isGreaterThanOrEqualTo(2);
        }
    }
}
