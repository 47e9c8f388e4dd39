package org.mohawk4j.train;

import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.mohawk4j.InvalidInputException;
import org.mohawk4j.io.ConfigNode;
import org.mohawk4j.io.InputFile;
import org.mohawk4j.train.run.FileFingerprint;
import org.mohawk4j.train.run.RunInputs;

/**
 * A study of hybrids whose ranking a run takes, by the settings in its {@code study.json}.
 *
 * @param seeds that it measures each layer with
 * @param teacher files of its teacher
 */
record RankedStudy(Path folder, int seeds, RunInputs teacher) {
    private static final String TEACHER = "teacher";

    /** It lists each file of the texts. */
    private static final long MAX_BYTES = 1 << 26;

    /** @throws InvalidInputException if there is none */
    static RankedStudy of(Path folder) {
        Path file = folder.resolve("study.json");
        ConfigNode settings = ConfigNode.parse(file.toString(), InputFile.text(file, MAX_BYTES));
        ConfigNode teacher = settings.object("inputs").object(TEACHER);
        Map<String, FileFingerprint> files = new TreeMap<>();
        for (String name : teacher.keys()) {
            ConfigNode found = teacher.object(name);
            files.put(name, new FileFingerprint(found.whole("bytes", 0, Long.MAX_VALUE), found.text("sha256"), false));
        }
        return new RankedStudy(folder, settings.positiveInt("seeds"), ofTeacher(files));
    }

    private static RunInputs ofTeacher(Map<String, FileFingerprint> files) {
        return new RunInputs(Map.of(TEACHER, files));
    }

    /**
     * Checks that it is of a run's teacher.
     *
     * @throws InvalidInputException if not
     */
    void requireTeacher(RunInputs run) {
        List<String> changes = teacher.changesTo(ofTeacher(run.files().getOrDefault(TEACHER, Map.of())));
        if (!changes.isEmpty()) {
            throw new InvalidInputException("study " + folder
                    + ": expected a ranking of the run's teacher, found one of another: " + String.join("; ", changes));
        }
    }
}
