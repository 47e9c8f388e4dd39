package org.mohawk4j.train.cache;

import org.mohawk4j.train.stage.TeacherStates;
import org.mohawk4j.train.stage.TeacherTopK;

/** The cached outputs of the teacher. Outputs that no file caches are computed each time. */
public record OpenCache(TeacherStates states, TeacherTopK tokens) implements AutoCloseable {
    /** Nothing is kept. */
    public static final OpenCache NONE = new OpenCache(TeacherStates.UNCACHED, TeacherTopK.UNCACHED);

    @Override
    public void close() {
        states.close();
        tokens.close();
    }
}
