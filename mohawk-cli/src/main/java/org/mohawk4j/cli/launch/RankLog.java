package org.mohawk4j.cli.launch;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;

/**
 * What a rank writes, appended to a file of the run folder. As long as there is no run, of which a refused one leaves nothing
 * behind, it is kept in memory.
 */
final class RankLog {
    /** Lines that are kept until the run has begun. */
    private static final int MOST_KEPT = 1_000;

    private final Path file;
    private final Path begun;
    private final Consumer<String> teller;
    private final Deque<String> kept = new ArrayDeque<>();
    private final Thread thread;
    private String last = "";
    private boolean isBroken;

    /**
     * Begins to read.
     *
     * @param file in a folder that is made when the run has begun
     * @param begun a file that is there then
     * @param teller is told once if the log cannot be written; the rank goes on without one
     */
    RankLog(InputStream output, Path file, Path begun, Consumer<String> teller) {
        this.teller = teller;
        this.file = file;
        this.begun = begun;
        thread = new Thread(() -> copy(output), "mohawk-rank-log");
        thread.setDaemon(true);
        thread.start();
    }

    Path file() {
        return file;
    }

    private void copy(InputStream output) {
        try (BufferedReader lines = new BufferedReader(new InputStreamReader(output, StandardCharsets.UTF_8))) {
            for (String line = lines.readLine(); line != null; line = lines.readLine()) {
                add(line);
            }
        } catch (IOException e) {
            // the process has ended, and the rest of what it said is lost with it
            add("the rest of the output cannot be read: " + e.getMessage());
        }
    }

    private synchronized void add(String line) {
        if (!line.isBlank()) {
            last = line.strip();
        }
        kept.add(line);
        if (kept.size() > MOST_KEPT) {
            kept.remove();
        }
        write();
    }

    private void write() {
        if (isBroken || kept.isEmpty() || !Files.exists(begun)) {
            return;
        }
        List<String> lines = new ArrayList<>(kept);
        kept.clear();
        try {
            Files.createDirectories(file.toAbsolutePath().getParent());
            Files.write(file, lines, StandardOpenOption.CREATE, StandardOpenOption.APPEND);
        } catch (IOException e) {
            isBroken = true;
            teller.accept("cannot write " + file + ": " + e.getMessage() + "; the rank goes on without a log");
        }
    }

    /** Waits until all is written. The last line; empty if there was none. */
    Optional<String> finish() throws InterruptedException {
        thread.join(2_000);
        synchronized (this) {
            write();
            return Optional.of(last).filter(line -> !line.isEmpty());
        }
    }
}
