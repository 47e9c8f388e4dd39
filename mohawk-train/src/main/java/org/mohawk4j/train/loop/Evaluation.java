package org.mohawk4j.train.loop;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.mohawk4j.tensor.Tensor;

/**
 * Losses and gradients of one rank's windows of a batch, taken in equal parts.
 *
 * @param losses of each part, rank 0 each
 * @param gradients means over the parts, by parameter name
 */
public record Evaluation(List<List<Tensor>> losses, Map<String, Tensor> gradients) {
    /** All losses, part by part. */
    public List<Tensor> allLosses() {
        return losses.stream().flatMap(List::stream).toList();
    }

    /**
     * The means over a batch.
     *
     * @param sums over the ranks, as {@link #allLosses} orders them
     * @param shares of each part, of which a rank has taken one
     */
    public List<Double> means(double[] sums, int shares) {
        int parts = losses.size();
        int count = losses.get(0).size();
        List<Double> means = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            double mean = 0;
            for (int part = 0; part < parts; part++) {
                mean += sums[part * count + i] / ((double) parts * shares);
            }
            means.add(mean);
        }
        return means;
    }
}
