package org.mohawk4j.train.run;

import java.io.IOException;
import java.util.Map;
import java.util.Optional;
import java.util.function.DoubleSupplier;
import org.mohawk4j.data.DataLoader;
import org.mohawk4j.tensor.Engine;
import org.mohawk4j.train.checkpoint.Checkpoint;
import org.mohawk4j.train.config.ActiveStage;
import org.mohawk4j.train.config.DistillConfig;
import org.mohawk4j.train.config.FaultConfig;
import org.mohawk4j.train.config.OptimizerConfig;
import org.mohawk4j.train.loop.Parallelism;
import org.mohawk4j.train.loop.StageLength;
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
    private final Map<ActiveStage, Objective> objectives;
    private final StageData data;
    private final MatrixProbe probe;
    private final Parallelism ranks;
    private final Map<ActiveStage, DoubleSupplier> heldOut;

    /**
     * @param objectives of the stages that take steps, in order
     * @param heldOut losses on held-out windows, of stages with {@code tokens: auto}
     */
    public StageRunner(
            DistillConfig config,
            Engine engine,
            Map<ActiveStage, Objective> objectives,
            StageData data,
            MatrixProbe probe,
            Parallelism ranks,
            Map<ActiveStage, DoubleSupplier> heldOut) {
        this.ranks = ranks;
        this.config = config;
        this.engine = engine;
        this.objectives = objectives;
        this.data = data;
        this.probe = probe;
        this.heldOut = heldOut;
    }

    /** Takes all steps that are left. */
    public void run(TrainingListener listener, RunCheckpointer saver, Optional<Checkpoint> from) throws IOException {
        int first = from.map(checkpoint -> checkpoint.position().stage()).orElse(1);
        int last =
                objectives.keySet().stream().mapToInt(ActiveStage::number).max().orElse(0);
        FaultConfig faults = config.recovery().faults();
        boolean resumed = false;
        long savedTokens = 0;
        for (Map.Entry<ActiveStage, Objective> entry : objectives.entrySet()) {
            ActiveStage stage = entry.getKey();
            if (stage.number() < first) {
                continue;
            }
            DataLoader batches = data.of(stage);
            if (from.isPresent() && !resumed) {
                saver.resume(from.get(), batches);
                resumed = true;
            }
            long size = (long) stage.batch() * stage.context();
            StageLength length = length(stage);
            length.carry((int) (savedTokens / size));
            AdamW.Config optimizer = optimizer(config.learning().optimizer());
            try (StageState state = new StageState(
                    stage.number(), new AdamW(engine, optimizer, ranks.sharding()), faults.spikeThreshold(), length)) {
                if (from.isPresent() && from.get().position().stage() == stage.number()) {
                    saver.restore(state, from.get());
                }
                new Trainer(engine, batches, listener, config.training().accumulate(), faults, ranks)
                        .run(state, entry.getValue(), saver);
                savedTokens = length.saved() * size;
                if (stage.number() == last) {
                    saver.finish(state);
                }
            }
            probe.captureStudent(MatrixProbe.afterStage(stage.number()));
        }
    }

    private StageLength length(ActiveStage stage) {
        Optional<StageLength.Criterion> criterion = Optional.ofNullable(heldOut.get(stage))
                .map(loss -> new StageLength.Criterion(config.learning().autoTokens(), loss));
        return new StageLength(
                stage.steps(), steps -> stage.schedule().forStage(stage.learningRate(), steps), criterion);
    }

    private static AdamW.Config optimizer(OptimizerConfig own) {
        return new AdamW.Config(
                own.betas().get(0), own.betas().get(1), own.epsilon(), own.weightDecay(), own.clipNorm(), own.groups());
    }
}
