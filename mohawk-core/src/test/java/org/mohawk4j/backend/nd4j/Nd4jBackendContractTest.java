package org.mohawk4j.backend.nd4j;

import java.util.List;
import org.mohawk4j.backend.Backend;
import org.mohawk4j.backend.BackendOptions;
import org.mohawk4j.backend.Backends;
import org.mohawk4j.backend.contract.BackendContract;
import org.mohawk4j.tensor.types.DType;

class Nd4jBackendContractTest extends BackendContract {
    @Override
    protected Backend open(BackendOptions options) {
        return Backends.open("nd4j", options);
    }

    @Override
    protected List<BackendOptions> options() {
        BackendOptions defaults = BackendOptions.defaults();
        return List.of(
                defaults.withParameterType(DType.FLOAT32),
                defaults.withParameterType(DType.FLOAT64).withThreads(1));
    }
}
