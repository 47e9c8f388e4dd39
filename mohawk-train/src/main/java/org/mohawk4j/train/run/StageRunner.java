package org.mohawk4j.train.run;

import java.io.IOException;
import java.util.Map;
import java.util.NavigableMap;
import java.util.Optional;
import org.mohawk4j.data.DataLoader;
import org.mohawk4j.tensor.Engine;
import org.mohawk4j.train.checkpoint.Checkpoint;
import org.mohawk4j.train.config.DistillConfig;
import org.mohawk4j.train.config.OptimizerConfig;
import org.mohawk4j.train.config.TokenBudget;
import org.mohawk4j.train.loop.StageState;
import org.mohawk4j.train.loop.Trainer;
import org.mohawk4j.train.loop.TrainingListener;
import org.mohawk4j.train.optimizer.AdamW;
import org.mohawk4j.train.report.MatrixProbe;
import org.mohawk4j.train.stage.Objective;

/** The training of a run: its stages one after the other, from the start or from a checkpoint. */
public final class StageRunner {
    private final DistillConfig config;
    private final Engine engine;
    private final NavigableMap<Integer, Objective> objectives;
    private final DataLoader batches;
    private final MatrixProbe probe;

    /** @param objectives of the stages that take steps, by stage */
    public StageRunner(
            DistillConfig config,
            Engine engine,
            NavigableMap<Integer, Objective> objectives,
            DataLoader batches,
            MatrixProbe probe) {
        this.config = config;
        this.engine = engine;
        this.objectives = objectives;
        this.batches = batches;
        this.probe = probe;
    }

    /** Takes all steps that are left. */
    public void run(TrainingListener listener, RunCheckpointer saver, Optional<Checkpoint> from) throws IOException {
        Trainer trainer = new Trainer(engine, batches, listener, config.accumulate(), config.faults());
        TokenBudget budget = config.budget();
        if (from.isPresent()) {
            saver.resume(from.get(), batches);
        }
        int first = from.map(checkpoint -> checkpoint.position().stage()).orElse(1);
        for (Map.Entry<Integer, Objective> entry :
                objectives.tailMap(first, true).entrySet()) {
            int stage = entry.getKey();
            int steps = budget.stepsOf(stage);
            try (StageState state = new StageState(
                    engine,
                    stage,
                    optimizer(config.optimizer()),
                    config.faults().spikeThreshold())) {
                if (from.isPresent() && from.get().position().stage() == stage) {
                    saver.restore(state, from.get());
                }
                trainer.run(
                        state,
                        entry.getValue(),
                        config.schedule().forStage(config.lr().get(stage - 1), steps),
                        steps,
                        saver);
                if (stage == objectives.lastKey()) {
                    saver.finish(state);
                }
            }
            probe.captureStudent(MatrixProbe.afterStage(stage));
        }
    }

    private static AdamW.Config optimizer(OptimizerConfig own) {
        return new AdamW.Config(
                own.betas().get(0), own.betas().get(1), own.epsilon(), own.weightDecay(), own.clipNorm());
    }
}
