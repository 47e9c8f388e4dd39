package org.mohawk4j.backend.cpu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class WorkersTest {
    /** A lane's scratch memory is free again when a task begins. */
    @ParameterizedTest
    @ValueSource(ints = {1, 3})
    void aTaskCannotRunTasks(int threads) {
        try (Workers workers = new Workers(threads, PlainRows::new)) {
            assertThatThrownBy(() -> workers.runHere(1, (index, lane) -> workers.run(2, (inner, own) -> {})))
                    .hasMessage("a task cannot run tasks");
            AtomicInteger done = new AtomicInteger();
            workers.run(5, (index, lane) -> done.incrementAndGet());
            assertThat(done).hasValue(5);
        }
    }
}
