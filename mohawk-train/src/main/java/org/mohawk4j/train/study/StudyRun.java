package org.mohawk4j.train.study;

import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.mohawk4j.models.CausalLmConfig;
import org.mohawk4j.models.ModelFolder;
import org.mohawk4j.train.sample.EmbeddedTeacher;
import org.mohawk4j.train.study.page.StudyPage;

/**
 * Runs a study in its folder: what is measured there is not measured again, so that one that was ended goes on.
 *
 * <pre>{@code
 * StudyRun.Finished finished = new StudyRun(new StagesStudy(), settings).run(new PrintWriter(System.err, true));
 * }</pre>
 */
public final class StudyRun {
    private final Study study;
    private final StudySettings settings;

    public StudyRun(Study study, StudySettings settings) {
        this.study = study;
        this.settings = settings;
    }

    /**
     * What came of it.
     *
     * @param line of {@code NAME=VALUE}, for scripts
     */
    public record Finished(Path folder, Path page, String line) {}

    /**
     * Takes the measurements that are missing, then writes the page.
     *
     * @param out told what happens, with a progress bar
     * @throws org.mohawk4j.InvalidInputException if something that was given is unusable
     */
    public Finished run(PrintWriter out) {
        Path teacher = settings.config().files().teacher().orElseGet(EmbeddedTeacher::unpack);
        ModelFolder.requireFolder("teacher", teacher);
        CausalLmConfig dimensions = ModelFolder.config(teacher);
        try (StudyFolder folder = StudyFolder.of(settings.folder(study.name()), settings.tree(study.name(), teacher));
                Lab lab = new Lab(study, settings, folder, teacher, dimensions, out)) {
            study.check(lab);
            Study.Outcome outcome = study.run(lab);
            folder.begin();
            StudyPage page = outcome.page();
            List<String> notes =
                    Stream.concat(lab.notes().stream(), page.notes().stream()).toList();
            Path file = folder.writePage(new StudyPage(page.title(), notes, page.tables(), page.plots(), lab.facts()));
            return new Finished(folder.path(), file, outcome.line());
        }
    }
}
