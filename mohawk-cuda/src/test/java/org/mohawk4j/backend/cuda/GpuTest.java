package org.mohawk4j.backend.cuda;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.mohawk4j.backend.BackendProvider.Availability;

/** Tests on a GPU, skipped with the backend's own reason where there is none. */
@Tag("gpu")
public interface GpuTest {
    @BeforeAll
    static void requireGpu() {
        Availability here = new CudaBackendProvider().availability();
        assumeTrue(here.usable(), here.reason());
    }
}
