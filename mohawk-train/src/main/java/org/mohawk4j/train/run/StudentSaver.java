package org.mohawk4j.train.run;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.mohawk4j.InvalidInputException;
import org.mohawk4j.StorageException;
import org.mohawk4j.io.Folders;
import org.mohawk4j.models.CausalLm;
import org.mohawk4j.models.ModelFolder;
import org.mohawk4j.nn.Layer;
import org.mohawk4j.tokenizer.TokenizerFiles;
import org.mohawk4j.train.checkpoint.CheckpointStore;

/** Saves the trained student. A full disk must not lose the training. */
public final class StudentSaver {
    private final RunFolder folder;
    private final CausalLm student;
    private final TokenizerFiles tokenizer;

    /**
     * @param tokenizerFile copied beside the student, with what stands beside it; read now, since it may be gone when training is done
     * @throws InvalidInputException if it cannot be read
     */
    public StudentSaver(RunFolder folder, CausalLm student, Path tokenizerFile) {
        this.folder = folder;
        this.student = student;
        this.tokenizer = TokenizerFiles.read(tokenizerFile);
    }

    /** Before training: a student that cannot be saved, and a disk that is full already, are found here. */
    public void requireSavable() {
        ModelFolder.requireSavable(student);
        folder.requireRoom(Layer.sizeOf(student.parameters()) * Float.BYTES);
    }

    /**
     * After training, when a path that cannot be written to is no longer bad input.
     *
     * @throws StorageException if the student cannot be written, which says where what was trained is
     */
    public void save() {
        try {
            folder.writeStudent(this::writeTo);
        } catch (StorageException | InvalidInputException e) {
            String place = new CheckpointStore(folder.checkpoints())
                    .last()
                    .map(last -> "with more disk space, the run resumes from " + last)
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
            } catch (RuntimeException e) {
                Folders.delete(other);
                throw e;
            }
        } catch (IOException | StorageException | InvalidInputException e) {
            return "nor could it be saved in the folder for temporary files: " + e.getMessage();
        }
    }

    private void writeTo(Path target) {
        ModelFolder.save(student, target);
        tokenizer.writeTo(target);
    }
}
