package org.mohawk4j.examples;

import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.SplittableRandom;
import org.mohawk4j.backend.BackendOptions;
import org.mohawk4j.backend.Backends;
import org.mohawk4j.data.InMemoryLoader;
import org.mohawk4j.data.TokenSequence;
import org.mohawk4j.data.TokenWindows;
import org.mohawk4j.models.CausalLm;
import org.mohawk4j.models.MixerPlan;
import org.mohawk4j.models.ModelFolder;
import org.mohawk4j.tensor.Engine;
import org.mohawk4j.tokenizer.TokenizerJson;
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
    private static final long TEXT_TOKENS = 8_192;
    private static final int CONTEXT = 64;
    private static final int BATCH = 8;
    private static final int STATE_SIZE = 32;
    private static final double LEARNING_RATE = 3e-3;
    private static final long SEED = 0;

    private AlignOwnMixer() {}

    public static void main(String[] args) {
        Path folder = EmbeddedTeacher.unpack();
        PrintWriter out = new PrintWriter(System.out, true, StandardCharsets.UTF_8);
        try (Engine engine = Engine.open(Backends.AUTO, BackendOptions.defaults());
                CausalLm teacher = ModelFolder.load(engine, folder);
                ConsoleProgressListener progress = new ConsoleProgressListener(out)) {
            int start = TokenizerJson.load(folder).prefix().orElse(0);
            TokenSequence text =
                    TeacherCorpus.write(teacher, start, TEXT_TOKENS, CONTEXT, SEED, progress::onTextWritten);
            align(teacher, new TokenWindows(text, CONTEXT), 40, progress);
        }
    }

    /** Takes some steps of each stage. */
    static void align(CausalLm teacher, TokenWindows text, int steps, TrainingListener listener) {
        MixerPlan plan = MixerPlan.replacing(
                teacher.config(), own -> new OwnMixer.Config(own.width(), own.heads(), STATE_SIZE), List.of());
        AdamW.Config adamW = AdamW.Config.defaults();
        LearningRateSchedule schedule = ScheduleConfig.defaults().forStage(LEARNING_RATE, steps);
        try (CausalLm student = plan.student(teacher, new SplittableRandom(SEED))) {
            StagePlan stages = new StagePlan(teacher, student, plan, List.of());
            Trainer trainer = new Trainer(teacher.engine(), new InMemoryLoader(text, BATCH, SEED), listener);
            trainer.run(1, stages.matrixOrientation(), adamW, schedule, steps);
            trainer.run(2, stages.hiddenStateAlignment(HiddenStateAlignment.Target.MIXER), adamW, schedule, steps);
        }
    }
}
