package org.mohawk4j.train.loop;

/** A callback between two steps, when the state of training is consistent. Called on the training thread. */
public interface StepBoundary {
    /** Nothing happens. */
    StepBoundary NOTHING = new StepBoundary() {};

    /** A step is done and told to the listeners, or is to be repeated after a stop within it. */
    default void between(StageState state) {}

    /** Whether a step may be given up, because {@link #between} is going to end the run. */
    default boolean isStopping() {
        return false;
    }

    /** The run ends, since its steps are no longer finite. Says in words what there is to go on from. */
    default String lost() {
        return "nothing is saved";
    }

    /**
     * Puts parameters and state back to where they were last saved within the stage; the data goes on.
     *
     * @return whether there was such a place
     * @throws TrainingException if it does not help, or cannot be done
     */
    default boolean rollBack(StageState state) {
        return false;
    }
}
