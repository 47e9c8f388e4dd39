package org.mohawk4j.backend;

/**
 * Work that is recorded once and then done again as a whole, without Java handing it over piece by piece: a CUDA graph.
 * For steps that are always the same on the same memory, such as a token of a recurrent model.
 */
public interface GraphCapture {
    /** What was recorded. Closing it frees the arrays that it made. */
    interface Recording extends AutoCloseable {
        /** Does all of it again, on the numbers that its inputs hold now. */
        void replay();

        @Override
        void close();
    }

    /**
     * Records what {@code work} would do to arrays, without doing it. What it makes has its numbers after a
     * {@link Recording#replay}, new ones each time, and stays valid until the recording is closed, even if it is released
     * before. What was there before and is released by the work is freed when the recording is closed, since a replay may
     * read it. It may not bring numbers in or out, and has been done once already, so that nothing is prepared for the first
     * time.
     */
    Recording record(Runnable work);
}
