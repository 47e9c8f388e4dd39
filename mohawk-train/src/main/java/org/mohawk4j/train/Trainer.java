package org.mohawk4j.train;

import java.util.List;
import java.util.Map;
import org.mohawk4j.tensor.Engine;
import org.mohawk4j.tensor.Scope;
import org.mohawk4j.tensor.Tensor;
import org.mohawk4j.train.data.BatchStream;
import org.mohawk4j.train.data.TokenBatch;
import org.mohawk4j.train.optimizer.AdamW;
import org.mohawk4j.train.optimizer.Optimizer;
import org.mohawk4j.train.run.StepMetrics;
import org.mohawk4j.train.stage.Objective;
import org.nd4j.linalg.schedule.ISchedule;

/** Takes the steps of one stage: batch, losses and gradients, update. */
public final class Trainer {
    private final Engine engine;
    private final BatchStream batches;
    private final TrainingListener listener;

    public Trainer(Engine engine, BatchStream batches, TrainingListener listener) {
        this.engine = engine;
        this.batches = batches;
        this.listener = listener;
    }

    /** Trains with an AdamW of its own; else as {@link #run(int, Objective, Optimizer, ISchedule, int)}. */
    public void run(int stage, Objective objective, AdamW.Config optimizerConfig, ISchedule schedule, int steps) {
        try (AdamW optimizer = new AdamW(engine, optimizerConfig)) {
            run(stage, objective, optimizer, schedule, steps);
        }
    }

    /**
     * Trains.
     *
     * @param stage 1, 2 or 3, for metrics
     * @param optimizer the caller's to close
     * @throws TrainingException if a loss is not finite; the update it would lead to is not applied
     */
    public void run(int stage, Objective objective, Optimizer optimizer, ISchedule schedule, int steps) {
        listener.onStageStart(stage, steps);
        long start = System.nanoTime();
        long tokens = 0;
        for (int step = 1; step <= steps; step++) {
            TokenBatch batch = batches.next();
            double learningRate = schedule.valueAt(step - 1, 0);
            tokens += batch.tokens();
            try (Scope scope = engine.scope()) {
                Tensor ids = scope.adopt(engine.indices(batch.inputs(), batch.batch(), batch.context()));
                Tensor labels = engine.indices(batch.targets(), batch.tokens());
                Objective.Result result = objective.evaluate(ids, labels);
                List<Double> losses = result.losses().stream().map(Tensor::item).toList();
                double loss = losses.stream().mapToDouble(Double::doubleValue).sum();
                if (!Double.isFinite(loss)) {
                    throw new TrainingException("stage " + stage + ", step " + step + ": the loss is " + loss
                            + "; a smaller learning rate may help");
                }
                listener.onGradientCalculation(stage, step, objective.trained(), result.gradients());
                double norm = optimizer
                        .step(objective.trained(), result.gradients(), learningRate)
                        .item();
                double seconds = (System.nanoTime() - start) / 1e9;
                listener.iterationDone(new StepMetrics(
                        stage,
                        step,
                        tokens,
                        loss,
                        losses.size() > 1 ? losses : List.of(),
                        learningRate,
                        norm,
                        tokens / seconds,
                        seconds,
                        Map.of()));
            }
        }
        listener.onStageEnd(stage);
    }
}
