package org.mohawk4j.cli;

import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import org.mohawk4j.InvalidInputException;
import org.mohawk4j.data.TokenWindows;
import org.mohawk4j.eval.fidelity.Fidelity;
import org.mohawk4j.eval.fidelity.FidelityScores;
import org.mohawk4j.io.Folders;
import org.mohawk4j.io.InputFile;
import org.mohawk4j.models.CausalLm;
import org.mohawk4j.models.ModelFolder;
import org.mohawk4j.train.report.FidelityReport;

/** Compares a student with its teacher, and writes the report into a folder that appears when it is complete. */
final class TeacherComparison {
    private static final String NAME = "fidelity";

    private final Path teacher;
    private final Path folder;
    private final PrintWriter out;

    /**
     * @param folder in which {@code fidelity} must not exist yet
     * @throws InvalidInputException if it does, or the teacher is no model
     */
    TeacherComparison(Path teacher, Path folder, PrintWriter out) {
        this.teacher = teacher;
        this.folder = folder;
        this.out = out;
        ModelFolder.requireFolder("teacher", teacher);
        ModelFolder.config(teacher);
        if (Files.exists(folder.resolve(NAME))) {
            throw new InvalidInputException(
                    "out " + folder + ": expected a folder without '" + NAME + "', found one; take another");
        }
    }

    /**
     * @param limit how many windows, 0 for all
     * @return the agreement in a line for scripts
     */
    String run(Path studentFolder, CausalLm student, TokenWindows windows, int limit) {
        try (CausalLm loaded = ModelFolder.loadForInference(student.engine(), teacher)) {
            FidelityScores scores = Fidelity.of(loaded, student, windows, limit);
            Map<String, String> facts = new LinkedHashMap<>();
            facts.put("teacher", teacher.toString());
            facts.put("student", studentFolder.toString());
            facts.put("text", windows.tokens().name());
            facts.put("backend", student.engine().backend().description());
            facts.put("mohawk4j", Version.number());
            write(scores, facts);
            out.println("report    " + folder.resolve(NAME).resolve("index.html"));
            FidelityScores.Agreement agreement = scores.agreement();
            return String.format(
                    Locale.ROOT,
                    "kl=%.6f top1_agreement=%.6f teacher.nll_per_token=%.6f student.nll_per_token=%.6f",
                    agreement.divergence(),
                    agreement.topOne(),
                    agreement.teacherNll(),
                    agreement.studentNll());
        }
    }

    private void write(FidelityScores scores, Map<String, String> facts) {
        Path partial = folder.resolve("." + NAME + ".partial");
        try {
            // what a run that was killed did not finish
            Folders.delete(partial);
            Files.createDirectories(partial);
            try {
                FidelityReport.write(partial, scores, facts);
                Files.move(partial, folder.resolve(NAME), StandardCopyOption.ATOMIC_MOVE);
            } catch (IOException | RuntimeException e) {
                Folders.delete(partial);
                throw e;
            }
        } catch (IOException e) {
            throw InputFile.unwritable(folder.resolve(NAME), e);
        }
    }
}
