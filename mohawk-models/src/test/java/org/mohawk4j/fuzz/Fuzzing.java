package org.mohawk4j.fuzz;

import static org.assertj.core.api.Assertions.fail;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.SplittableRandom;
import org.mohawk4j.InvalidInputException;
import org.mohawk4j.io.InputFile;

/**
 * Feeds a reader damaged files for some seconds, and fails at the first that ends otherwise than being read or refused,
 * or takes longer than {@link #LONGEST}. Input i depends on {@code mohawk.fuzz.seed} and i alone: a failure names both,
 * and {@code -Dmohawk.fuzz.first=i} begins there. {@code -Dmohawk.fuzz.seconds} is for all readers together.
 */
final class Fuzzing {
    private static final Duration LONGEST = Duration.ofSeconds(5);
    private static final int LONGEST_LINE = 700;

    /** The four in this module, and the one of token files. */
    private static final int READERS = 5;

    private final long seed = Long.getLong("mohawk.fuzz.seed", 20_261_124);
    private final long first = Long.getLong("mohawk.fuzz.first", 0);
    private final Duration time =
            Duration.ofSeconds(Long.getLong("mohawk.fuzz.seconds", 5)).dividedBy(READERS);

    /** How many inputs were read and how many refused; a test that only ever sees one of them tests little. */
    record Tally(long read, long refused) {}

    /** Makes an input. */
    @FunctionalInterface
    interface Maker {
        void make(SplittableRandom random) throws IOException;
    }

    /**
     * @param maker writes the next input where the reader finds it
     * @param reader throws {@link InvalidInputException} if it refuses it
     * @param kept the folder of the input, named in a failure
     */
    Tally run(Maker maker, Runnable reader, Path kept) throws IOException {
        long read = 0;
        long refused = 0;
        long end = System.nanoTime() + time.toNanos();
        for (long i = first; System.nanoTime() < end; i++) {
            maker.make(new SplittableRandom(seed + i * 0x9e3779b97f4a7c15L));
            long start = System.nanoTime();
            try {
                reader.run();
                read++;
            } catch (InvalidInputException e) {
                refused++;
                if (e.getMessage().length() > LONGEST_LINE
                        || e.getMessage().lines().count() != 1) {
                    fail(what(i, kept) + ": expected one short line, found " + InputFile.quote(e.getMessage()));
                }
            } catch (RuntimeException | Error e) {
                fail(what(i, kept) + ": expected to be read or refused", e);
            }
            if (System.nanoTime() - start > LONGEST.toNanos()) {
                fail(what(i, kept) + " took longer than " + LONGEST);
            }
        }
        return new Tally(read, refused);
    }

    private String what(long i, Path kept) throws IOException {
        Path copy = Files.createDirectories(Path.of("target", "fuzz", seed + "-" + i));
        try (var files = Files.list(kept)) {
            for (Path file : files.filter(Files::isRegularFile).toList()) {
                Files.write(copy.resolve(file.getFileName()), Files.readAllBytes(file));
            }
        }
        return "input " + i + " of seed " + seed + ", kept in " + copy;
    }
}
