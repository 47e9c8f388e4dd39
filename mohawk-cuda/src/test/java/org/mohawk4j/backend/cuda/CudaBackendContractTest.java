package org.mohawk4j.backend.cuda;

import java.util.List;
import org.mohawk4j.backend.Backend;
import org.mohawk4j.backend.BackendOptions;
import org.mohawk4j.backend.contract.BackendContract;
import org.mohawk4j.tensor.types.DType;

class CudaBackendContractTest extends BackendContract implements GpuTest {
    /** Few enough that the contract's largest losses are taken in several chunks. */
    static final long LOGITS_AT_ONCE = 1 << 19;

    @Override
    protected Backend open(BackendOptions options) {
        return new CudaBackend(options, LOGITS_AT_ONCE);
    }

    @Override
    protected List<BackendOptions> options() {
        BackendOptions defaults = BackendOptions.defaults();
        return List.of(defaults, defaults.withParameterType(DType.FLOAT64), defaults.withMixed(true));
    }

    @Override
    protected double matmulEpsilon(BackendOptions options) {
        return options.mixed() ? 1.0 / 256 : super.matmulEpsilon(options);
    }
}
