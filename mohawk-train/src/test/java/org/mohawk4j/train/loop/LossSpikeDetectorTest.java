package org.mohawk4j.train.loop;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

class LossSpikeDetectorTest {
    private final LossSpikeDetector detector = new LossSpikeDetector(10);

    private void waver(int count, double level) {
        SplittableRandom random = new SplittableRandom(1);
        for (int i = 0; i < count; i++) {
            detector.add(level + random.nextDouble(-0.1, 0.1));
        }
    }

    @Test
    void aJumpIsASpikeAndAWaverIsNone() {
        waver(LossSpikeDetector.WINDOW, 4);

        assertThat(detector.isSpike(8)).isTrue();
        assertThat(detector.isSpike(4.15)).isFalse();
        assertThat(detector.isSpike(0.1)).as("a fall").isFalse();
    }

    @Test
    void theScoreIsThatOfMedianAndMedianAbsoluteDeviation() {
        for (double loss : new double[] {1, 2, 3, 4, 100}) {
            detector.add(loss);
        }

        // median 3; distances 2, 1, 0, 1, 97 with median 1
        assertThat(detector.score(6)).isEqualTo((6 - 3) / 1.4826);
    }

    @Test
    void itDoesNotJudgeByFewLosses() {
        waver(LossSpikeDetector.LEAST - 1, 4);
        assertThat(detector.isSpike(1000)).isFalse();

        waver(1, 4);
        assertThat(detector.isSpike(1000)).isTrue();
    }

    @Test
    void lossesThatNeverWaverMakeNoSpikesOfTrifles() {
        for (int i = 0; i < LossSpikeDetector.WINDOW; i++) {
            detector.add(2);
        }

        assertThat(detector.isSpike(2.001)).isFalse();
        assertThat(detector.isSpike(2.1)).isTrue();
    }

    @Test
    void aFallingLossStaysUnsuspected() {
        for (int step = 0; step < 500; step++) {
            double loss = 4 + 200 * Math.exp(-step / 30.0) + 0.05 * Math.sin(step);
            assertThat(detector.isSpike(loss)).as("step " + step).isFalse();
            detector.add(loss);
        }
    }

    @Test
    void aThresholdOfZeroFindsNone() {
        LossSpikeDetector off = new LossSpikeDetector(0);
        for (int i = 0; i < LossSpikeDetector.WINDOW; i++) {
            off.add(i % 2);
        }

        assertThat(off.isSpike(1e9)).isFalse();
    }
}
