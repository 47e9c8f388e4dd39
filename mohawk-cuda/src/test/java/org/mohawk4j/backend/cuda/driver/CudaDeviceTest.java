package org.mohawk4j.backend.cuda.driver;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import org.junit.jupiter.api.Test;

class CudaDeviceTest {
    private static final int LARGE = 232_448;

    private static CudaDevice device(String name, int major, int minor, int multiprocessors, int megahertz) {
        return new CudaDevice(0, name, major, minor, multiprocessors, 1000 * megahertz, LARGE);
    }

    private static double teraflops(CudaDevice device, boolean bfloat16) {
        return device.peakFlops(bfloat16).orElseThrow() / 1e12;
    }

    @Test
    void productsInBfloat16AreThoseOfTheDataSheets() {
        assertThat(teraflops(device("NVIDIA A100-SXM4-40GB", 8, 0, 108, 1410), true))
                .isCloseTo(312, within(1.0));
        assertThat(teraflops(device("NVIDIA A10", 8, 6, 72, 1695), true)).isCloseTo(125, within(1.0));
        assertThat(teraflops(device("NVIDIA A40", 8, 6, 84, 1740), true)).isCloseTo(149.7, within(1.0));
        assertThat(teraflops(device("NVIDIA L4", 8, 9, 58, 2040), true)).isCloseTo(121, within(1.0));
        assertThat(teraflops(device("NVIDIA L40S", 8, 9, 142, 2520), true)).isCloseTo(362, within(5.0));
        assertThat(teraflops(device("NVIDIA GeForce RTX 3090", 8, 6, 82, 1695), true))
                .isCloseTo(71, within(1.0));
        assertThat(teraflops(device("NVIDIA GeForce RTX 4090", 8, 9, 128, 2520), true))
                .isCloseTo(165.2, within(1.0));
        assertThat(teraflops(device("NVIDIA GeForce RTX 5090", 12, 0, 170, 2407), true))
                .isCloseTo(209.5, within(1.0));
    }

    @Test
    void productsInFloat32AreThoseOfTheOrdinaryCores() {
        assertThat(teraflops(device("NVIDIA A40", 8, 6, 84, 1740), false)).isCloseTo(37.4, within(0.5));
        assertThat(teraflops(device("NVIDIA GeForce RTX 4090", 8, 9, 128, 2520), false))
                .isCloseTo(82.6, within(0.5));
    }

    @Test
    void whatIsNotListedHasNoPeak() {
        assertThat(device("NVIDIA Thor", 11, 0, 20, 1500).peakFlops(true)).isEmpty();
    }

    @Test
    void onlyHopperHasProductsOfWarpgroups() {
        assertThat(device("NVIDIA H200", 9, 0, 132, 1980).architecture()).isEqualTo("sm_90a");
        assertThat(device("NVIDIA A100", 8, 0, 108, 1410).architecture()).isEqualTo("sm_80");
        assertThat(device("NVIDIA B200", 10, 0, 148, 1965).architecture()).isEqualTo("sm_100");
        assertThat(device("NVIDIA GeForce RTX 5090", 12, 0, 170, 2407).hasWarpgroupProducts())
                .isFalse();
        assertThat(device("NVIDIA H200", 9, 0, 132, 1980).hasWarpgroupProducts())
                .isTrue();
    }
}
