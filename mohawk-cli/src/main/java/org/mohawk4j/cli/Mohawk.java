package org.mohawk4j.cli;

import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.function.Function;
import org.mohawk4j.UserHome;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.ScopeType;
import picocli.CommandLine.Spec;
import picocli.CommandLine.TypeConversionException;

/**
 * The {@code mohawk} command, which dispatches to its subcommands.
 *
 * <p>Exit codes: 0 for success, 2 for bad usage or bad input, 1 for anything else.
 */
@Command(
        name = "mohawk",
        description = "Distills Transformers into models with other sequence mixers (MOHAWK, arXiv 2408.10189).",
        mixinStandardHelpOptions = true,
        versionProvider = Version.class,
        scope = ScopeType.INHERIT,
        sortOptions = false,
        usageHelpAutoWidth = true,
        synopsisSubcommandLabel = "COMMAND",
        subcommands = {
            DistillCommand.class,
            EvaluateCommand.class,
            ExportCommand.class,
            GenerateCommand.class,
            InspectCommand.class,
            MixersCommand.class,
            ParityCommand.class,
            PlanCommand.class,
            ServeCommand.class,
            StudyCommand.class,
            TokenizeCommand.class
        })
public final class Mohawk implements Runnable {
    @Spec
    private CommandSpec spec;

    @Option(
            names = {"-v", "--verbose"},
            scope = ScopeType.INHERIT,
            description = "Log what happens, and show the stack trace of an error.")
    private boolean verbose;

    private Mohawk() {}

    /** Runs the command line and exits with its code. */
    public static void main(String[] args) {
        UserHome.repair();
        // Whether natives fit together is JavaCPP's to say in the log, where simplelogger.properties judges it.
        System.setProperty("org.bytedeco.javacpp.logger", "slf4j");
        // The JDK's HTTP server reads these once: a client that has not sent its request after twenty seconds is let go
        // of, and small answers are sent at once.
        System.setProperty("sun.net.httpserver.maxReqTime", "20");
        System.setProperty("sun.net.httpserver.nodelay", "true");
        System.exit(commandLine()
                .setOut(new PrintWriter(System.out, true, StandardCharsets.UTF_8))
                .setErr(new PrintWriter(System.err, true, StandardCharsets.UTF_8))
                .execute(args));
    }

    /** The command line, ready to execute. */
    static CommandLine commandLine() {
        Mohawk mohawk = new Mohawk();
        Failures failures = new Failures(() -> mohawk.verbose);
        CommandLine commandLine = new CommandLine(mohawk);
        // Not in the annotation, from where every command would inherit it.
        commandLine
                .getCommandSpec()
                .usageMessage()
                .footer("%n./mohawk ui RUN_DIR shows a run in DL4J's training UI, which is downloaded on first use.");
        ITypeConverter<Integer> ints = number(Integer::valueOf, "a whole number up to " + Integer.MAX_VALUE);
        ITypeConverter<Long> longs = number(Long::valueOf, "a whole number");
        ITypeConverter<Double> doubles = number(Double::valueOf, "a number");
        return commandLine
                .setExecutionStrategy(failures)
                .setParameterExceptionHandler(failures)
                .setExpandAtFiles(false)
                .registerConverter(int.class, ints)
                .registerConverter(Integer.class, ints)
                .registerConverter(long.class, longs)
                .registerConverter(Long.class, longs)
                .registerConverter(double.class, doubles)
                .registerConverter(Double.class, doubles)
                .registerConverter(Path.class, word -> Path.of(UserHome.expand(word)))
                .setCaseInsensitiveEnumValuesAllowed(true);
    }

    private static <T> ITypeConverter<T> number(Function<String, T> parse, String expected) {
        return word -> {
            try {
                return parse.apply(word);
            } catch (NumberFormatException e) {
                throw new TypeConversionException("expected " + expected + ", got '" + word + "'");
            }
        };
    }

    @Override
    public void run() {
        throw new ParameterException(
                spec.commandLine(),
                "missing command: expected one of "
                        + String.join(", ", spec.subcommands().keySet()));
    }
}
