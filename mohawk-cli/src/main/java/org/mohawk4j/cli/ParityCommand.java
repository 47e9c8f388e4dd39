package org.mohawk4j.cli;

import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.concurrent.Callable;
import org.mohawk4j.InvalidInputException;
import org.mohawk4j.cli.option.ConfigOptions;
import org.mohawk4j.tensor.Engine;
import org.mohawk4j.train.config.DistillConfig;
import org.mohawk4j.train.parity.GoldenParity;
import picocli.CommandLine.Command;
import picocli.CommandLine.ExitCode;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Compares this build with what another implementation computed. */
@Command(
        name = "parity",
        description = "Compares this build with golden data: forward passes, losses, gradients and optimizer steps."
                + " Exits with 1 beyond the tolerance.",
        modelTransformer = ConfigOptions.Machine.class)
final class ParityCommand implements Callable<Integer> {
    private static final double DOUBLE_TOLERANCE = 1e-5;
    private static final double FLOAT_TOLERANCE = 1e-3;

    /** Small tensors' gradients are differences of nearly equal terms, each rounded to three digits. */
    private static final double BFLOAT16_TOLERANCE = 2e-1;

    @Spec
    private CommandSpec spec;

    @Parameters(paramLabel = "DIR", description = "a folder with the layout of src/test/golden")
    @SuppressWarnings("NullAway.Init") // picocli refuses the command line without it
    private Path folder;

    @Option(
            names = "--tolerance",
            paramLabel = "X",
            description = "relative error allowed (default: " + FLOAT_TOLERANCE + " in float, " + BFLOAT16_TOLERANCE
                    + " in bf16, " + DOUBLE_TOLERANCE + " in double)")
    private Optional<Double> given = Optional.empty();

    @Override
    public Integer call() {
        DistillConfig machine = DistillConfig.defaults().with(ConfigOptions.given(spec));
        double tolerance = given.orElse(
                switch (machine.machine().dtype()) {
                    case DOUBLE -> DOUBLE_TOLERANCE;
                    case FLOAT -> FLOAT_TOLERANCE;
                    case BFLOAT16 -> BFLOAT16_TOLERANCE;
                });
        if (!(tolerance >= 0)) {
            throw new InvalidInputException("tolerance: expected a number of at least 0, got " + tolerance);
        }
        try (Engine engine = machine.machine().open()) {
            return report(new GoldenParity(engine, folder).run(), tolerance);
        }
    }

    private int report(List<GoldenParity.FileResult> results, double tolerance) {
        PrintWriter out = spec.commandLine().getOut();
        double worst = 0;
        int beyond = 0;
        for (GoldenParity.FileResult result : results) {
            boolean within = result.error() <= tolerance;
            out.printf(
                    Locale.ROOT,
                    "%-40s %4d tensors, worst %.2e%s %s%n",
                    result.file(),
                    result.tensors(),
                    result.error(),
                    within ? "" : " BEYOND TOLERANCE",
                    result.worstTensor());
            worst = Math.max(worst, result.error());
            beyond += within ? 0 : 1;
        }
        out.printf(
                Locale.ROOT,
                "files=%d beyond_tolerance=%d worst_relative_error=%.3e tolerance=%.1e%n",
                results.size(),
                beyond,
                worst,
                tolerance);
        return beyond == 0 ? ExitCode.OK : ExitCode.SOFTWARE;
    }
}
