package org.mohawk4j.examples;

import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/**
 * The {@code mohawk} command, which dispatches to its subcommands.
 *
 * <p>Exit codes: 0 for success, 2 for bad usage or bad input, 1 for anything else.
 */
@Command(
        name = "mohawk",
        description = "Distils Transformers into models with other sequence mixers (MOHAWK, arXiv 2408.10189).",
        mixinStandardHelpOptions = true,
        versionProvider = Version.class,
        synopsisSubcommandLabel = "COMMAND")
public final class Mohawk implements Runnable {
    @Spec
    private CommandSpec spec;

    private Mohawk() {}

    /** Runs the command line and exits with its code. */
    public static void main(String[] args) {
        System.exit(new CommandLine(new Mohawk()).execute(args));
    }

    @Override
    public void run() {
        throw new ParameterException(spec.commandLine(), "Missing required subcommand");
    }
}
