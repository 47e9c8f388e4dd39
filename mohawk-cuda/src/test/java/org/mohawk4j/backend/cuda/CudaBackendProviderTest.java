package org.mohawk4j.backend.cuda;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ServiceLoader;
import org.junit.jupiter.api.Test;
import org.mohawk4j.backend.BackendProvider;
import org.mohawk4j.backend.BackendProvider.Availability;

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
}
