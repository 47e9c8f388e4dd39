package org.mohawk4j.backend.nd4j;

import org.nd4j.linalg.factory.Environment;
import org.nd4j.linalg.factory.Nd4j;

/**
 * ND4J's numbers of threads, which it has for the whole process. Open backends set them; when the last one is closed they
 * are what they were before the first.
 */
final class Nd4jThreads implements AutoCloseable {
    private static int open;
    private static int masterBefore;
    private static int before;

    private final int count;

    private Nd4jThreads(int count) {
        this.count = count;
    }

    /** @param wanted 0: as many as ND4J has without us */
    static synchronized Nd4jThreads take(int wanted) {
        if (open++ == 0) {
            Environment environment = Nd4j.getEnvironment();
            masterBefore = environment.maxMasterThreads();
            before = environment.maxThreads();
        }
        int count = wanted > 0 ? wanted : masterBefore;
        set(count, count);
        return new Nd4jThreads(count);
    }

    int count() {
        return count;
    }

    @Override
    public void close() {
        release();
    }

    private static synchronized void release() {
        if (--open == 0) {
            set(before, masterBefore);
        }
    }

    /** No fewer threads than threads of a master, and no more of these than threads: so the order depends on both. */
    private static void set(int threads, int master) {
        Environment environment = Nd4j.getEnvironment();
        if (threads < environment.maxMasterThreads()) {
            environment.setMaxMasterThreads(master);
            environment.setMaxThreads(threads);
        } else {
            environment.setMaxThreads(threads);
            environment.setMaxMasterThreads(master);
        }
    }
}
