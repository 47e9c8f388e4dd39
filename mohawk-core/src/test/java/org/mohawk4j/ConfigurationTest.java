package org.mohawk4j;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Optional;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.mohawk4j.matrix.DenseMatrix;
import org.mohawk4j.matrix.LowRankMatrix;
import org.mohawk4j.matrix.SemiseparableMatrix;
import org.mohawk4j.matrix.SoftmaxMatrix;
import org.mohawk4j.matrix.ToeplitzMatrix;
import org.mohawk4j.mixer.CausalLinearAttention;
import org.mohawk4j.mixer.DiscreteMamba2;
import org.mohawk4j.mixer.MixerConfig;
import org.mohawk4j.mixer.SoftmaxAttention;
import org.mohawk4j.mixer.Toeplitz;
import org.mohawk4j.nn.CausalConv1d;
import org.mohawk4j.nn.LayerNorm;
import org.mohawk4j.nn.Linear;
import org.mohawk4j.op.AdamWFunction;
import org.mohawk4j.op.Mamba2Function;
import org.mohawk4j.op.SemiseparableFunction;
import org.mohawk4j.op.loss.DistillationFunction;
import org.mohawk4j.tensor.Tensor;
import org.mohawk4j.testing.Float64Test;

/** Numbers that nothing can be made of are refused where they are given, in one line. */
class ConfigurationTest extends Float64Test {
    private static void refused(String message, Runnable made) {
        assertThatThrownBy(made::run)
                .as(message)
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage(message);
    }

    @Test
    void aConfigurationPrintsWithItsOwner() {
        assertThat(new DiscreteMamba2.Config(6, 8, 2, 1, 3, 4, 5))
                .hasToString("DiscreteMamba2.Config[width=6, innerWidth=8, heads=2, groups=1, stateSize=3, convWidth=4,"
                        + " chunk=5]");
        assertThat(new CausalLinearAttention.Config(6, 2, 3, 4))
                .hasToString("CausalLinearAttention.Config[width=6, innerWidth=6, heads=2, stateSize=3, chunk=4]");
        assertThat(new Toeplitz.Config(6, 2, 3, 4))
                .hasToString("Toeplitz.Config[width=6, innerWidth=6, heads=2, maxTime=3, chunk=4]");
        assertThat(new SoftmaxAttention.Config(6, 2, 1, 2, 100).toString())
                .startsWith(
                        "SoftmaxAttention.Config[width=6, heads=2, keyValueHeads=1, headDim=3, projections=Projections[");
        assertThat(new Mamba2Function.Config(6, 2, 1, 3, 4).toString()).startsWith("Mamba2Function.Config[width=6,");
    }

    @Test
    void aMixerLikeAnotherHasItsWidthsAndHeads() {
        MixerConfig wide = new DiscreteMamba2.Config(6, 12, 4, 2, 3, 4, 5);

        assertThat(DiscreteMamba2.Config.like(wide).withStateSize(7).withChunk(9))
                .isEqualTo(new DiscreteMamba2.Config(6, 12, 4, 4, 7, 4, 9));
        assertThat(DiscreteMamba2.Config.of(6, 2).withGroups(1).withConvWidth(3))
                .isEqualTo(new DiscreteMamba2.Config(6, 6, 2, 1, 64, 3, 64));
        assertThat(CausalLinearAttention.Config.like(wide).withStateSize(7).withChunk(9))
                .isEqualTo(new CausalLinearAttention.Config(6, 12, 4, 7, 9));
        assertThat(Toeplitz.Config.like(wide, 11).withChunk(9)).isEqualTo(new Toeplitz.Config(6, 12, 4, 11, 9));
    }

    @Test
    void dimensionsOfMixersAreChecked() {
        String whole = "expected a whole number of at least 1, got ";
        refused("Mamba-2 mixer: width: " + whole + "0", () -> new DiscreteMamba2.Config(0, 1, 1, 1, 2, 1));
        refused(
                "Mamba-2 mixer of width 6: 4 heads and 1 groups do not divide it",
                () -> new DiscreteMamba2.Config(6, 4, 1, 1, 2, 1));
        refused(
                "Mamba-2 mixer needs a state size of 1 or more, a convolution width of 2 or more and a chunk of 1 or"
                        + " more; got 1, 2 and 0",
                () -> new DiscreteMamba2.Config(6, 2, 1, 1, 2, 0));
        refused("CausalLinearAttention: width: " + whole + "-6", () -> new CausalLinearAttention.Config(-6, 1, 1, 1));
        refused(
                "CausalLinearAttention of width 6: 0 heads do not divide it",
                () -> new CausalLinearAttention.Config(6, 0, 1, 1));
        refused(
                "CausalLinearAttention: state size: " + whole + "0",
                () -> new CausalLinearAttention.Config(6, 2, 0, 1));
        refused("CausalLinearAttention: chunk: " + whole + "0", () -> new CausalLinearAttention.Config(6, 2, 1, 0));
        refused("Toeplitz: inner width: " + whole + "0", () -> new Toeplitz.Config(6, 0, 1, 9, 1));
        refused("Toeplitz of width 9: 2 heads do not divide it", () -> new Toeplitz.Config(6, 9, 2, 9, 1));
        refused("Toeplitz of width 6: 4 heads do not divide it", () -> new Toeplitz.Config(6, 4, 9, 1));
        refused("Toeplitz: longest time: " + whole + "0", () -> new Toeplitz.Config(6, 2, 0, 1));
        refused("Toeplitz: chunk: " + whole + "-1", () -> new Toeplitz.Config(6, 2, 9, -1));
        refused("attention: width: " + whole + "0", () -> new SoftmaxAttention.Config(0, 1, 1, 0, 100));
        String turning = "rotary embedding: expected an even number of entries that turn";
        for (int rotaryDim : new int[] {-2, 1}) {
            refused(turning + ", got " + rotaryDim, () -> new SoftmaxAttention.Config(6, 2, 2, rotaryDim, 100));
        }
        refused(turning + ", from 0 to the head width 3, got 4", () -> new SoftmaxAttention.Config(6, 2, 2, 4, 100));
        for (double base : new double[] {0, -1, Double.NaN, Double.POSITIVE_INFINITY}) {
            refused(
                    "rotary embedding: base: expected a number above 0, got " + base,
                    () -> new SoftmaxAttention.Config(6, 2, 2, 2, base));
        }
        refused("Mamba-2: heads: expected a divisor of 6, got 4", () -> new Mamba2Function.Config(6, 4, 2, 1, 1));
        refused("Mamba-2: groups: expected a divisor of 3, got 2", () -> new Mamba2Function.Config(6, 3, 2, 1, 1));
        refused("Mamba-2: chunk: " + whole + "0", () -> new Mamba2Function.Config(6, 3, 3, 1, 0));
    }

