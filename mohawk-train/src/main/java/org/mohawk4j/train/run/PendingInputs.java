package org.mohawk4j.train.run;

import java.nio.file.Path;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.function.Supplier;
import org.mohawk4j.InvalidInputException;
import org.mohawk4j.train.config.DistillConfig;

/** {@link RunInputs} that are read behind whatever else goes on, on a thread that ends with the program. */
public final class PendingInputs implements Supplier<RunInputs> {
    private final FutureTask<RunInputs> task;

    /** Begins to read. */
    public PendingInputs(Path teacher, DistillConfig config) {
        task = new FutureTask<>(() -> RunInputs.of(teacher, config));
        Thread thread = new Thread(task, "mohawk-inputs");
        thread.setDaemon(true);
        thread.start();
    }

    /**
     * Waits until all is read.
     *
     * @throws InvalidInputException if a file could not be
     */
    @Override
    public RunInputs get() {
        try {
            return task.get();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException("interrupted while the run's files were read", e);
        } catch (ExecutionException e) {
            if (e.getCause() instanceof InvalidInputException refusal) {
                throw refusal;
            }
            throw new IllegalStateException("the run's files could not be read", e.getCause());
        }
    }
}
