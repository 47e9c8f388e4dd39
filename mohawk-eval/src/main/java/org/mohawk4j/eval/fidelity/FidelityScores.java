package org.mohawk4j.eval.fidelity;

import java.util.List;

/**
 * How close a student is to its teacher on a text. A relative error is ‖teacher − student‖ / ‖teacher‖ over everything
 * that it covers: 0 is equal, 1 is what zeros would have.
 *
 * @param tokens compared
 * @param context T
 * @param agreement of the distributions of the next token
 * @param byPosition the agreement at each position of a window, T of them
 * @param layers in order
 */
public record FidelityScores(
        long tokens, int context, Agreement agreement, List<Agreement> byPosition, List<Layer> layers) {
    public FidelityScores {
        byPosition = List.copyOf(byPosition);
        layers = List.copyOf(layers);
    }

    /**
     * How far two models agree on the next token, as means over tokens.
     *
     * @param divergence KL(teacher ‖ student) in nats
     * @param topOne the share of tokens whose likeliest successor is the same for both
     * @param teacherNll the teacher's negative log-likelihood of the text, in nats
     * @param studentNll the student's
     */
    public record Agreement(double divergence, double topOne, double teacherNll, double studentNll) {}

    /**
     * One layer. Matrices and outputs are the mixers' on the teacher's own input to the layer, so that layers can be told
     * apart; hidden states are what each model reaches by itself, so that errors add up.
     *
     * @param teacher the kind of its mixer
     * @param student the kind of the student's
     * @param matrix relative error of the mixing matrix, head by head; empty if the two have not as many heads
     * @param output relative error of the mixer's output
     * @param hiddenState relative error of the hidden state behind the layer
     * @param matrixByPosition the same by row of the matrix, all heads together; empty if {@code matrix} is
     * @param outputByPosition the same by position, T of them
     * @param hiddenStateByPosition the same by position, T of them
     */
    public record Layer(
            String teacher,
            String student,
            List<Double> matrix,
            double output,
            double hiddenState,
            List<Double> matrixByPosition,
            List<Double> outputByPosition,
            List<Double> hiddenStateByPosition) {
        public Layer {
            matrix = List.copyOf(matrix);
            matrixByPosition = List.copyOf(matrixByPosition);
            outputByPosition = List.copyOf(outputByPosition);
            hiddenStateByPosition = List.copyOf(hiddenStateByPosition);
        }
    }
}
