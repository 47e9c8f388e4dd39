package org.mohawk4j.train;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.mohawk4j.StorageException;
import org.mohawk4j.layer.Module;
import org.mohawk4j.models.CausalLm;
import org.mohawk4j.models.ModelFolder;
import org.mohawk4j.train.checkpoint.CheckpointStore;
import org.mohawk4j.train.run.Folders;
import org.mohawk4j.train.run.ResumeCommand;
import org.mohawk4j.train.run.RunFolder;

/** Saves what a run has trained. If its disk has become full meanwhile, that must not cost the training. */
final class StudentSaver {
    private final RunFolder folder;
    private final CausalLm student;
    private final Path tokenizerFile;

    /** @param tokenizerFile copied beside the student */
    StudentSaver(RunFolder folder, CausalLm student, Path tokenizerFile) {
        this.folder = folder;
        this.student = student;
        this.tokenizerFile = tokenizerFile;
    }

    /** Before training: a disk that is full already is found here. */
    void requireRoom() {
        folder.requireRoom(Module.sizeOf(student.parameters()) * Float.BYTES);
    }

    /**
     * After training.
     *
     * @throws StorageException if the disk refuses, which says where what was trained is
     */
    void save() {
        try {
            folder.writeStudent(this::writeTo);
        } catch (StorageException e) {
            String place = new CheckpointStore(folder.checkpoints())
                    .last()
                    .map(last -> "with more room, to go on from " + last + ": " + ResumeCommand.of(folder.path()))
                    .orElseGet(this::saveElsewhere);
            throw new StorageException(e.getMessage() + "; " + place, e);
        }
    }

    /** A checkpoint would need three times the room of the student, so it is of no use here. */
    private String saveElsewhere() {
        try {
            Path other = Files.createTempDirectory("mohawk-student-");
            try {
                writeTo(other);
                return "the student is in " + other + " instead";
            } catch (IOException | RuntimeException e) {
                Folders.delete(other);
                throw e;
            }
        } catch (IOException | StorageException e) {
            return "nor could it be saved in the folder for temporary files: " + e.getMessage();
        }
    }

    private void writeTo(Path target) throws IOException {
        ModelFolder.save(student, target);
        Files.copy(tokenizerFile, target.resolve("tokenizer.json"));
    }
}
