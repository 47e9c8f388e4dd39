package org.mohawk4j.examples;

import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.LocalDateTime;
import java.time.ZoneId;
import java.time.format.DateTimeFormatter;
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
import org.mohawk4j.train.run.DistillConfig;
import org.mohawk4j.train.run.DistillConfigYaml;
import org.mohawk4j.train.run.RunFolder;
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
    private static final DateTimeFormatter RUN_NAME =
            DateTimeFormatter.ofPattern("'distill-'yyyyMMdd-HHmmss", Locale.ROOT);

    @Spec
    private CommandSpec spec;

    @Option(
            names = "--config",
            paramLabel = "FILE",
            description = "YAML of all these options, as every run folder holds; what is given beside it counts more.")
    private Optional<Path> file = Optional.empty();

    @Override
    public void run() {
        DistillConfig config = config();
        config.budget();
        RunFolder folder = RunFolder.at(config.out().orElseGet(DistillCommand::newFolder));
        Path teacherFolder = config.teacher().orElseGet(EmbeddedTeacher::unpack);
        CausalLmConfig dimensions = ModelFolder.config(teacherFolder);
        requireContext(config.context(), dimensions.maxPositions());
        MixerPlan plan = StudentMixers.plan(config, dimensions);
        TokenizerJson tokenizer = TokenizerJson.load(teacherFolder);
        try (Engine engine = ConfigOptions.open(config);
                CausalLm teacher = ModelFolder.load(engine, teacherFolder)) {
            distill(config, teacher, plan, tokenizer, teacherFolder.resolve(TokenizerJson.FILE_NAME), folder);
        }
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

    private static Path newFolder() {
        Path folder = Path.of("runs", LocalDateTime.now(ZoneId.systemDefault()).format(RUN_NAME));
        Path free = folder;
        for (int i = 2; Files.exists(free); i++) {
            free = folder.resolveSibling(folder.getFileName() + "-" + i);
        }
        return free;
    }

    private void distill(
            DistillConfig config,
            CausalLm teacher,
            MixerPlan plan,
            TokenizerJson tokenizer,
            Path tokenizerFile,
            RunFolder folder) {
        PrintWriter out = spec.commandLine().getOut();
        out.println("teacher   " + config.teacher().map(Path::toString).orElse("the tiny one that is shipped"));
        out.println("run       " + folder.path());
        out.flush();
        RunTexts texts = RunTexts.of(config, teacher, tokenizer, out);
        out.println("text      " + texts.description());
        Distillation distillation =
                new Distillation(config, teacher, tokenizer, texts.training(), texts.heldOut(), folder);
        distillation
                .cachePlan()
                .ifPresent(kept -> out.printf(
                        Locale.ROOT,
                        "cache     at most %,d bytes of %,d windows in %s%n",
                        kept.bytes(),
                        kept.windows(),
                        kept.file()));
        try (StageProgress progress = new StageProgress(out)) {
            Distillation.Result result = distillation.run(plan, tokenizerFile, environment(teacher.engine()), progress);
            Summary.print(result, out);
            out.println();
            out.println("student   " + folder.student());
            if (config.report()) {
                out.println("report    " + folder.report().resolve("index.html"));
            }
            out.println(ScoreLine.of("teacher.", result.teacher()));
            out.println(ScoreLine.of("student.", result.student()));
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
