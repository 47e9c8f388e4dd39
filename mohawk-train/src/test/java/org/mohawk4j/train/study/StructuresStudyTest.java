package org.mohawk4j.train.study;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.PrintWriter;
import java.io.Writer;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.mohawk4j.models.ModelFolder;
import org.mohawk4j.train.config.ActiveStage;
import org.mohawk4j.train.config.StageObjective;
import org.mohawk4j.train.sample.EmbeddedTeacher;

class StructuresStudyTest {
    @TempDir
    private Path folder;

    private List<ActiveStage> stages(String mixer) {
        Path teacher = EmbeddedTeacher.unpack();
        Study study = new StructuresStudy(List.of());
        StudySettings settings = new StudySettings(
                EmbeddedTeacher.config().toBuilder().tokens(512_000).build(), 1, true, Map.of());
        try (StudyFolder results = StudyFolder.of(folder.resolve("study"), settings.tree(study.name(), teacher));
                Lab lab = new Lab(
                        study,
                        settings,
                        results,
                        teacher,
                        ModelFolder.config(teacher),
                        new PrintWriter(Writer.nullWriter()))) {
            return StructuresStudy.config(lab, mixer, 0).activeStages();
        }
    }

    @Test
    void eachMixerGoesThroughTheWholePipelineInTheSharesOfThePaper() {
        List<ActiveStage> stages = stages("discrete-mamba2");

        assertThat(stages)
                .extracting(ActiveStage::objective)
                .containsExactly(
                        StageObjective.MATRIX_ORIENTATION,
                        StageObjective.HIDDEN_STATE_ALIGNMENT,
                        StageObjective.KNOWLEDGE_DISTILLATION);
        assertThat(stages).extracting(ActiveStage::steps).containsExactly(100, 200, 700);
    }
}
