package org.mohawk4j.train;

import java.util.LinkedHashMap;
import java.util.Map;
import org.mohawk4j.StorageException;
import org.mohawk4j.backend.HostMemory;
import org.mohawk4j.models.CausalLm;
import org.mohawk4j.nn.Parameter;
import org.mohawk4j.tensor.Tensor;
import org.mohawk4j.tensor.types.HostSource;

/**
 * A teacher whose linear maps are in the type of the backend's products, for as long as a run needs it: less memory, and
 * less of it to read. What they were lies on the host meanwhile, unless the teacher is given up.
 */
final class CastTeacher implements AutoCloseable {
    private record Kept(HostMemory memory, HostSource numbers) {}

    private final Map<Parameter, Kept> before = new LinkedHashMap<>();

    private CastTeacher() {}

    /**
     * Narrows.
     *
     * @param givenUp whether it may stay as it is then
     */
    static CastTeacher of(CausalLm teacher, boolean givenUp) {
        CastTeacher narrowed = new CastTeacher();
        try {
            if (!givenUp) {
                narrowed.keep(teacher);
            }
            teacher.castWeights();
            return narrowed;
        } catch (RuntimeException e) {
            narrowed.close();
            throw e;
        }
    }

    private void keep(CausalLm teacher) {
        for (Parameter weight : teacher.linearWeights()) {
            Tensor value = weight.value();
            if (value.dtype() != teacher.engine().backend().productType()) {
                long bytes = value.nbytes();
                HostMemory memory = HostMemory.allocate(bytes)
                        .orElseThrow(() -> new StorageException("teacher: expected " + bytes
                                + " bytes of memory to keep " + value.shape() + " in, found less; a teacher that is"
                                + " not used after the run may be given up"));
                before.put(weight, new Kept(memory, value.copyTo(memory)));
            }
        }
    }

    /** Gives the teacher its own numbers back. */
    @Override
    public void close() {
        before.forEach((weight, kept) -> {
            weight.set(kept.numbers());
            kept.memory().close();
        });
        before.clear();
    }
}
