package org.mohawk4j.train.loop;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.Locale;
import java.util.Optional;
import org.mohawk4j.io.ConfigNode;

/**
 * Judges each step by its loss and the norm of its gradients, before its update. As many spikes in a row as
 * {@link #IN_A_ROW} are a new level instead: the last of them passes, and the detector starts over.
 */
public final class StepGuard {
    /** How many steps in a row without a finite loss and gradient end a run, or spikes in a row are none. */
    public static final int IN_A_ROW = 3;

    private final LossSpikeDetector spikes;
    private int notFinite;
    private int spikesInARow;

    /** @param spikeThreshold robust z-score above which a loss is a spike; 0: none is */
    public StepGuard(double spikeThreshold) {
        spikes = new LossSpikeDetector(spikeThreshold);
    }

    /** Why a step must not be trained on. */
    public record Fault(Kind kind, String reason) {
        /** Kinds of faults. */
        public enum Kind {
            NOT_FINITE,
            SPIKE
        }
    }

    /**
     * Judges the next step, and remembers it.
     *
     * @param gradientNorm of all gradients; anything if the loss is not finite
     * @return empty if the step may be trained on
     */
    public Optional<Fault> judge(double loss, double gradientNorm) {
        if (!Double.isFinite(loss) || !Double.isFinite(gradientNorm)) {
            notFinite++;
            return Optional.of(new Fault(
                    Fault.Kind.NOT_FINITE,
                    Double.isFinite(loss) ? "the gradients' norm is " + gradientNorm : "the loss is " + loss));
        }
        notFinite = 0;
        if (spikes.isSpike(loss)) {
            spikesInARow++;
            if (spikesInARow < IN_A_ROW) {
                return Optional.of(new Fault(
                        Fault.Kind.SPIKE,
                        String.format(
                                Locale.ROOT,
                                "the loss %.6g is a spike, with a z-score of %.3g",
                                loss,
                                spikes.score(loss))));
            }
            spikes.clear();
        }
        spikesInARow = 0;
        spikes.add(loss);
        return Optional.empty();
    }

    /** Whether the last step judged had a finite loss and gradient; true before the first. */
    public boolean isFinite() {
        return notFinite == 0;
    }

    /** Whether there were so many steps in a row without a finite loss and gradient that training cannot go on. */
    public boolean isLost() {
        return notFinite >= IN_A_ROW;
    }

    /** What the judgment of the next step depends on. */
    public ObjectNode state() {
        ObjectNode state = JsonNodeFactory.instance.objectNode();
        state.put("not_finite_in_a_row", notFinite).put("spikes_in_a_row", spikesInARow);
        ArrayNode losses = state.putArray("losses");
        spikes.losses().forEach(losses::add);
        return state;
    }

    /**
     * Continues from a state of {@link #state}.
     *
     * @throws org.mohawk4j.InvalidInputException if it is something else
     */
    public void restore(ObjectNode state) {
        ConfigNode saved = ConfigNode.of("the state of a stage's faults", state);
        notFinite = saved.between("not_finite_in_a_row", 0, Integer.MAX_VALUE);
        spikesInARow = saved.between("spikes_in_a_row", 0, Integer.MAX_VALUE);
        spikes.clear();
        saved.numbers("losses").forEach(spikes::add);
    }
}
