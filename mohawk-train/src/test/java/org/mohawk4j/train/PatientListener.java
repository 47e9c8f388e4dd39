package org.mohawk4j.train;

import java.util.Arrays;
import org.mohawk4j.train.checkpoint.CheckpointStore;
import org.mohawk4j.train.loop.TrainingListener;
import org.mohawk4j.train.metrics.StepMetrics;

/** Waits after each step until no checkpoint is being written, so that each one that is due is made. */
class PatientListener implements TrainingListener {
    @Override
    public void iterationDone(StepMetrics metrics) {
        try {
            do {
                // also what it takes until the thread has begun, or counts as having ended
                Thread.sleep(10);
            } while (isWriting());
            Thread.sleep(10);
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }

    private static boolean isWriting() {
        return Thread.getAllStackTraces().values().stream()
                .flatMap(Arrays::stream)
                .anyMatch(frame -> frame.getClassName().equals(CheckpointStore.class.getName()));
    }
}
