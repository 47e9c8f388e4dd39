package org.mohawk4j.cli;

import java.io.PrintWriter;
import java.io.UncheckedIOException;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.function.BooleanSupplier;
import org.mohawk4j.InvalidInputException;
import org.mohawk4j.StorageException;
import org.mohawk4j.backend.DeviceMemoryException;
import org.mohawk4j.train.loop.TrainingException;
import picocli.CommandLine;
import picocli.CommandLine.ExecutionException;
import picocli.CommandLine.ExitCode;
import picocli.CommandLine.IExecutionStrategy;
import picocli.CommandLine.IParameterExceptionHandler;
import picocli.CommandLine.MissingParameterException;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.ParseResult;
import picocli.CommandLine.RunLast;
import picocli.CommandLine.UnmatchedArgumentException;

/** Runs a command, and turns whatever goes wrong into one line on standard error and an exit code. */
final class Failures implements IExecutionStrategy, IParameterExceptionHandler {
    private static final List<String> VERBOSE = List.of("-v", "--verbose");

    private final BooleanSupplier verbose;

    Failures(BooleanSupplier verbose) {
        this.verbose = verbose;
    }

    @Override
    public int execute(ParseResult parsed) {
        if (verbose.getAsBoolean()) {
            // Read when the first logger is made, which is after this.
            System.setProperty("org.slf4j.simpleLogger.defaultLogLevel", "info");
        }
        CommandLine command =
                parsed.asCommandLineList().get(parsed.asCommandLineList().size() - 1);
        try {
            int code = new RunLast().execute(parsed);
            return command.getOut().checkError()
                    ? failed(command, new StorageException("standard output: cannot be written to the end"))
                    : code;
        } catch (ExecutionException e) {
            return failed(command, e.getCause() == null ? e : e.getCause());
        } catch (Error e) {
            return failed(command, e);
        }
    }

    @Override
    public int handleParseException(ParameterException e, String[] args) {
        CommandLine command = e.getCommandLine();
        String message =
                unknown(e).map(found -> unmatched(command, found)).orElseGet(() -> String.valueOf(e.getMessage()));
        report(
                command,
                message.substring(0, 1).toLowerCase(Locale.ROOT) + message.substring(1) + " (see "
                        + command.getCommandSpec().qualifiedName() + " --help)",
                e,
                Arrays.stream(args).anyMatch(VERBOSE::contains));
        return ExitCode.USAGE;
    }

    /** An option that is missing may be there misspelled, which picocli would tell of later. */
    private static Optional<UnmatchedArgumentException> unknown(ParameterException e) {
        if (e instanceof UnmatchedArgumentException unmatched) {
            return Optional.of(unmatched);
        }
        List<String> rest = e.getCommandLine().getUnmatchedArguments();
        return e instanceof MissingParameterException
                        && !rest.isEmpty()
                        && rest.get(0).startsWith("-")
                ? Optional.of(new UnmatchedArgumentException(e.getCommandLine(), rest))
                : Optional.empty();
    }

    private static String unmatched(CommandLine command, UnmatchedArgumentException e) {
        String first = e.getUnmatched().get(0);
        String message = command.getSubcommands().isEmpty() || first.startsWith("-")
                ? String.valueOf(e.getMessage())
                : "expected one of "
                        + String.join(", ", command.getSubcommands().keySet()) + ", got '" + first + "'";
        return e.getSuggestions().isEmpty()
                ? message
                : message + ", did you mean " + String.join(" or ", e.getSuggestions()) + "?";
    }

    private int failed(CommandLine command, Throwable failure) {
        boolean expected = failure instanceof InvalidInputException
                || failure instanceof StorageException
                || failure instanceof DeviceMemoryException
                || failure instanceof TrainingException;
        report(
                command,
                expected
                        ? String.valueOf(failure.getMessage())
                        : describe(failure) + "; run again with --verbose for details",
                failure,
                verbose.getAsBoolean());
        return failure instanceof InvalidInputException ? ExitCode.USAGE : ExitCode.SOFTWARE;
    }

    /**
     * The deepest cause says most: what lies above it tells where it was noticed. But what cannot be read or written is
     * named by who noticed.
     */
    private static String describe(Throwable failure) {
        Throwable cause = failure;
        while (cause.getCause() != null) {
            cause = cause.getCause();
        }
        String message = cause.getMessage() == null ? "" : ": " + cause.getMessage();
        String place = failure instanceof UncheckedIOException && failure.getMessage() != null
                ? failure.getMessage() + ": "
                : "";
        return cause instanceof OutOfMemoryError
                ? "out of memory" + message
                : place + "unexpected " + cause.getClass().getSimpleName() + message;
    }

    private static void report(CommandLine command, String message, Throwable failure, boolean withTrace) {
        PrintWriter err = command.getErr();
        command.getOut().flush();
        err.println(command.getCommandSpec().qualifiedName() + ": " + message.replaceAll("\\s*\\R\\s*", " "));
        if (withTrace) {
            failure.printStackTrace(err);
        }
        err.flush();
    }
}