    @Test
    void numbersAndShapesOfMatricesAreChecked() {
        Tensor c = engine().zeros(1, 5, 2, 3);
        Tensor decay = engine().zeros(1, 5, 2);
        String whole = ": expected a whole number of at least 1, got ";
        refused(
                "semiseparable matrix: chunk" + whole + "0",
                () -> new SemiseparableMatrix(c, c, decay, Optional.empty(), 0));
        refused(
                "semiseparable matrix: expected c and b [B,T,G,N], logDecay [B,T,H] and skip [H], got c [1, 5, 2, 3], b"
                        + " [1, 5, 2, 3], logDecay [1, 5, 2], skip [3]",
                () -> new SemiseparableMatrix(c, c, decay, Optional.of(engine().zeros(3)), 2));
        refused("low-rank matrix: chunk" + whole + "-3", () -> new LowRankMatrix(c, c, -3));
        refused(
                "low-rank matrix: expected c and b [B,T,H,N], got c [1, 5, 2, 3], b [1, 5, 2]",
                () -> new LowRankMatrix(c, decay, 2));
        refused("Toeplitz matrix: chunk" + whole + "0", () -> new ToeplitzMatrix(engine().zeros(2, 5), 1, 0));
        refused("Toeplitz matrix: batch" + whole + "0", () -> new ToeplitzMatrix(engine().zeros(2, 5), 0, 1));
        refused("Toeplitz matrix: expected coefficients [H,T], got [1, 5, 2]", () -> new ToeplitzMatrix(decay, 1, 1));
        refused("attention: scale: expected a finite number, got NaN", () -> new SoftmaxMatrix(c, c, Double.NaN));
        refused(
                "softmax matrix: expected q [B,T,H,P] and k [B,T,G,P], got q [1, 5, 2, 3], k [1, 5, 2]",
                () -> new SoftmaxMatrix(c, decay, 1));
        refused("dense matrix: expected values [B,H,T,T], got [1, 5, 2, 3]", () -> new DenseMatrix(c));
        SemiseparableFunction.Inputs in = new SemiseparableFunction.Inputs(c, c, c, decay, Optional.empty());
        refused("semiseparable product: chunk" + whole + "0", () -> SemiseparableFunction.apply(in, 0));
        refused("semiseparable product: chunk" + whole + "0", () -> SemiseparableFunction.chunked(in, 0));
    }

    @Test
    void numbersOfOptimisersAndLossesAreChecked() {
        refused(
                "beta1: expected a number from 0 to below 1, got 1.0",
                () -> new AdamWFunction.Hyperparameters(1, 1, 0.9, 1, 1));
        refused(
                "beta2: expected a number from 0 to below 1, got -0.1",
                () -> new AdamWFunction.Hyperparameters(1, 0.9, -0.1, 1, 1));
        refused(
                "learning rate: expected a number of at least 0, got NaN",
                () -> new AdamWFunction.Hyperparameters(Double.NaN, 0.9, 0.9, 1, 1));
        refused(
                "step: expected a whole number of at least 1, got 0",
                () -> new AdamWFunction.Hyperparameters(1, 0.9, 0.9, 1, 0));
        refused(
                "temperature: expected a number above 0, got Infinity",
                () -> new DistillationFunction.Weights(Double.POSITIVE_INFINITY, 0));
        refused(
                "hard-label share: expected a number from 0 to 1, got 1.5",
                () -> new DistillationFunction.Weights(1, 1.5));
    }

    @Test
    void dimensionsOfLayersAreChecked() {
        refused(
                "Linear: weight: expected extents of at least 1, got [0, 3]",
                () -> new Linear(engine(), 3, 0, true, new SplittableRandom(1)));
        refused(
                "convolution: taps: expected a whole number of at least 1, got 0",
                () -> new CausalConv1d(engine(), 3, 0));
        refused("layer norm: epsilon: expected a number above 0, got 0.0", () -> new LayerNorm(engine(), 3, 0));
    }
}
