package org.mohawk4j.mixer;

import java.util.List;
import org.mohawk4j.tensor.Tensor;

/**
 * A mixer whose matrix can be fitted to an attention's in closed form: {@link Calibration} finds the numbers, the mixer
 * writes them into its parameters. Scores are {@code S[t,s] = c_t·b_s} of the projections that
 * {@link MatrixMixer#initFrom} copied.
 */
public interface Calibratable {
    /** [B,T,G,N] each; group g serves H/G heads in a row. */
    record Scores(Tensor c, Tensor b) {}

    /** H. */
    long heads();

    /** What the fit may use. */
    ScoreFit.Form scoreForm();

    /**
     * Reserves a state dimension for the constant, zeroes the rows of C that nothing was copied into, and takes the
     * attention's biases where the mixer has a place for them.
     *
     * @param attention that {@code initFrom} copied from
     * @param u [B,T,D], inputs
     */
    void prepare(AttentionWeights attention, Tensor u);

    /** The projections C and B of an input u [B,T,D]. */
    Scores scores(Tensor u);

    /**
     * Writes the fit.
     *
     * @param heads H fits; heads of a group have the same constant and scale
     * @param one [D], whose product with an input is close to 1
     * @param attention as for {@link #prepare}
     */
    void calibrate(List<ScoreFit> heads, Tensor one, AttentionWeights attention);
}
