package org.mohawk4j.train.checkpoint;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;
import org.mohawk4j.InvalidInputException;
import org.mohawk4j.StorageException;
import org.mohawk4j.io.AtomicFile;
import org.mohawk4j.io.Folders;
import org.mohawk4j.safetensors.SafetensorsWriter;
import org.mohawk4j.safetensors.TensorSpec;
import org.mohawk4j.tensor.types.HostSource;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The checkpoints of a run, a folder each. One is written beside its place, its files flushed to the disk, renamed, and
 * marked last; one that goes loses its mark first. So whenever the process or the machine ends, every marked folder is
 * whole, unless the disk itself lost something, which its hashes show.
 */
public final class CheckpointStore {
    private static final Logger LOG = LoggerFactory.getLogger(CheckpointStore.class);

    private final Path root;

    /** @param root the folder of the checkpoints' folders; made with the first of them */
    public CheckpointStore(Path root) {
        this.root = root;
    }

    /**
     * Writes a checkpoint in the place of an earlier one of the same position, and then drops all but the newest.
     *
     * @param beside files that the checkpoint refers to; flushed to the disk before it counts
     * @param keep how many stay, this one included
     * @throws IOException if the disk refuses; nothing of the checkpoint is left then, and the others are as they were
     */
    public void write(Snapshot snapshot, List<Path> beside, int keep) throws IOException {
        prepare(snapshot.position());
        ObjectNode manifest;
        try {
            manifest = writePart(snapshot);
        } catch (IOException e) {
            throw discard(snapshot.position(), e);
        }
        commit(snapshot.position(), manifest, beside, keep);
    }

    /** Makes room for a checkpoint that several ranks write: the first of three steps, taken by one of them. */
    public void prepare(Position position) throws IOException {
        try {
            Files.createDirectories(root);
            Folders.sync(root.resolve("..").normalize());
            Folders.delete(partial(position));
            Files.createDirectory(partial(position));
        } catch (IOException e) {
            throw discard(position, e);
        }
    }

    /**
     * Writes one rank's files of a checkpoint: the second step, taken by all ranks at the same time. State is written if the
     * snapshot has any.
     *
     * @return what the manifest says of the files
     * @throws IOException if the disk refuses; other ranks may still be writing, and what there is stays until {@link
     *     #discard}
     */
    public ObjectNode writePart(Snapshot snapshot) throws IOException {
        try {
            return fill(partial(snapshot.position()), snapshot);
        } catch (InvalidInputException | StorageException e) {
            // how the writers of files say that the disk refuses
            throw new IOException(e.getMessage(), e);
        }
    }

    /**
     * Makes a checkpoint count whose files are all written, as {@link #write}: the last step, taken by one rank.
     *
     * @param manifest what {@link #writePart} gave, of all ranks together
     */
    public void commit(Position position, ObjectNode manifest, List<Path> beside, int keep) throws IOException {
        Path target = folder(position);
        try {
            Manifest.write(partial(position), manifest);
            Folders.sync(partial(position));
            for (Path file : beside) {
                sync(file);
            }
            remove(target);
            Files.move(partial(position), target, StandardCopyOption.ATOMIC_MOVE);
            Folders.sync(root);
            Manifest.mark(target);
        } catch (StorageException e) {
            throw discard(position, new IOException(e.getMessage(), e));
        } catch (IOException e) {
            throw discard(position, e);
        }
        retain(keep);
    }

    private Path partial(Position position) {
        return root.resolve("." + position.folder() + ".partial");
    }

    private static ObjectNode fill(Path folder, Snapshot snapshot) throws IOException {
        List<String> files = new ArrayList<>();
        for (Map.Entry<String, Map<String, HostSource>> file : snapshot.files().entrySet()) {
            List<TensorSpec> specs = new ArrayList<>();
            file.getValue().forEach((name, tensor) -> specs.add(TensorSpec.of(name, tensor)));
            try (SafetensorsWriter writer =
                    SafetensorsWriter.create(folder.resolve(file.getKey()), specs, SafetensorsWriter.PYTORCH)) {
                file.getValue().forEach(writer::write);
                writer.commit();
            }
            files.add(file.getKey());
        }
        if (!snapshot.state().isEmpty()) {
            AtomicFile.write(
                    folder.resolve(Checkpoint.STATE),
                    snapshot.state().toPrettyString().getBytes(StandardCharsets.UTF_8));
            files.add(Checkpoint.STATE);
        }
        return Manifest.of(folder, files);
    }

