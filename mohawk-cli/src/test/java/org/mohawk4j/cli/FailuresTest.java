package org.mohawk4j.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.io.UncheckedIOException;
import java.util.concurrent.Callable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.mohawk4j.InvalidInputException;
import org.mohawk4j.StorageException;
import org.mohawk4j.backend.DeviceMemoryException;
import org.mohawk4j.train.loop.TrainingException;
import picocli.CommandLine;
import picocli.CommandLine.Command;

class FailuresTest {
    @Command(name = "try")
    private record Trial(Callable<Integer> body) implements Callable<Integer> {
        @Override
        public Integer call() throws Exception {
            return body.call();
        }
    }

    @AfterEach
    void forgetTheLogLevel() {
        System.clearProperty("org.slf4j.simpleLogger.defaultLogLevel");
    }

    private static CommandRun run(boolean verbose, Callable<Integer> body) {
        StringWriter out = new StringWriter();
        return run(new PrintWriter(out), out, verbose, body);
    }

    private static CommandRun run(PrintWriter printed, StringWriter out, boolean verbose, Callable<Integer> body) {
        StringWriter err = new StringWriter();
        int exitCode = new CommandLine(new Trial(body))
                .setOut(printed)
                .setErr(new PrintWriter(err))
                .setExecutionStrategy(new Failures(() -> verbose))
                .execute();
        return new CommandRun(exitCode, out.toString(), err.toString());
    }

    private static CommandRun failing(Throwable failure) {
        return run(false, () -> {
            if (failure instanceof Error error) {
                throw error;
            }
            throw (Exception) failure;
        });
    }

    @Test
    void outputThatIsLostIsAFailure() {
        PrintWriter lost = new PrintWriter(new StringWriter());
        lost.close();
        CommandRun run = run(lost, new StringWriter(), false, () -> {
            lost.println("what nobody sees");
            return 0;
        });
        assertThat(run.exitCode()).isEqualTo(1);
        assertThat(run.err()).isEqualToIgnoringNewLines("try: standard output: cannot be written to the end");
    }

    @Test
    void badInputIsExitCodeTwo() {
        CommandRun run = failing(new InvalidInputException("context: expected less"));
        assertThat(run.exitCode()).isEqualTo(2);
        assertThat(run.err()).isEqualToIgnoringNewLines("try: context: expected less");
    }

    @Test
    void aTrainingThatCannotGoOnIsExitCodeOne() {
        CommandRun run = failing(new TrainingException("the loss is NaN"));
        assertThat(run.exitCode()).isEqualTo(1);
        assertThat(run.err()).isEqualToIgnoringNewLines("try: the loss is NaN");
    }

    @Test
    void aGpuWithoutRoomIsOneLineAndNoUsageError() {
        CommandRun run = failing(new DeviceMemoryException("out of GPU memory: FLOAT32 [3, 5]"));

        assertThat(run.exitCode()).isEqualTo(1);
        assertThat(run.err()).isEqualTo("try: out of GPU memory: FLOAT32 [3, 5]" + System.lineSeparator());
    }

    @Test
    void aFullDiskIsExitCodeOneAndNamesTheFile() {
        CommandRun run = failing(new StorageException("x: cannot be written: no space", new IOException()));
        assertThat(run.exitCode()).isEqualTo(1);
        assertThat(run.err()).isEqualToIgnoringNewLines("try: x: cannot be written: no space");
    }

    @Test
    void theUnexpectedIsOneLineWithItsCause() {
        CommandRun run = failing(new UncheckedIOException("cannot write x", new IOException("no space\nleft")));
        assertThat(run.exitCode()).isEqualTo(1);
        assertThat(run.err().lines()).hasSize(1);
        assertThat(run.err())
                .startsWith("try: cannot write x: unexpected IOException: no space left; run again with --verbose");
    }

    @Test
    void runningOutOfMemoryIsOneLine() {
        CommandRun run = failing(new OutOfMemoryError("Java heap space"));
        assertThat(run.exitCode()).isEqualTo(1);
        assertThat(run.err())
                .startsWith("try: out of memory: Java heap space; run again")
                .hasLineCount(1);
    }

    @Test
    void verboseShowsTheStackTrace() {
        CommandRun run = run(true, () -> {
            throw new InvalidInputException("wrong");
        });
        assertThat(run.exitCode()).isEqualTo(2);
        assertThat(run.err()).startsWith("try: wrong").contains("\tat org.mohawk4j.cli.FailuresTest");
    }
}
