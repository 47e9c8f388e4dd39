package org.mohawk4j.dl4j.learning;

import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.mohawk4j.Arguments;
import org.mohawk4j.train.schedule.LearningRateSchedule;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.indexing.NDArrayIndex;
import org.nd4j.linalg.learning.GradientUpdater;
import org.nd4j.linalg.learning.config.IUpdater;
import org.nd4j.linalg.learning.regularization.WeightDecay;
import org.nd4j.linalg.ops.transforms.Transforms;
import org.nd4j.linalg.schedule.ISchedule;
import org.nd4j.shade.jackson.annotation.JsonProperty;
import org.nd4j.shade.jackson.databind.annotation.JsonDeserialize;

/**
 * The Adam of mohawk4j's training, and of PyTorch, as an updater of ND4J's. From ND4J's own Adam it differs in epsilon,
 * which is added to the corrected deviation. With {@link #weightDecay} beside it, as the network's regularization, it is
 * AdamW (Loshchilov and Hutter 2019): an updater sees gradients alone and cannot decay weights.
 */
public final class AdamW implements IUpdater {
    private static final long serialVersionUID = 1L;

    private double learningRate;
    private @Nullable ISchedule learningRateSchedule;
    private final double beta1;
    private final double beta2;
    private final double epsilon;

    /**
     * With a constant learning rate.
     *
     * @param beta1 decay of the first moment
     * @param beta2 decay of the second moment
     * @param epsilon added to the root of the second moment
     */
    public AdamW(double learningRate, double beta1, double beta2, double epsilon) {
        this(learningRate, null, beta1, beta2, epsilon);
    }

    /** With a learning rate by iteration; the rest as in {@link #AdamW(double, double, double, double)}. */
    public AdamW(ISchedule learningRateSchedule, double beta1, double beta2, double epsilon) {
        this(Double.NaN, learningRateSchedule, beta1, beta2, epsilon);
    }

    /** With a learning rate of mohawk4j's by iteration. */
    public AdamW(LearningRateSchedule schedule, double beta1, double beta2, double epsilon) {
        this(new IterationSchedule(schedule), beta1, beta2, epsilon);
    }

    private AdamW(
            @JsonProperty("learningRate") double learningRate,
            @JsonProperty("learningRateSchedule") @JsonDeserialize(using = IterationSchedule.Reader.class) @Nullable ISchedule learningRateSchedule,
            @JsonProperty("beta1") double beta1,
            @JsonProperty("beta2") double beta2,
            @JsonProperty("epsilon") double epsilon) {
        Arguments.kept("AdamW: beta1", beta1);
        Arguments.kept("AdamW: beta2", beta2);
        Arguments.positive("AdamW: epsilon", epsilon);
        this.learningRate = learningRate;
        this.learningRateSchedule = learningRateSchedule;
        this.beta1 = beta1;
        this.beta2 = beta2;
        this.epsilon = epsilon;
    }

    /** Decoupled weight decay, times the learning rate: for {@code regularization(...)} of a layer or a network. */
    public static WeightDecay weightDecay(double coefficient) {
        return new WeightDecay(coefficient, true);
    }

    /** Both moments. */
    @Override
    public long stateSize(long numParams) {
        return 2 * numParams;
    }

    @Override
    public Moments instantiate(INDArray viewArray, boolean initializeViewArray) {
        Moments moments = new Moments(this);
        moments.setStateViewArray(
                viewArray, new long[] {viewArray.length() / 2}, viewArray.ordering(), initializeViewArray);
        return moments;
    }

    @Override
    public Moments instantiate(Map<String, INDArray> updaterState, boolean initializeStateArrays) {
        Moments moments = new Moments(this);
        moments.setState(updaterState, initializeStateArrays);
        return moments;
    }

    @Override
    public double getLearningRate(int iteration, int epoch) {
        return learningRateSchedule == null ? learningRate : learningRateSchedule.valueAt(iteration, epoch);
    }

    @Override
    public boolean hasLearningRate() {
        return true;
    }

    @Override
    public void setLrAndSchedule(double lr, @Nullable ISchedule lrSchedule) {
        learningRate = lr;
        learningRateSchedule = lrSchedule;
    }

    @Override
    public AdamW clone() {
        return new AdamW(learningRate, learningRateSchedule, beta1, beta2, epsilon);
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof AdamW that
                && Double.compare(learningRate, that.learningRate) == 0
                && Objects.equals(learningRateSchedule, that.learningRateSchedule)
                && beta1 == that.beta1
                && beta2 == that.beta2
                && epsilon == that.epsilon;
    }

    @Override
    public int hashCode() {
        return Objects.hash(learningRate, learningRateSchedule, beta1, beta2, epsilon);
    }

    @Override
    public String toString() {
        return "AdamW(learningRate=" + learningRate + ", learningRateSchedule=" + learningRateSchedule + ", beta1="
                + beta1 + ", beta2=" + beta2 + ", epsilon=" + epsilon + ")";
    }

    /** The moments of some parameters. */
    static final class Moments implements GradientUpdater<AdamW> {
        private static final String FIRST = "M";
        private static final String SECOND = "V";

        private final AdamW config;
        private INDArray first = Nd4j.empty();
        private INDArray second = Nd4j.empty();

        private Moments(AdamW config) {
            this.config = config;
        }

        @Override
        public AdamW getConfig() {
            return config;
        }

        @Override
        public void setState(Map<String, INDArray> stateMap, boolean initialize) {
            first = Objects.requireNonNull(stateMap.get(FIRST), FIRST);
            second = Objects.requireNonNull(stateMap.get(SECOND), SECOND);
            if (initialize) {
                first.assign(0);
                second.assign(0);
            }
        }

        @Override
        public Map<String, INDArray> getState() {
            return Map.of(FIRST, first, SECOND, second);
        }

        @Override
        public void setStateViewArray(
                INDArray viewArray, long[] gradientShape, char gradientOrder, boolean initialize) {
            INDArray row = viewArray.reshape(new long[] {viewArray.length()});
            long half = row.length() / 2;
            first = row.get(NDArrayIndex.interval(0, half));
            second = row.get(NDArrayIndex.interval(half, 2 * half));
            if (initialize) {
                row.assign(0);
            }
        }

        /** Turns the gradient into what is to be subtracted from the parameters. */
        @Override
        public void applyUpdater(INDArray gradient, int iteration, int epoch) {
            INDArray flat = gradient.reshape(first.shape());
            first.muli(config.beta1).addi(flat.mul(1 - config.beta1));
            second.muli(config.beta2).addi(flat.mul(flat).muli(1 - config.beta2));
            double correction1 = 1 - Math.pow(config.beta1, iteration + 1);
            double correction2 = 1 - Math.pow(config.beta2, iteration + 1);
            INDArray deviation =
                    Transforms.sqrt(second, true).divi(Math.sqrt(correction2)).addi(config.epsilon);
            flat.assign(first.div(deviation).muli(config.getLearningRate(iteration, epoch) / correction1));
        }
    }
}
