package org.mohawk4j.train.statistics;

import org.mohawk4j.tensor.Scope;
import org.mohawk4j.tensor.Tensor;

/**
 * Some elements of a tensor, the same places each time: all of up to 2,048, of more that many in eight evenly spaced
 * stretches. Statistics of a run then cost the same whatever its size.
 */
final class TensorSample {
    private static final int STRETCHES = 8;
    private static final int STRETCH = 256;

    private TensorSample() {}

    static double[] of(Tensor tensor) {
        long size = tensor.shape().size();
        try (Scope scope = tensor.engine().scope()) {
            Tensor flat = tensor.reshape(size);
            if (size <= (long) STRETCHES * STRETCH) {
                return flat.toDoubles();
            }
            double[] sample = new double[STRETCHES * STRETCH];
            for (int i = 0; i < STRETCHES; i++) {
                long from = i * (size - STRETCH) / (STRETCHES - 1);
                System.arraycopy(flat.narrow(0, from, STRETCH).toDoubles(), 0, sample, i * STRETCH, STRETCH);
            }
            return sample;
        }
    }
}
