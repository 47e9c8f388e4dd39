package org.mohawk4j.dl4j.command;

import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Locale;
import org.mohawk4j.InvalidInputException;
import org.mohawk4j.UserHome;
import org.mohawk4j.dl4j.examples.AssociativeRecall;
import org.mohawk4j.dl4j.examples.DistilledAttention;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.ExitCode;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.ScopeType;

/**
 * What {@code ./mohawk} runs from this module, so that its other commands need no DL4J. Exit codes: 0 for success, 2 for
 * bad usage or bad input, 1 for anything else.
 */
@Command(
        name = "mohawk",
        mixinStandardHelpOptions = true,
        scope = ScopeType.INHERIT,
        usageHelpAutoWidth = true,
        subcommands = UiCommand.class)
public final class MohawkDl4j {
    private MohawkDl4j() {}

    /** Runs the command line and exits with its code. */
    public static void main(String[] args) {
        UserHome.repair();
        // Whether natives fit together is JavaCPP's to say in the log, where simplelogger.properties judges it.
        System.setProperty("org.bytedeco.javacpp.logger", "slf4j");
        // Libraries speak up only when something is wrong.
        System.setProperty("org.slf4j.simpleLogger.defaultLogLevel", "warn");
        System.exit(commandLine()
                .setOut(new PrintWriter(System.out, true, StandardCharsets.UTF_8))
                .setErr(new PrintWriter(System.err, true, StandardCharsets.UTF_8))
                .execute(args));
    }

    /** The command line, ready to execute. */
    static CommandLine commandLine() {
        CommandLine commandLine = new CommandLine(new MohawkDl4j())
                .setExpandAtFiles(false)
                .setParameterExceptionHandler(MohawkDl4j::refuse)
                .registerConverter(Path.class, word -> Path.of(UserHome.expand(word)));
        return commandLine.setExecutionExceptionHandler((failure, command, parsed) -> {
            String name = command.getCommandSpec().qualifiedName();
            if (failure instanceof InvalidInputException) {
                command.getErr().println(name + ": " + failure.getMessage());
                return ExitCode.USAGE;
            }
            command.getErr().println(name + ": unexpected " + failure.getClass().getSimpleName());
            failure.printStackTrace(command.getErr());
            return ExitCode.SOFTWARE;
        });
    }

    /** One line, as the other commands say it. */
    private static int refuse(ParameterException e, String[] arguments) {
        String name = e.getCommandLine().getCommandSpec().qualifiedName();
        String message = String.valueOf(e.getMessage()).replaceAll("\\s*\\R\\s*", " ");
        String begun = message.substring(0, 1).toLowerCase(Locale.ROOT) + message.substring(1);
        e.getCommandLine().getErr().println(name + ": " + begun + " (see " + name + " --help)");
        return ExitCode.USAGE;
    }

    @Command(
            name = "dl4j-recall",
            description = "Example: DL4J networks with Mamba-2 and with attention learn associative recall.")
    void recall() {
        AssociativeRecall.main(new String[0]);
    }

    @Command(
            name = "dl4j-distill",
            description = "Example: a Mamba-2 layer of a DL4J network learns from DL4J's attention in another.")
    void distill() {
        DistilledAttention.main(new String[0]);
    }
}
