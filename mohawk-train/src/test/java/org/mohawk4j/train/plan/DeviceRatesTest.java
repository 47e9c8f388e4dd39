package org.mohawk4j.train.plan;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.Collections;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.mohawk4j.backend.DryRun.Launch;

class DeviceRatesTest {
    /** A second for a million operations of products, half of that along time, ten thousand bytes; launches cost nothing. */
    private static final DeviceRates RATES = new DeviceRates(1e6, 5e5, 1e4, 0, 1e3);

    @Test
    void aStepTakesTheSumOfWhatEachLaunchWaitsFor() {
        Launch computing = new Launch("product", true, 2e6, 10_000);
        Launch moving = new Launch("small product", true, 1e3, 30_000);
        Launch alongTime = new Launch("attention", false, 1e6, 10_000);
        Launch pass = new Launch("norm", false, 0, 5_000);
        assertThat(RATES.seconds(List.of(computing, moving, alongTime, pass))).isCloseTo(2 + 3 + 2 + 0.5, within(1e-9));
    }

    @Test
    void manySmallLaunchesTakeTheHostsTime() {
        DeviceRates slowHost = new DeviceRates(1e6, 5e5, 1e4, 0.01, 1e3);
        Launch small = new Launch("small", false, 0, 1);
        assertThat(slowHost.seconds(Collections.nCopies(1000, small))).isCloseTo(10, within(1e-9));
    }

    @Test
    void halfOfSendingIsHidden() {
        assertThat(RATES.sendingSeconds(0)).isZero();
        assertThat(RATES.sendingSeconds(4000)).isCloseTo(2, within(1e-9));
    }
}
