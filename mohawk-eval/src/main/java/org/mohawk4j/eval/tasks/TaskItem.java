package org.mohawk4j.eval.tasks;

import java.util.List;

/**
 * One question of a task.
 *
 * @param where the file and line, for messages
 * @param choices what is scored: the answers, or, for a task without answers to choose from, the one continuation
 * @param gold the index of the right choice
 */
record TaskItem(String where, List<Choice> choices, int gold) {
    /**
     * A continuation of a context.
     *
     * @param continuation what is scored, with the space before it
     * @param bytes of the answer in UTF-8 without that space, by which {@code acc_norm} divides
     */
    record Choice(String context, String continuation, int bytes) {}

    TaskItem {
        choices = List.copyOf(choices);
    }
}
