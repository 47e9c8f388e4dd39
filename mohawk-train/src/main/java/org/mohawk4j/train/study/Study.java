package org.mohawk4j.train.study;

import org.mohawk4j.train.study.page.StudyPage;

/** An experiment of many measurements. */
public interface Study {
    /** As on the command line. */
    String name();

    /**
     * Checks what can be checked before anything is loaded.
     *
     * @throws org.mohawk4j.InvalidInputException if teacher or settings do not allow the study
     */
    default void check(Lab lab) {}

    /**
     * Checks what depends on teacher and texts, before the folder is made.
     *
     * @throws org.mohawk4j.InvalidInputException if the texts do not allow the study
     */
    default void check(Lab lab, Bench bench) {}

    /** Takes all measurements, in an order that the settings alone decide. */
    Outcome run(Lab lab);

    /**
     * What a study came to.
     *
     * @param page without its general notes and settings
     * @param line of {@code NAME=VALUE}, for scripts
     */
    record Outcome(StudyPage page, String line) {}
}
