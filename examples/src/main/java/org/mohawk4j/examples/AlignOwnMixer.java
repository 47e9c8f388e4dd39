package org.mohawk4j.examples;

import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.SplittableRandom;
import org.mohawk4j.backend.BackendOptions;
import org.mohawk4j.backend.Backends;
import org.mohawk4j.data.InMemoryLoader;
import org.mohawk4j.data.TokenWindows;
import org.mohawk4j.models.CausalLm;
import org.mohawk4j.models.MixerPlan;
import org.mohawk4j.models.ModelFolder;
import org.mohawk4j.tensor.Engine;
import org.mohawk4j.train.config.ScheduleConfig;
import org.mohawk4j.train.console.ConsoleProgressListener;
import org.mohawk4j.train.loop.Trainer;
import org.mohawk4j.train.loop.TrainingListener;
import org.mohawk4j.train.optimizer.AdamW;
import org.mohawk4j.train.sample.EmbeddedTeacher;
import org.mohawk4j.train.sample.TeacherCorpus;
import org.mohawk4j.train.schedule.LearningRateSchedule;
import org.mohawk4j.train.stage.HiddenStateAlignment;
import org.mohawk4j.train.stage.StagePlan;

/**
 * Aligns {@link OwnMixer} with the shipped teacher's attention on text that the teacher writes: stages 1 and 2, each by a
 * call of its own and without a run folder.
 */
public final class AlignOwnMixer {
    private static final int CONTEXT = 64;

    private AlignOwnMixer() {}

    public static void main(String[] args) {
        PrintWriter out = new PrintWriter(System.out, true, StandardCharsets.UTF_8);
        try (Engine engine = Engine.open(Backends.AUTO, BackendOptions.defaults());
                CausalLm teacher = ModelFolder.load(engine, EmbeddedTeacher.unpack());
                ConsoleProgressListener progress = new ConsoleProgressListener(out)) {
            TokenWindows text = new TokenWindows(
                    TeacherCorpus.write(teacher, 0, 8_192, CONTEXT, 0, progress::onTextWritten), CONTEXT);
            align(teacher, text, 40, progress);
        }
    }

    /** Takes some steps of each stage. */
    static void align(CausalLm teacher, TokenWindows text, int steps, TrainingListener listener) {
        MixerPlan plan = MixerPlan.replacing(
                teacher.config(), own -> new OwnMixer.Config(own.width(), own.heads(), 32), List.of());
        AdamW.Config adamW = AdamW.Config.defaults();
        LearningRateSchedule schedule = ScheduleConfig.defaults().forStage(3e-3, steps);
        try (CausalLm student = plan.student(teacher, new SplittableRandom(0))) {
            StagePlan stages = new StagePlan(teacher, student, plan, List.of());
            Trainer trainer = new Trainer(teacher.engine(), new InMemoryLoader(text, 8, 0), listener);
            trainer.run(1, stages.matrixOrientation(), adamW, schedule, steps);
            trainer.run(2, stages.hiddenStateAlignment(HiddenStateAlignment.Target.MIXER), adamW, schedule, steps);
        }
    }
}
