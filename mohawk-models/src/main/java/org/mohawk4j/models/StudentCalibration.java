package org.mohawk4j.models;

import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.mohawk4j.matrix.MixingMatrix;
import org.mohawk4j.mixer.AttentionWeights;
import org.mohawk4j.mixer.Calibratable;
import org.mohawk4j.mixer.Calibration;
import org.mohawk4j.mixer.ScoreFit;
import org.mohawk4j.tensor.Engine;
import org.mohawk4j.tensor.Tensor;

/** Calibrates all new mixers of a student: see {@link Calibration}. The teacher runs once, block by block. */
public final class StudentCalibration {
    /** Of each sequence: what a fit costs grows with their square, and what it finds hardly changes with more. */
    private static final long MOST_POSITIONS = 1024;

    private StudentCalibration() {}

    /**
     * @param student whose new mixers begin from the teacher's attention ({@link MixerInit#ATTENTION})
     * @param ids int32 [B,T], of which the first 1024 positions are what the teacher's matrices are taken on
     * @param fitted what is to be near the teacher's matrices
     * @return the fits of each calibrated layer's heads, by layer; a mixer with other heads than the attention is not
     *     calibrated
     */
    public static Map<Integer, List<ScoreFit>> apply(
            CausalLm teacher, CausalLm student, MixerPlan plan, Tensor ids, Calibration.Fitted fitted) {
        Map<Integer, List<ScoreFit>> fits = new TreeMap<>();
        Engine engine = teacher.engine();
        Tensor h = teacher.embed(ids.narrow(1, 0, Math.min(ids.dim(1), MOST_POSITIONS)));
        for (int i = 0; i < teacher.blocks().size(); i++) {
            int layer = i;
            Tensor input = h;
            h = engine.scoped(() -> {
                Block block = teacher.blocks().get(layer);
                Tensor u = block.mixerInput(input);
                MixingMatrix matrix = block.mixer().matrix(u);
                if (!plan.keeps(layer, teacher.config())
                        && student.blocks().get(layer).mixer() instanceof Calibratable mixer
                        && block.mixer() instanceof AttentionWeights attention) {
                    List<ScoreFit> own = Calibration.apply(mixer, attention, u, matrix, fitted);
                    if (!own.isEmpty()) {
                        fits.put(layer, own);
                    }
                }
                return block.combine(input, u, block.mixer().forward(u, matrix));
            });
        }
        return fits;
    }
}
