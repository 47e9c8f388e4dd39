package org.mohawk4j.train.distributed;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.BooleanSupplier;
import org.mohawk4j.tensor.Engine;
import org.mohawk4j.tensor.Tensor;

/** Questions that all ranks answer together, and what the last answers were: yes if any rank says so. */
final class Questions {
    private final Map<String, Question> all = new LinkedHashMap<>();

    private static final class Question {
        private final BooleanSupplier own;
        private boolean agreed;

        Question(BooleanSupplier own) {
            this.own = own;
        }
    }

    /** Adds one, in the place of an earlier one of the same name; gives its last common answer, at first no. */
    BooleanSupplier add(String name, BooleanSupplier own) {
        Question question = new Question(own);
        all.put(name, question);
        return () -> question.agreed;
    }

    /** This rank's answers, to be added up over the ranks. */
    List<Tensor> answers(Engine engine) {
        return all.values().stream()
                .map(question -> engine.full(question.own.getAsBoolean() ? 1 : 0, 1))
                .toList();
    }

    /** @param counted the sums of all answers, from an index on */
    void agree(double[] counted, int from) {
        int next = from;
        for (Question question : all.values()) {
            question.agreed = counted[next++] > 0;
        }
    }
}
