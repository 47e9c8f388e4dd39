package org.mohawk4j.train.loop;

import java.util.function.DoubleSupplier;
import org.mohawk4j.data.TokenBatch;
import org.mohawk4j.data.TokenWindows;
import org.mohawk4j.tensor.Engine;
import org.mohawk4j.tensor.Scope;
import org.mohawk4j.tensor.Tensor;
import org.mohawk4j.train.stage.Objective;

/**
 * The loss of a stage on the last windows of a held-out text, the same ones each time.
 *
 * @param most how many windows
 * @param batch how many at once
 */
public record HeldOutLoss(Engine engine, Objective objective, TokenWindows text, int most, int batch)
        implements DoubleSupplier {
    @Override
    public double getAsDouble() {
        int windows = Math.min(most, text.count());
        double sum = 0;
        for (int done = 0; done < windows; done += batch) {
            TokenBatch next = text.batch(text.count() - windows + done, Math.min(batch, windows - done));
            try (Scope scope = engine.scope()) {
                Tensor ids = engine.indices(next.inputs(), next.batch(), next.context());
                Tensor labels = engine.indices(next.targets(), next.targets().length);
                double loss = objective.losses(ids, labels).stream()
                        .mapToDouble(Tensor::item)
                        .sum();
                sum += loss * next.batch();
            }
        }
        return sum / windows;
    }
}
