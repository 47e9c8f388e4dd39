package org.mohawk4j.train.distributed.tcp;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.mohawk4j.train.distributed.tcp.Watchdog.Pace;

/** Three ranks with ten seconds' patience. */
class WatchdogTest {
    private final Watchdog watchdog = new Watchdog(List.of(0, 1, 2), Duration.ofSeconds(10), 0);

    private static long at(int seconds) {
        return Duration.ofSeconds(seconds).toNanos();
    }

    private void reach(int rank, long operations, int seconds) {
        watchdog.heard(rank, at(seconds));
        watchdog.reached(rank, new Pace(operations, 0, true), at(seconds));
    }

    @Test
    void silentRank() {
        watchdog.heard(0, at(9));
        watchdog.heard(2, at(9));

        assertThat(watchdog.silent(at(10))).isEmpty();
        assertThat(watchdog.silent(at(11))).contains(1);
        watchdog.left(1);
        assertThat(watchdog.silent(at(11))).isEmpty();
    }

    @Test
    void rankThatOthersWaitForHasBegunFewerOperations() {
        reach(0, 7, 0);
        reach(1, 7, 1);
        reach(2, 6, 2);

        assertThat(watchdog.stuck(at(12))).isEmpty();
        assertThat(watchdog.stuck(at(13))).contains(2);
        reach(2, 7, 13);
        assertThat(watchdog.stuck(at(14))).isEmpty();
    }

    @Test
    void rankThatIsBehindAndProceedsIsNotStuck() {
        reach(0, 7, 0);
        reach(1, 6, 0);
        reach(2, 5, 0);
        watchdog.reached(2, new Pace(5, 1, true), at(12));

        assertThat(watchdog.stuck(at(13)))
                .as("rank 2 works, and rank 1 waits for it")
                .isEmpty();
    }

    @Test
    void untilItsFirstStepARankMayTakeTenTimesAsLong() {
        watchdog.reached(0, new Pace(3, 0, false), at(0));
        watchdog.reached(1, new Pace(3, 0, false), at(0));
        watchdog.reached(2, new Pace(2, 0, false), at(0));

        assertThat(watchdog.stuck(at(100))).isEmpty();
        assertThat(watchdog.stuck(at(101))).contains(2);
    }

    @Test
    void ranksThatAllWaitInTheSameOperation() {
        reach(0, 7, 0);
        reach(1, 7, 0);
        reach(2, 7, 5);

        assertThat(watchdog.isDeadlocked(at(11))).isFalse();
        assertThat(watchdog.isDeadlocked(at(16))).isTrue();
        assertThat(watchdog.stuck(at(16))).isEmpty();
    }

    @Test
    void oneRankThatIsLeftAloneMayTakeItsTime() {
        reach(0, 7, 0);
        reach(1, 7, 0);
        reach(2, 7, 0);
        watchdog.left(1);
        watchdog.left(2);

        assertThat(watchdog.isDeadlocked(at(100))).isFalse();
        assertThat(watchdog.abandoned(at(100))).isEmpty();
    }

    @Test
    void rankThatHasLeftBeforeAnOperationOfTheOthers() {
        reach(0, 8, 0);
        reach(1, 8, 0);
        reach(2, 7, 0);
        watchdog.left(2);

        assertThat(watchdog.abandoned(at(10))).isEmpty();
        assertThat(watchdog.abandoned(at(11))).contains(2);
    }

    @Test
    void aProcessThatWasStoppedItselfBlamesNobody() {
        reach(0, 7, 0);
        reach(1, 6, 0);
        watchdog.forgive(at(60));

        assertThat(watchdog.silent(at(61))).isEmpty();
        assertThat(watchdog.stuck(at(61))).isEmpty();
    }
}