    private static void sync(Path file) throws IOException {
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE)) {
            channel.force(true);
        }
    }

    /**
     * Drops what there is of a checkpoint that could not be written.
     *
     * @return the failure, with that of dropping it
     */
    public IOException discard(Position position, IOException failure) {
        try {
            discard(position);
        } catch (IOException e) {
            failure.addSuppressed(e);
        }
        return failure;
    }

    /** Drops what there is of a checkpoint that does not count. */
    public void discard(Position position) throws IOException {
        Folders.delete(partial(position));
        if (!Manifest.isMarked(folder(position))) {
            Folders.delete(folder(position));
        }
    }

    /** Drops all but the newest. */
    public void retain(int keep) throws IOException {
        List<Position> marked = marked();
        for (Position old : marked.subList(Math.min(keep, marked.size()), marked.size())) {
            remove(folder(old));
        }
    }

    private static void remove(Path folder) throws IOException {
        if (Files.deleteIfExists(folder.resolve(Manifest.MARKER))) {
            Folders.sync(folder);
        }
        Folders.delete(folder);
    }

    /**
     * The newest checkpoint that is whole. One that is damaged is logged by name and passed over.
     *
     * @return empty if there are none
     * @throws InvalidInputException if there are some and all are damaged
     */
    public Optional<Checkpoint> newest() {
        List<String> damaged = new ArrayList<>();
        for (Position position : marked()) {
            Optional<String> damage = Manifest.damage(folder(position));
            if (damage.isEmpty()) {
                return Optional.of(new Checkpoint(folder(position), position));
            }
            damaged.add(folder(position) + " is damaged: " + damage.get());
            LOG.warn("checkpoint {}; skipped", damaged.get(damaged.size() - 1));
        }
        if (!damaged.isEmpty()) {
            throw new InvalidInputException(root + ": expected a whole checkpoint, found "
                    + (damaged.size() == 1 ? "one, and " : damaged.size() + ", and ") + damaged.get(0));
        }
        return Optional.empty();
    }

    /** The checkpoint of a position, which another rank has found whole. */
    public Checkpoint at(Position position) {
        return new Checkpoint(folder(position), position);
    }

    /** Whether there is any checkpoint, whole or damaged. */
    public boolean isEmpty() {
        return marked().isEmpty();
    }

    /** The position of the newest, whole or damaged. */
    public Optional<Position> last() {
        return marked().stream().findFirst();
    }

    /**
     * Puts checkpoints aside, under another name, from which nobody is to go on: behind them no step was finite.
     *
     * @param from the first of them
     * @return their positions, the newest first
     */
    public List<Position> setAside(Position from) throws IOException {
        List<Position> spoilt = marked().stream()
                .filter(position -> position.compareTo(from) >= 0)
                .toList();
        for (Position position : spoilt) {
            putAside(folder(position), "not-finite-");
        }
        return spoilt;
    }

    private void putAside(Path folder, String prefix) throws IOException {
        Path aside = root.resolve(prefix + folder.getFileName());
        Folders.delete(aside);
        Files.move(folder, aside, StandardCopyOption.ATOMIC_MOVE);
    }

    /**
     * Clears what a killed process left unfinished, and puts damaged checkpoints behind a position aside, under another
     * name, so that retention does not take them for the newest.
     *
     * @param reached where the run goes on; before the first step if it starts over
     */
    public void clearBehind(Position reached) throws IOException {
        for (Path folder : folders()) {
            String name = String.valueOf(folder.getFileName());
            Optional<Position> position = Position.named(name);
            if (name.endsWith(".partial") || (position.isPresent() && !Manifest.isMarked(folder))) {
                Folders.delete(folder);
            } else if (position.isPresent() && position.get().compareTo(reached) > 0) {
                putAside(folder, "damaged-");
            }
        }
    }

    private Path folder(Position position) {
        return root.resolve(position.folder());
    }

    /** The newest first. */
    private List<Position> marked() {
        return folders().stream()
                .filter(Manifest::isMarked)
                .flatMap(folder -> Position.named(String.valueOf(folder.getFileName())).stream())
                .sorted(Comparator.reverseOrder())
                .toList();
    }

    private List<Path> folders() {
        if (!Files.isDirectory(root)) {
            return List.of();
        }
        try (Stream<Path> found = Files.list(root)) {
            return found.filter(Files::isDirectory).toList();
        } catch (IOException e) {
            throw new InvalidInputException(
                    root + ": expected a folder of checkpoints that can be read, found " + e, e);
        }
    }
}
