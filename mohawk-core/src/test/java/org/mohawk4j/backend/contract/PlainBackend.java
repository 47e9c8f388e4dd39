package org.mohawk4j.backend.contract;

import java.util.Optional;
import org.mohawk4j.backend.Backend;
import org.mohawk4j.backend.ElementwiseOps;
import org.mohawk4j.backend.FusedOp;
import org.mohawk4j.backend.LayoutOps;
import org.mohawk4j.backend.MatmulOps;
import org.mohawk4j.backend.MemoryOps;
import org.mohawk4j.backend.ReductionOps;
import org.mohawk4j.tensor.types.DType;

/** Another backend without its fused kernels, so that everything runs as the plain composition. */
record PlainBackend(Backend backend) implements Backend {
    @Override
    public String name() {
        return "plain " + backend.name();
    }

    @Override
    public String description() {
        return backend.description() + ", without kernels";
    }

    @Override
    public DType parameterType() {
        return backend.parameterType();
    }

    @Override
    public MemoryOps memory() {
        return backend.memory();
    }

    @Override
    public ElementwiseOps elementwise() {
        return backend.elementwise();
    }

    @Override
    public ReductionOps reductions() {
        return backend.reductions();
    }

    @Override
    public MatmulOps matmul() {
        return backend.matmul();
    }

    @Override
    public LayoutOps layout() {
        return backend.layout();
    }

    @Override
    public <K extends FusedOp> Optional<K> fused(Class<K> type) {
        return Optional.empty();
    }

    @Override
    public void close() {
        backend.close();
    }
}
