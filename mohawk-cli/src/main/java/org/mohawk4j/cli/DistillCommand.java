package org.mohawk4j.cli;

import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import org.mohawk4j.InvalidInputException;
import org.mohawk4j.models.CausalLm;
import org.mohawk4j.models.CausalLmConfig;
import org.mohawk4j.models.MixerPlan;
import org.mohawk4j.models.ModelFolder;
import org.mohawk4j.tensor.Engine;
import org.mohawk4j.tokenizer.TokenizerJson;
import org.mohawk4j.train.Distillation;
import org.mohawk4j.train.ResumedRun;
import org.mohawk4j.train.checkpoint.Checkpoint;
import org.mohawk4j.train.config.DistillConfig;
import org.mohawk4j.train.config.DistillConfigYaml;
import org.mohawk4j.train.console.ConsoleProgressListener;
import org.mohawk4j.train.loop.StopSignal;
import org.mohawk4j.train.loop.StoppedException;
import org.mohawk4j.train.report.RunResult;
import org.mohawk4j.train.run.PendingInputs;
import org.mohawk4j.train.run.RunFolder;
import org.mohawk4j.train.run.RunInputs;
import org.mohawk4j.train.sample.EmbeddedTeacher;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** Distils a student from a teacher, stage by stage. */
@Command(
        name = "distill",
        description = "Distils a student with Mamba-2 mixers from a Transformer: matrix orientation, hidden-state"
                + " alignment, knowledge distillation.",
        abbreviateSynopsis = true,
        modelTransformer = ConfigOptions.All.class)
final class DistillCommand implements Runnable {

    @Spec
    private CommandSpec spec;

    @Option(
            names = "--config",
            paramLabel = "FILE",
            description = "YAML of all these options, as every run folder holds; what is given beside it counts more.")
    private Optional<Path> file = Optional.empty();

    @Option(
            names = "--resume",
            paramLabel = "RUN_DIR",
            description = "Goes on with a run that was ended, from its newest whole checkpoint, as if it had not been.")
    private Optional<Path> resumed = Optional.empty();

    @Option(
            names = "--force",
            description = "With --resume: go on with options, a teacher or texts that the run was not begun with.")
    private boolean force;

    private Optional<Path> shipped = Optional.empty();

    @Override
    public void run() {
        if (resumed.isPresent()) {
            if (file.isPresent()) {
                throw new InvalidInputException(
                        "--config: expected none beside --resume, which takes everything from the run folder");
            }
            ResumedRun run = ResumedRun.open(
                    resumed.get(),
                    ConfigOptions.given(spec),
                    force,
                    config -> RunInputs.of(teacherFolder(config), config));
            try (RunFolder folder = run.folder()) {
                run(run.config(), folder, run.from());
            }
            return;
        }
        DistillConfig config = config();
        try (RunFolder folder = RunFolder.at(config.out().orElseGet(() -> NewFolder.of("distill")))) {
            folder.isOfCommand();
            run(config, folder, Optional.empty());
        }
    }

    private void run(DistillConfig config, RunFolder folder, Optional<Checkpoint> from) {
        config.budget();
        Path teacherFolder = teacherFolder(config);
        CausalLmConfig dimensions = ModelFolder.config(teacherFolder);
        requireContext(config.context(), dimensions.maxPositions());
        MixerPlan plan = StudentMixers.plan(config, dimensions);
        TokenizerJson tokenizer = TokenizerJson.load(teacherFolder, config.data().bos());
        if (!folder.hasBegun()) {
            folder.reads(new PendingInputs(teacherFolder, config));
        }
        try (Engine engine = ConfigOptions.open(config);
                CausalLm teacher = ModelFolder.load(engine, teacherFolder)) {
            distill(config, teacher, plan, tokenizer, teacherFolder.resolve(TokenizerJson.FILE_NAME), folder, from);
        }
    }

    private Path teacherFolder(DistillConfig config) {
        return config.teacher().orElseGet(() -> {
            if (shipped.isEmpty()) {
                shipped = Optional.of(EmbeddedTeacher.unpack());
            }
            return shipped.get();
        });
    }

    /** The defaults, under the file, under the options. */
    private DistillConfig config() {
        Map<String, Object> given = ConfigOptions.given(spec);
        DistillConfig base = file.map(DistillConfigYaml::read)
                .orElseGet(() -> given.containsKey("teacher") ? DistillConfig.defaults() : EmbeddedTeacher.config());
        return base.with(given);
    }

    private static void requireContext(int context, long positions) {
        if (context > positions) {
            throw new InvalidInputException(
                    "context: expected at most " + positions + ", the teacher's positions, got " + context);
        }
    }

    private void distill(
            DistillConfig config,
            CausalLm teacher,
            MixerPlan plan,
            TokenizerJson tokenizer,
            Path tokenizerFile,
            RunFolder folder,
            Optional<Checkpoint> from) {
        PrintWriter out = spec.commandLine().getOut();
        out.println("teacher   " + config.teacher().map(Path::toString).orElse("the tiny one that is shipped"));
        out.println("run       " + folder.path());
        from.ifPresent(checkpoint -> out.println("goes on   after " + checkpoint.position()));
        out.flush();
        RunTexts texts = RunTexts.of(config, teacher, tokenizer, out);
        out.println("text      " + texts.description());
        Distillation distillation =
                new Distillation(config, teacher, tokenizer, texts.training(), texts.heldOut(), folder);
        distillation.giveUpTeacher();
        distillation
                .cachePlan()
                .ifPresent(kept -> out.printf(
                        Locale.ROOT,
                        "cache     at most %,d bytes of %,d windows in %s%n",
                        kept.bytes(),
                        kept.windows(),
                        kept.file()));
        StopSignal stop = new StopSignal();
        PrintWriter err = spec.commandLine().getErr();
        try (StopSignals signals = StopSignals.listen(stop, err)) {
            runAndTell(distillation, plan, tokenizerFile, teacher.engine(), folder, from, stop);
        }
    }

    private void runAndTell(
            Distillation distillation,
            MixerPlan plan,
            Path tokenizerFile,
            Engine engine,
            RunFolder folder,
            Optional<Checkpoint> from,
            StopSignal stop) {
        PrintWriter out = spec.commandLine().getOut();
        try (ConsoleProgressListener progress = new ConsoleProgressListener(out)) {
            RunResult result = distillation.run(plan, tokenizerFile, environment(engine), progress, from, stop);
            out.println();
            out.println("student   " + folder.student());
            if (Files.exists(folder.report())) {
                out.println("report    " + folder.report().resolve("index.html"));
            }
            out.println(ScoreLine.of("teacher.", result.teacher()));
            out.println(ScoreLine.of("student.", result.student()));
        } catch (StoppedException e) {
            // said here, since the process ends as soon as the signals are let go
            spec.commandLine().getErr().println("mohawk distill: " + e.getMessage());
            spec.commandLine().getErr().flush();
        }
    }

    private static Map<String, String> environment(Engine engine) {
        Map<String, String> facts = new LinkedHashMap<>();
        facts.put("mohawk4j", Version.number());
        facts.put("backend", engine.backend().description());
        facts.put("java", Runtime.version().toString());
        facts.put("system", System.getProperty("os.name") + " " + System.getProperty("os.arch"));
        facts.put("processors", String.valueOf(Runtime.getRuntime().availableProcessors()));
        return facts;
    }
}
