package org.mohawk4j.train.study;

import java.nio.file.Path;
import org.mohawk4j.data.TokenWindows;
import org.mohawk4j.models.CausalLm;
import org.mohawk4j.models.ModelFolder;
import org.mohawk4j.tensor.Engine;
import org.mohawk4j.tokenizer.TokenizerJson;
import org.mohawk4j.train.config.DistillConfig;
import org.mohawk4j.train.loop.TrainingListener;
import org.mohawk4j.train.run.RunData;

/**
 * What measurements work on: teacher, tokenizer and texts, loaded once.
 *
 * @param teacherFolder that the teacher and tokenizer are of
 */
public record Bench(Engine engine, CausalLm teacher, Path teacherFolder, TokenizerJson tokenizer, RunData texts)
        implements AutoCloseable {
    static Bench open(DistillConfig config, Path teacherFolder, TrainingListener listener) {
        TokenizerJson tokenizer =
                TokenizerJson.load(teacherFolder, config.data().bos());
        Engine engine = config.machine().open();
        try {
            CausalLm teacher = ModelFolder.load(engine, teacherFolder);
            RunData texts = RunData.of(config, teacher, tokenizer, listener);
            return new Bench(engine, teacher, teacherFolder, tokenizer, texts);
        } catch (RuntimeException e) {
            engine.close();
            throw e;
        }
    }

    /** The held-out text in windows. */
    public TokenWindows heldOut(int context) {
        return new TokenWindows(
                texts.heldOut()
                        .requireVocabulary(Math.toIntExact(teacher.config().vocabulary())),
                context);
    }

    @Override
    public void close() {
        try (engine) {
            teacher.close();
        }
    }
}
