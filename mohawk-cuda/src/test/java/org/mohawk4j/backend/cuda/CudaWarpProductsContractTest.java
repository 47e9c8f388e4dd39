package org.mohawk4j.backend.cuda;

import java.util.List;
import org.mohawk4j.backend.Backend;
import org.mohawk4j.backend.BackendOptions;
import org.mohawk4j.backend.cuda.driver.CudaDevice;

/** The contract as on a device without {@code wgmma}: kernels' products run on {@code mma.sync}, which Hopper has too. */
class CudaWarpProductsContractTest extends CudaBackendContractTest {
    @Override
    protected Backend open(BackendOptions options) {
        return new CudaBackend(options, CudaDevice.of(options.device()), false, LOGITS_AT_ONCE);
    }

    @Override
    protected List<BackendOptions> options() {
        return List.of(BackendOptions.defaults().withMixed(true));
    }
}
