package org.mohawk4j.train.run;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import java.util.function.Supplier;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.mohawk4j.InvalidInputException;
import org.mohawk4j.StorageException;
import org.mohawk4j.io.AtomicFile;
import org.mohawk4j.io.Folders;
import org.mohawk4j.io.InputFile;
import org.mohawk4j.train.config.DistillConfig;
import org.mohawk4j.train.config.DistillConfigYaml;
import org.mohawk4j.train.metrics.MetricsWriter;
import org.mohawk4j.train.metrics.StepMetrics;

/**
 * The folder of a run: {@code config.yaml}, {@code inputs.json}, {@code metrics.jsonl}, {@code statistics.jsonl}, {@code
 * faults.jsonl} if there were any, {@code checkpoints/} if there was time for one, {@code student/} and {@code report/}.
 *
 * <ul>
 *   <li>{@link #existing} finds the folder of a run that is to go on.
 *   <li>{@link #at} looks and touches nothing, so that a run refused for its input leaves nothing behind.
 *   <li>{@link #begin} makes the folder, with {@code inputs.json} and {@code config.yaml}. From then on everything stays,
 *       even if the run fails later: after days of training, what there is of the metrics is worth having. A run that goes
 *       on cuts metrics, statistics and faults off behind its checkpoint.
 *   <li>{@code student/} and {@code report/} appear when they are complete, by renaming; a {@code student/} that is
 *       there is whole and is what the training came to, and a failed or killed run has none or its last whole one.
 *   <li>From {@link #begin} or {@link #existing} until it is closed the folder is locked against other writers.
 *   <li>{@code config.yaml} begins with a {@link #comment}: a program may give a run a teacher, texts and mixers that no
 *       configuration holds.
 * </ul>
 */
public final class RunFolder implements AutoCloseable {
    private static final String LOCK = ".lock";
    private static final String COMMENT = "# ";
    private static final String OF_PROGRAM =
            "The configuration of this run. A program gave it its teacher, texts or mixers, which it does not hold.";

    /** What a run that was killed while it began may have left. */
    private static final Pattern REMAINS =
            Pattern.compile("\\.lock|\\.(config\\.yaml|inputs\\.json)\\..*|inputs\\.json");

    private final Path path;
    private final boolean follows;
    private boolean followsBegun;
    private @Nullable RunLock lock;
    private @Nullable Supplier<RunInputs> inputs;
    private MixerValues mixers = MixerValues.UNKNOWN;
    private boolean acceptsChanges;
    private @Nullable DistillConfig next;
    private boolean changed;
    private String comment = OF_PROGRAM;

    private RunFolder(Path path, boolean follows) {
        this.path = path;
        this.follows = follows;
    }

    /** Writes the contents of a folder. */
    @FunctionalInterface
    public interface Contents {
        /** Writes into {@code folder}, which exists and is empty. */
        void writeTo(Path folder) throws IOException;
    }

    /**
     * A folder to be, checked.
     *
     * @throws InvalidInputException if there is a file, a folder that is not empty, or no permission to make one
     */
    public static RunFolder at(Path out) {
        RunFolder folder = new RunFolder(out, false);
        folder.check();
        return folder;
    }

    /**
     * The folder of a run that was begun, locked.
     *
     * @throws InvalidInputException if it is none, or another process writes to it
     */
    public static RunFolder existing(Path path) {
        RunFolder folder = new RunFolder(path, false);
        if (!Files.isRegularFile(folder.config())) {
            throw new InvalidInputException("run " + path + ": expected a run folder with its config.yaml, found "
                    + (Files.isDirectory(path) ? "none in it" : Files.exists(path) ? "a file" : "nothing there"));
        }
        folder.lock();
        try {
            String text = Files.readString(folder.config());
            if (text.startsWith(COMMENT)) {
                folder.comment = text.lines().findFirst().orElse("").substring(COMMENT.length());
            }
        } catch (IOException e) {
            folder.close();
            throw InputFile.unreadable(folder.config(), e);
        }
        return folder;
    }

    /**
     * The folder of a run that another rank writes, not to be touched by this one.
     *
     * @param begun whether the other rank has found it to be begun
     */
    public static RunFolder followed(Path path, boolean begun) {
        RunFolder folder = new RunFolder(path, true);
        folder.followsBegun = begun;
        return folder;
    }

    private void lock() {
        lock = RunLock.acquire(path, path.resolve(LOCK));
    }

    /** Whether the folder is there, with its configuration. */
    public boolean hasBegun() {
        return follows ? followsBegun : lock != null;
    }

    private void check() {
        if (Files.exists(path) && !Files.isDirectory(path)) {
            throw new InvalidInputException("out " + path + ": expected a new or empty folder, found a file");
        }
        if (Files.isDirectory(path)) {
            try (Stream<Path> files = Files.list(path)) {
                Stream<Path> others = files.filter(
                        file -> !REMAINS.matcher(file.getFileName().toString()).matches());
                others.findFirst().ifPresent(file -> {
                    throw new InvalidInputException(
                            "out " + path + ": expected a new or empty folder, found " + file.getFileName() + " in it");
                });
            } catch (IOException e) {
                throw new InvalidInputException("out " + path + ": expected a readable folder, found " + e, e);
            }
        }
        Folders.requireWritable(path);
    }

    /** Says what the run reads, for {@link #writeChanges}. Asked for then, so that it may be found out until then. */
    public void reads(Supplier<RunInputs> found) {
        inputs = found;
    }

    /** What the run reads, if it was said. */
    public Optional<Supplier<RunInputs>> inputs() {
        return Optional.ofNullable(inputs);
    }

