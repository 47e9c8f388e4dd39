package org.mohawk4j.train.run;

import java.util.ArrayList;
import java.util.List;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;
import org.mohawk4j.InvalidInputException;
import org.mohawk4j.data.DataLoader;
import org.mohawk4j.data.Dataset;
import org.mohawk4j.train.config.ActiveStage;

/**
 * What the stages of a run read. A stage whose batches are of the shape of the one before reads on where that stopped; one
 * of another shape begins the texts from the start, in its own order.
 */
public final class StageData implements AutoCloseable {
    private final Dataset texts;
    private final List<Long> seeds = new ArrayList<>();
    private final List<ActiveStage> stages;
    private int open = -1;
    private @Nullable DataLoader loader;

    /**
     * @param random seeds the order of each shape
     * @throws InvalidInputException if the texts do not hold a window of a stage
     */
    public StageData(Dataset texts, List<ActiveStage> stages, RandomGenerator random) {
        this.texts = texts;
        this.stages = List.copyOf(stages);
        for (int i = 0; i < stages.size(); i++) {
            boolean readsOn = i > 0 && stages.get(i).hasShapeOf(stages.get(i - 1));
            seeds.add(readsOn ? seeds.get(i - 1) : Long.valueOf(random.nextLong()));
            requireWindow(texts, stages.get(i));
        }
    }

    private static void requireWindow(Dataset texts, ActiveStage stage) {
        try {
            texts.windows(stage.context());
        } catch (InvalidInputException e) {
            throw new InvalidInputException(stage.key() + ".context: " + e.getMessage(), e);
        }
    }

    /** Of a stage, which is the one before, or one behind it. Closed with this. */
    DataLoader of(ActiveStage stage) {
        int index = stages.indexOf(stage);
        DataLoader found = loader;
        if (found == null || !seeds.get(index).equals(seeds.get(open))) {
            close();
            found = texts.batches(stage.context(), stage.batch(), seeds.get(index));
            loader = found;
        }
        open = index;
        return found;
    }

    @Override
    public void close() {
        if (loader != null) {
            loader.close();
            loader = null;
        }
    }
}
