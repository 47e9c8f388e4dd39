package org.mohawk4j.train.run;

import java.io.IOException;
import java.util.List;
import java.util.Optional;
import org.mohawk4j.data.DataLoader;
import org.mohawk4j.models.CausalLm;
import org.mohawk4j.tensor.Engine;
import org.mohawk4j.train.checkpoint.Checkpoint;
import org.mohawk4j.train.config.ActiveStage;
import org.mohawk4j.train.config.DistillConfig;
import org.mohawk4j.train.config.FaultConfig;
import org.mohawk4j.train.loop.Parallelism;
import org.mohawk4j.train.loop.StageLength;
import org.mohawk4j.train.loop.StageState;
import org.mohawk4j.train.loop.Trainer;
import org.mohawk4j.train.loop.TrainingListener;
import org.mohawk4j.train.optimizer.AdamW;
import org.mohawk4j.train.report.MatrixProbe;

/** The training of a run: its stages one after the other, from the start or from a checkpoint. */
public final class StageRunner {
    private final DistillConfig config;
    private final CausalLm student;
    private final List<StageTask> tasks;
    private final StageData data;
    private final MatrixProbe probe;

    /** @param tasks the stages that take steps, in order */
    public StageRunner(
            DistillConfig config, CausalLm student, List<StageTask> tasks, StageData data, MatrixProbe probe) {
        this.config = config;
        this.student = student;
        this.tasks = tasks;
        this.data = data;
        this.probe = probe;
    }

    /** Takes all steps that are left. */
    public void run(TrainingListener listener, RunCheckpointer saver, Optional<Checkpoint> from) throws IOException {
        int first = from.map(checkpoint -> checkpoint.position().stage()).orElse(1);
        Engine engine = student.engine();
        FaultConfig faults = config.recovery().faults();
        boolean resumed = false;
        long savedTokens = 0;
        for (StageTask task : tasks) {
            ActiveStage stage = task.stage();
            if (stage.number() < first) {
                continue;
            }
            Parallelism ranks = task.ranks();
            DataLoader batches = data.of(stage);
            if (from.isPresent() && !resumed) {
                saver.resume(from.get(), batches);
                resumed = true;
            }
            // behind what a resumed run reads and sets of the whole student
            ranks.shard(student.parameters().values());
            long size = (long) stage.batch() * stage.context();
            StageLength length = length(task);
            length.carry((int) (savedTokens / size));
            AdamW.Config optimizer = config.learning().optimizer().adamW();
            try (StageState state = new StageState(
                    stage.number(),
                    new AdamW(engine, optimizer, ranks.sharding()),
                    faults.spikeThreshold(),
                    length,
                    ranks)) {
                if (from.isPresent() && from.get().position().stage() == stage.number()) {
                    saver.restore(state, from.get());
                }
                new Trainer(engine, batches, listener, config.training().accumulate(), faults, ranks)
                        .run(state, task.objective(), saver);
                savedTokens = length.saved() * size;
                if (stage.number() == config.lastStage().number()) {
                    saver.finish(state);
                }
            }
            ranks.unshard(student.parameters().values());
            probe.captureStudent(MatrixProbe.afterStage(stage.number()));
        }
    }

    private StageLength length(StageTask task) {
        ActiveStage stage = task.stage();
        Optional<StageLength.Criterion> criterion = task.heldOut()
                .map(loss -> new StageLength.Criterion(config.learning().autoTokens(), loss));
        return new StageLength(
                stage.steps(), steps -> stage.schedule().forStage(stage.learningRate(), steps), criterion);
    }
}