    /** Says which mixers the student has, for {@link #writeChanges}. */
    public void trains(MixerValues student) {
        mixers = student;
    }

    /** The student's mixers, as far as it was said. */
    MixerValues mixers() {
        return mixers;
    }

    /** Says that the run goes on with whatever has changed. */
    public void acceptChanges() {
        acceptsChanges = true;
    }

    public boolean acceptsChanges() {
        return acceptsChanges;
    }

    /** Says that the run goes on with something else than {@code student/} was trained with. */
    public void hasChanged() {
        changed = true;
    }

    /** Whether {@code student/} is what the training of the run as it is now came to. */
    public boolean isTrained() {
        return hasBegun() && !changed && Files.isDirectory(student());
    }

    /** Drops a {@code student/} that is of something else, before anything says that it is not. */
    public void dropStaleStudent() {
        if (changed) {
            try {
                Folders.delete(student());
            } catch (IOException e) {
                throw InputFile.unwritable(student(), e);
            }
        }
    }

    /** Says what stands above the values in {@code config.yaml}, in one line. */
    public void comment(String line) {
        comment = line;
    }

    /** Writes {@code inputs.json} as a whole, in the place of an earlier one, if it was said what the run reads. */
    private void writeInputs() {
        if (inputs != null) {
            AtomicFile.write(inputsFile(), inputs.get().with(mixers).format().getBytes(StandardCharsets.UTF_8));
        }
    }

    /**
     * Makes the folder and writes {@code inputs.json} and {@code config.yaml}. To be called when nothing can be refused any more, best after the
     * first training step.
     *
     * @throws InvalidInputException if the folder cannot be made, or something was put there meanwhile
     * @throws StorageException if the disk refuses
     */
    public void begin(DistillConfig config) {
        if (follows) {
            followsBegun = true;
            return;
        }
        check();
        try {
            Files.createDirectories(path);
            lock();
            check();
            writeInputs();
            writeConfig(config);
        } catch (IOException e) {
            throw InputFile.unwritable(path, e);
        }
    }

    /** Says which configuration a resumed run has from now on, for {@link #writeChanges}. */
    public void replaceConfig(DistillConfig config) {
        next = config;
    }

    /** Writes what a resumed run reads, and its configuration if that has changed: when nothing can be refused any more. */
    void writeChanges() {
        writeInputs();
        if (next != null) {
            writeConfig(next);
        }
    }

    private void writeConfig(DistillConfig config) {
        String text = COMMENT + comment + "\n" + DistillConfigYaml.format(config);
        AtomicFile.write(config(), text.getBytes(StandardCharsets.UTF_8));
    }

    /**
     * What the run was begun with; empty if it does not say.
     *
     * @throws InvalidInputException if {@code inputs.json} is damaged
     */
    public Optional<RunInputs> readInputs() {
        if (!Files.exists(inputsFile())) {
            return Optional.empty();
        }
        try {
            return Optional.of(RunInputs.parse(inputsFile().toString(), Files.readString(inputsFile())));
        } catch (IOException e) {
            throw InputFile.unreadable(inputsFile(), e);
        }
    }

    private Path inputsFile() {
        return path.resolve("inputs.json");
    }

    /** The folder itself. */
    public Path path() {
        return path;
    }

    /** The student: configuration, weights, tokenizer. */
    public Path student() {
        return path.resolve("student");
    }

    /** Every value of the run. */
    public Path config() {
        return path.resolve("config.yaml");
    }

    /** One JSON object per training step; see {@link StepMetrics}. */
    public Path metrics() {
        return path.resolve("metrics.jsonl");
    }

    /** Statistics of parameters, gradients, updates and activations: JSON lines. */
    public Path statistics() {
        return path.resolve("statistics.jsonl");
    }

    /** One JSON object per step that was not trained on, if there were any. */
    public Path faults() {
        return path.resolve("faults.jsonl");
    }

    /** What the run can go on from. */
    public Path checkpoints() {
        return path.resolve("checkpoints");
    }

    /** The report; its page is {@code index.html}. */
    public Path report() {
        return path.resolve("report");
    }

    /**
     * Checks that a student has a chance to be written, since training it for nothing would be a pity.
     *
     * @param bytes of the student
     * @throws StorageException if there is less room on the disk
     */
    public void requireRoom(long bytes) {
        try {
            long room = Files.getFileStore(Folders.nearestOf(path)).getUsableSpace();
            if (room < bytes) {
                throw new StorageException(
                        "out " + path + ": expected room for the student's " + bytes + " bytes, found " + room);
            }
        } catch (IOException e) {
            throw InputFile.unwritable(path, e);
        }
    }

    /**
     * Writes {@code student/} as a whole, in the place of an earlier one.
     *
     * @throws StorageException if the disk refuses; the earlier one is there then
     */
    public void writeStudent(Contents contents) {
        write(student(), contents);
    }

    /**
     * Writes {@code report/} as a whole, in the place of an earlier one.
     *
     * @throws StorageException if the disk refuses; the earlier one is there then
     */
    public void writeReport(Contents contents) {
        write(report(), contents);
    }

    private void write(Path target, Contents contents) {
        try {
            WholeFolder.replace(target, contents);
        } catch (IOException e) {
            throw InputFile.unwritable(target, e);
        }
    }

    /** A writer of {@link #metrics}, which must not exist yet. */
    public MetricsWriter openMetrics() {
        try {
            return new MetricsWriter(metrics());
        } catch (IOException e) {
            throw InputFile.unwritable(metrics(), e);
        }
    }

    /** Unlocks the folder. */
    @Override
    public void close() {
        if (lock != null) {
            lock.close();
            lock = null;
        }
    }
}
