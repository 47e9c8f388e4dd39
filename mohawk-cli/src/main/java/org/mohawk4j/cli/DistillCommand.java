package org.mohawk4j.cli;

import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import org.mohawk4j.InvalidInputException;
import org.mohawk4j.StorageException;
import org.mohawk4j.cli.option.ConfigOptions;
import org.mohawk4j.train.ChangedRunException;
import org.mohawk4j.train.Distillation;
import org.mohawk4j.train.checkpoint.CheckpointStore;
import org.mohawk4j.train.config.DistillConfig;
import org.mohawk4j.train.config.DistillConfigYaml;
import org.mohawk4j.train.console.ConsoleProgressListener;
import org.mohawk4j.train.distributed.ProcessGroup;
import org.mohawk4j.train.distributed.RankEnvironment;
import org.mohawk4j.train.loop.StopSignal;
import org.mohawk4j.train.loop.StoppedException;
import org.mohawk4j.train.report.RunResult;
import org.mohawk4j.train.run.OutputFolder;
import org.mohawk4j.train.sample.EmbeddedTeacher;
import picocli.CommandLine.Command;
import picocli.CommandLine.ExitCode;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** Distills a student from a teacher, stage by stage. */
@Command(
        name = "distill",
        description = "Distills a Transformer into a student with other mixers: matrix orientation, hidden-state"
                + " alignment, knowledge distillation.",
        abbreviateSynopsis = true,
        modelTransformer = ConfigOptions.All.class)
final class DistillCommand implements Callable<Integer> {

    /** That of SIGTERM, also where another rank got the signal. Whoever gets one ends with its code anyway. */
    private static final int STOPPED = 143;

    @Spec
    private CommandSpec spec;

    @Option(
            names = "--config",
            paramLabel = "FILE",
            description =
                    "YAML with all these options, as in every run folder; options on the command line override it.")
    private Optional<Path> file = Optional.empty();

    @Option(
            names = "--resume",
            paramLabel = "RUN_DIR",
            description = "Resumes a run from its newest valid checkpoint; the result is that of an uninterrupted run.")
    private Optional<Path> resumed = Optional.empty();

    @Option(
            names = "--force",
            description = "With --resume: accept options, a teacher or texts that differ from those of the run.")
    private boolean force;

    @Mixin
    private final RankOptions ranks = new RankOptions();

    @Override
    public Integer call() {
        Map<String, Object> values = ConfigOptions.given(spec);
        Optional<RankEnvironment> rank = ranks.rank();
        if (rank.isEmpty()) {
            int gpus = gpus(values);
            if (ranks.launches(gpus, values)) {
                return launch(gpus, values);
            }
        }
        rank.ifPresent(own -> ranks.apply(own, values));
        StopSignal stop = new StopSignal();
        // let go last: the process ends with it, and other ranks would take that for a failure
        try (StopSignals signals = StopSignals.listen(stop, spec.commandLine().getErr())) {
            if (rank.isEmpty()) {
                return run(distillation(values).stop(stop), 0) ? ExitCode.OK : STOPPED;
            }
            try (ProcessGroup group = ranks.join(rank.get(), spec)) {
                return run(distillation(values).stop(stop).group(group), group.rank()) ? ExitCode.OK : STOPPED;
            }
        }
    }

    private int launch(int gpus, Map<String, Object> values) {
        if (resumed.isPresent()) {
            return ranks.launch(gpus, resumed.get(), Optional.empty(), false, spec);
        }
        Optional<Path> said = config(values).files().out();
        // chosen here, since ranks that start at different times would choose different ones
        Path folder = said.orElseGet(() -> OutputFolder.of("distill"));
        return ranks.launch(gpus, folder, said.isPresent() ? Optional.empty() : Optional.of(folder), true, spec);
    }

    /** A resumed run takes as many as before, unless others are asked for. */
    private int gpus(Map<String, Object> values) {
        return resumed.map(run -> run.resolve("config.yaml"))
                .filter(config -> Files.isRegularFile(config))
                .map(config -> DistillConfigYaml.read(config).with(machineOf(values)))
                .orElseGet(() -> config(resumed.isPresent() ? machineOf(values) : values))
                .machine()
                .gpus();
    }

    private static Map<String, Object> machineOf(Map<String, Object> values) {
        return values.containsKey("gpus") ? Map.of("gpus", values.get("gpus")) : Map.of();
    }

    /** Whether the run came to its end. */
    private boolean run(Distillation distillation, int rank) {
        distillation.fact("mohawk4j", Version.number());
        try {
            if (rank == 0) {
                runAndTell(distillation);
            } else {
                distillation.run();
            }
            return true;
        } catch (StoppedException e) {
            // said here, since the process ends as soon as the signals are let go
            if (rank == 0) {
                PrintWriter err = spec.commandLine().getErr();
                err.println("mohawk distill: " + e.getMessage() + (e.isSaved() ? toGoOn(distillation) : ""));
                err.flush();
            }
            return false;
        } catch (ChangedRunException e) {
            throw new InvalidInputException(e.getMessage() + "; --force accepts them", e);
        } catch (StorageException e) {
            boolean goesOn = new CheckpointStore(distillation.folder().resolve("checkpoints"))
                    .last()
                    .isPresent();
            throw goesOn ? new StorageException(e.getMessage() + toGoOn(distillation), e) : e;
        }
    }

    private static String toGoOn(Distillation distillation) {
        return "; to resume: " + ResumeCommand.of(distillation.folder());
    }

    private Distillation distillation(Map<String, Object> values) {
        if (resumed.isEmpty()) {
            return Distillation.of(config(values))
                    .comment(
                            "Every value of this run; to repeat it: ./mohawk distill --config THIS_FILE --out NEW_FOLDER");
        }
        if (file.isPresent()) {
            throw new InvalidInputException(
                    "--config: expected none beside --resume, which takes everything from the run folder");
        }
        Distillation run = Distillation.resume(resumed.get()).changes(values);
        return force ? run.acceptChanges() : run;
    }

    /** The defaults, under the file, under the options. */
    private DistillConfig config(Map<String, Object> values) {
        DistillConfig base = file.map(DistillConfigYaml::read)
                .orElseGet(() -> values.containsKey("teacher") ? DistillConfig.defaults() : EmbeddedTeacher.config());
        return base.with(values);
    }

    private void runAndTell(Distillation distillation) {
        PrintWriter out = spec.commandLine().getOut();
        try (ConsoleProgressListener progress = new ConsoleProgressListener(out)) {
            RunResult result = distillation.listener(progress).run();
            out.println();
            out.println("student   " + result.studentFolder());
            Path report = result.run().resolve("report/index.html");
            if (Files.exists(report)) {
                out.println("report    " + report);
            }
            out.println(ScoreLine.of("teacher.", result.teacher()));
            out.println(ScoreLine.of("student.", result.student()));
        }
    }
}
