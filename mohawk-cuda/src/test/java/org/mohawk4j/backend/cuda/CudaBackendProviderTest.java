package org.mohawk4j.backend.cuda;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ServiceLoader;
import org.junit.jupiter.api.Test;
import org.mohawk4j.InvalidInputException;
import org.mohawk4j.backend.Backend;
import org.mohawk4j.backend.BackendOptions;
import org.mohawk4j.backend.BackendProvider;
import org.mohawk4j.backend.BackendProvider.Availability;
import org.mohawk4j.backend.Backends;
import org.mohawk4j.backend.cuda.driver.CudaDevice;
import org.mohawk4j.backend.cuda.memory.CudaPool;

/** On any machine, with or without a GPU. */
class CudaBackendProviderTest {
    @Test
    void itIsFound() {
        assertThat(ServiceLoader.load(BackendProvider.class))
                .extracting(BackendProvider::name)
                .contains("cuda");
    }

    @Test
    void whetherItCanRunIsSaidInOneLine() {
        Availability here = new CudaBackendProvider().availability();

        assertThat(here.reason()).isNotBlank().doesNotContain("\n");
        assertThat(new CudaBackendProvider().availability()).as("asked again").isEqualTo(here);
    }

    @Test
    void versionsReadAsTheyAreWritten() {
        assertThat(CudaBackendProvider.version(13_010)).isEqualTo("13.1");
        assertThat(CudaBackendProvider.version(12_090)).isEqualTo("12.9");
    }

    @Test
    void anOldDriverIsToldFromNone() {
        assertThat(CudaBackendProvider.tooOld(12_080))
                .hasValue("expected a driver for CUDA 13.0 or newer, found one for CUDA 12.8");
        assertThat(CudaBackendProvider.tooOld(0)).hasValue("expected a driver for CUDA 13.0 or newer, found none");
        assertThat(CudaBackendProvider.tooOld(13_000)).isEmpty();
    }

    @Test
    void aDeviceThatIsNotThereIsNamedWithThoseThatAre() {
        assertThat(CudaBackendProvider.noSuchDevice(0, 0)).hasValue("CUDA's driver finds no GPU");
        assertThat(CudaBackendProvider.noSuchDevice(2, 2)).hasValue("expected a device from 0 to 1, found device 2");
        assertThat(CudaBackendProvider.noSuchDevice(1, 2)).isEmpty();
    }

    @Test
    void aDeviceThatIsTooOldIsNamed() {
        CudaDevice turing = new CudaDevice(0, "NVIDIA T4", 7, 5, 40, 1_590_000, 65_536);

        assertThat(CudaBackendProvider.tooSmall(turing))
                .hasValue("expected compute capability 8.0 or higher, found NVIDIA T4 with 7.5");
    }

    @Test
    void withoutADeviceOfThatIndexAutoStillFindsABackend() {
        BackendOptions defaults = BackendOptions.defaults();
        boolean here = new CudaBackendProvider().availability(defaults).usable();

        try (Backend backend = Backends.open("auto", defaults)) {
            assertThat(backend.name()).isEqualTo(here ? "cuda" : "nd4j");
        }
        assertThatThrownBy(() -> Backends.open("cuda", defaults.withDevice(1000)))
                .isInstanceOf(InvalidInputException.class)
                .hasMessageStartingWith("backend 'cuda' cannot run here: expected ");
    }

    @Test
    void memoryThatRunsOutIsOneLineWithItsNumbers() {
        assertThat(CudaPool.outOfMemory("FLOAT32 [3, 5]", 60, 3L << 30, "NVIDIA A10", 1 << 20, 24L << 30))
                .isEqualTo(
                        "out of GPU memory: FLOAT32 [3, 5] needs 1 MiB beside 3,072 MiB in use here, and NVIDIA A10 has"
                                + " 1 MiB free of 24,576 MiB; reduce the batch or the context, accumulate more micro-batches,"
                                + " recompute activations, or use bfloat16");
    }
}
