package org.mohawk4j.examples;

import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Optional;
import java.util.SplittableRandom;
import java.util.random.RandomGenerator;
import org.mohawk4j.backend.BackendOptions;
import org.mohawk4j.backend.Backends;
import org.mohawk4j.data.InMemoryLoader;
import org.mohawk4j.data.TokenWindows;
import org.mohawk4j.matrix.MixingMatrix;
import org.mohawk4j.matrix.SemiseparableMatrix;
import org.mohawk4j.mixer.MixerConfig;
import org.mohawk4j.mixer.ProjectedMixer;
import org.mohawk4j.models.CausalLm;
import org.mohawk4j.models.MixerPlan;
import org.mohawk4j.models.ModelFolder;
import org.mohawk4j.nn.Initializer;
import org.mohawk4j.nn.Linear;
import org.mohawk4j.nn.Parameter;
import org.mohawk4j.op.Heads;
import org.mohawk4j.tensor.Engine;
import org.mohawk4j.tensor.Tensor;
import org.mohawk4j.tensor.types.Shape;
import org.mohawk4j.train.console.ConsoleProgressListener;
import org.mohawk4j.train.loop.Trainer;
import org.mohawk4j.train.optimizer.AdamW;
import org.mohawk4j.train.sample.EmbeddedTeacher;
import org.mohawk4j.train.sample.TeacherCorpus;
import org.mohawk4j.train.schedule.LearningRateSchedule;
import org.mohawk4j.train.schedule.WarmupStableDecaySchedule;
import org.mohawk4j.train.stage.HiddenStateAlignment;
import org.mohawk4j.train.stage.StagePlan;

/**
 * A mixer of one's own: linear attention whose heads each forget at a learned rate that does not depend on the input,
 * {@code M[t,s] = exp(-softplus(rate) · (t - s)) c_t·b_s} (compare retention, arXiv 2307.08621). There is no gradient code: a matrix
 * made of the library's tensors and structures has one.
 */
public final class OwnMixer extends ProjectedMixer {
    /** Its dimensions: D, H and N. */
    public record Config(long width, int heads, int stateSize) implements MixerConfig {
        @Override
        public OwnMixer create(Engine engine, RandomGenerator random) {
            return new OwnMixer(engine, this, random);
        }
    }

    private final Linear cProj;
    private final Linear bProj;
    private final Parameter rate;

    private OwnMixer(Engine engine, Config config, RandomGenerator random) {
        super(engine, config.width(), config.heads(), random);
        long states = (long) config.heads() * config.stateSize();
        cProj = part("c_proj", new Linear(engine, config.width(), states, false, random));
        bProj = part("b_proj", new Linear(engine, config.width(), states, false, random));
        rate = parameter("rate", Shape.of(config.heads()), Initializer.constant(0));
    }

    @Override
    public MixingMatrix matrix(Tensor u) {
        Tensor c = Heads.split(cProj.apply(u), heads());
        Tensor b = Heads.split(bProj.apply(u), heads());
        Tensor logDecay = rate.value().softplus().neg().broadcastTo(Shape.of(u.dim(0), u.dim(1), heads()));
        return new SemiseparableMatrix(c, b, logDecay, Optional.empty(), 64);
    }

    /** Aligns it with the shipped teacher's attention on text that the teacher writes: stages 1 and 2. */
    public static void main(String[] args) {
        PrintWriter out = new PrintWriter(System.out, true, StandardCharsets.UTF_8);
        try (Engine engine = Engine.open(Backends.AUTO, BackendOptions.defaults());
                CausalLm teacher = ModelFolder.load(engine, EmbeddedTeacher.unpack());
                ConsoleProgressListener progress = new ConsoleProgressListener(out)) {
            TokenWindows text =
                    new TokenWindows(TeacherCorpus.write(teacher, 0, 8_192, 64, 0, progress::onTextWritten), 64);
            align(teacher, text, 40, out);
        }
    }

    /** Takes some steps of each stage. */
    static void align(CausalLm teacher, TokenWindows text, int steps, PrintWriter out) {
        MixerPlan plan = MixerPlan.replacing(teacher.config(), own -> new Config(own.width(), 4, 32), List.of());
        AdamW.Config adamW = AdamW.Config.defaults();
        LearningRateSchedule schedule = new WarmupStableDecaySchedule(3e-3, steps / 10, steps, steps / 10, 0);
        try (CausalLm student = plan.student(teacher, new SplittableRandom(0));
                ConsoleProgressListener progress = new ConsoleProgressListener(out)) {
            StagePlan stages = new StagePlan(teacher, student, plan, List.of());
            Trainer trainer = new Trainer(teacher.engine(), new InMemoryLoader(text, 8, 0), progress);
            trainer.run(1, stages.matrixOrientation(), adamW, schedule, steps);
            trainer.run(2, stages.hiddenStateAlignment(HiddenStateAlignment.Target.MIXER), adamW, schedule, steps);
        }
    }
}
