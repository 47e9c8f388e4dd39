package org.mohawk4j.cli;

import java.io.PrintWriter;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.mohawk4j.cli.option.ConfigOptions;
import org.mohawk4j.train.config.DistillConfig;
import org.mohawk4j.train.sample.EmbeddedTeacher;
import org.mohawk4j.train.study.BudgetsStudy;
import org.mohawk4j.train.study.HybridsStudy;
import org.mohawk4j.train.study.MatricesStudy;
import org.mohawk4j.train.study.RecallStudy;
import org.mohawk4j.train.study.StagesStudy;
import org.mohawk4j.train.study.StructuresStudy;
import org.mohawk4j.train.study.Study;
import org.mohawk4j.train.study.StudyRun;
import org.mohawk4j.train.study.StudySettings;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** Experiments of many measurements on one teacher: a subcommand each. */
@Command(
        name = "study",
        description = "Repeats an experiment of the paper on your own teacher. A study that was ended goes on in its"
                + " folder; what is measured is not measured again.",
        synopsisSubcommandLabel = "NAME",
        subcommands = {
            StudyCommand.Budgets.class,
            StudyCommand.Hybrids.class,
            StudyCommand.Matrices.class,
            StudyCommand.Recall.class,
            StudyCommand.Stages.class,
            StudyCommand.Structures.class
        })
final class StudyCommand implements Runnable {
    private static final int SEEDS = 3;

    @Spec
    private CommandSpec spec;

    @Override
    public void run() {
        throw new ParameterException(
                spec.commandLine(),
                "missing name of a study: expected one of "
                        + String.join(", ", spec.subcommands().keySet()));
    }

    /** What all studies take. */
    @Command(modelTransformer = ConfigOptions.Study.class)
    abstract static class Common implements Runnable {
        @Spec
        private CommandSpec spec;

        @Option(
                names = "--seeds",
                paramLabel = "N",
                description = "how often each run is repeated (default: " + SEEDS + "; with --quick: 1)")
        private Optional<Integer> seeds = Optional.empty();

        @Option(
                names = "--quick",
                description = "tiny budgets: shows the machinery in less than three minutes, without significance")
        private boolean quick;

        abstract Study study();

        final boolean quick() {
            return quick;
        }

        /** Options of this study alone that its results depend on. */
        Map<String, String> options() {
            return Map.of();
        }

        /** The budgets of a quick run. */
        DistillConfig.Builder quick(DistillConfig.Builder config) {
            return config.tokens(2048)
                    .context(64)
                    .batch(4)
                    .evaluation(evaluation -> evaluation.withHeldOut(0.4).withWindows(16));
        }

        @Override
        public final void run() {
            Map<String, Object> given = ConfigOptions.given(spec);
            DistillConfig base = given.containsKey("teacher") ? DistillConfig.defaults() : EmbeddedTeacher.config();
            DistillConfig usual = quick ? quick(base.toBuilder()).build() : base;
            StudySettings settings =
                    new StudySettings(usual.with(given), seeds.orElse(quick ? 1 : SEEDS), quick, options());
            PrintWriter out = spec.commandLine().getOut();
            StudyRun.Finished finished = new StudyRun(study(), settings).run(out);
            out.println("results   " + finished.folder().resolve("results.jsonl"));
            out.println("report    " + finished.page());
            out.println(finished.line());
        }
    }

    /** How tokens are best divided among the stages. */
    @Command(
            name = "budgets",
            description = "How tokens are best divided among the stages, as the paper's Figures 3 and 5: losses against"
                    + " tokens with fitted curves, and the split that these recommend for --tokens.")
    static final class Budgets extends Common {
        @Override
        Study study() {
            return new BudgetsStudy();
        }
    }

    /** Which layers should keep their attention. */
    @Command(
            name = "hybrids",
            description = "Which K layers of a hybrid should keep their attention: ranked by what restoring one layer's"
                    + " attention recovers (arXiv 2512.20569), compared with evenly spaced, first and last layers.")
    static final class Hybrids extends Common {
        @Option(
                names = "--keep",
                paramLabel = "K",
                defaultValue = "1",
                description = "layers that keep their attention (default: ${DEFAULT-VALUE})")
        private int kept;

        @Override
        Study study() {
            return new HybridsStudy(kept);
        }

        @Override
        Map<String, String> options() {
            return Map.of("keep", String.valueOf(kept));
        }
    }

    /** How well structured matrices approximate attention. */
    @Command(
            name = "matrices",
            description = "How well structured matrices approximate the teacher's attention, as the paper's Table 3:"
                    + " Toeplitz, causal low rank, scalar decay, general semiseparable.")
    static final class Matrices extends Common {
        private static final int SAMPLES = 8;
        private static final int QUICK_SAMPLES = 2;

        @Option(
                names = "--state-sizes",
                paramLabel = "N,…",
                split = "\\s*,\\s*",
                hideParamSyntax = true,
                description = "ascending, below a quarter of the context (default: its 32nd, 16th and 8th)")
        private List<Integer> sizes = List.of();

        @Option(
                names = "--samples",
                paramLabel = "N",
                description =
                        "windows of held-out text (default: " + SAMPLES + "; with --quick: " + QUICK_SAMPLES + ")")
        private Optional<Integer> samples = Optional.empty();

        @Override
        Study study() {
            return new MatricesStudy(sizes, samples());
        }

        private int samples() {
            return samples.orElse(quick() ? QUICK_SAMPLES : SAMPLES);
        }

        @Override
        Map<String, String> options() {
            return Map.of("samples", String.valueOf(samples()), "state-sizes", String.valueOf(sizes));
        }
    }

    /** What perplexity hides. */
    @Command(
            name = "recall",
            description = "What perplexity hides: associative recall, copying and a needle in a text, by distance, for"
                    + " the teacher and a distilled student.")
    static final class Recall extends Common {
        @Override
        Study study() {
            return new RecallStudy();
        }
    }

    /** What each stage is worth. */
    @Command(
            name = "stages",
            description = "What each stage is worth at equal tokens, as the paper's Table 2: full student, hybrid, and"
                    + " attention into fresh attention, with each initialization.")
    static final class Stages extends Common {
        @Override
        Study study() {
            return new StagesStudy();
        }

        /** Half as long as others: there are 28 runs. */
        @Override
        DistillConfig.Builder quick(DistillConfig.Builder config) {
            return super.quick(config).tokens(1024);
        }
    }

    /** What the structure of the mixing matrix is worth. */
    @Command(
            name = "structures",
            description = "What the structure of the mixing matrix is worth, as the paper's Table 4: the whole pipeline"
                    + " with several mixers.")
    static final class Structures extends Common {
        @Option(names = "--mixer", paramLabel = "NAME", description = "one more mixer; again for more")
        private List<String> mixers = List.of();

        @Override
        Study study() {
            return new StructuresStudy(mixers);
        }

        @Override
        Map<String, String> options() {
            return mixers.isEmpty() ? Map.of() : Map.of("mixer", String.join(",", mixers));
        }
    }
}
