package org.mohawk4j.dl4j.command;

import java.nio.file.Path;
import java.util.concurrent.CountDownLatch;
import org.jspecify.annotations.Nullable;
import org.mohawk4j.dl4j.ui.TrainingUi;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Shows a run in DL4J's training UI. */
@Command(
        name = "ui",
        description = "Shows a run, live or finished, in DL4J's training UI, on this machine alone, until it is"
                + " interrupted. Each stage is a session, to be chosen at the top right.")
final class UiCommand implements Runnable {
    @Spec
    private CommandSpec spec;

    @Parameters(paramLabel = "RUN_DIR", description = "The folder of a run, as distill writes it.")
    private @Nullable Path run;

    @Option(
            names = "--port",
            defaultValue = "9000",
            paramLabel = "PORT",
            description = "Where to listen; 0 for any free port. Default: ${DEFAULT-VALUE}.")
    private int port;

    @Override
    public void run() {
        if (run == null) {
            throw new IllegalStateException("picocli has seen to RUN_DIR");
        }
        try (TrainingUi ui = TrainingUi.open(run, port)) {
            spec.commandLine().getOut().println("ui        " + ui.address() + " (Ctrl-C ends it)");
            spec.commandLine().getOut().flush();
            new CountDownLatch(1).await();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
