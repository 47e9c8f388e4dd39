package org.mohawk4j.mixer;

import java.util.List;
import org.mohawk4j.nn.CausalConv1d;
import org.mohawk4j.nn.Linear;
import org.mohawk4j.tensor.Engine;
import org.mohawk4j.tensor.Scope;
import org.mohawk4j.tensor.Tensor;

/** What a {@link Calibration} sets in the convolution of discrete Mamba-2, whose channels are x, B and C. */
record CalibratedConvolution(DiscreteMamba2.Config config, CausalConv1d conv) {
    private int stateWidth() {
        return config.groups() * config.stateSize();
    }

    /**
     * The attention's biases: those of values, and values that give its output's, in x; those of queries in C. B has the
     * mean of all keys removed: it adds the same to all scores of a query, and so nothing to a softmax.
     *
     * @param copied rows of each group that C has from queries
     */
    void takeBiases(AttentionWeights attention, int copied, Linear inProj, Linear outProj, Tensor u) {
        Engine engine = u.engine();
        long inner = config.innerWidth();
        try (Scope scope = engine.scope()) {
            if (attention.fits(config.width(), inner)) {
                attention
                        .valueBias()
                        .ifPresent(bias -> conv.setBias(
                                0, attention.perHead(bias.reshape(-1, 1)).reshape(-1)));
                attention
                        .outputBias()
                        .ifPresent(bias -> conv.setBias(
                                0, conv.bias().narrow(0, 0, inner).add(Calibration.valueOf(outProj.weight(), bias))));
            }
            Tensor keys = inProj.applyRows(u, inner, stateWidth()).cast(engine.parameterType());
            conv.setBias(inner, keys.reshape(-1, stateWidth()).mean(0, false).neg());
            if (copied > 0) {
                attention.scoredQueryBias().ifPresent(bias -> {
                    Tensor means = attention.groupMeans(bias.reshape(-1, 1), config.groups());
                    for (int group = 0; group < config.groups(); group++) {
                        conv.setBias(
                                inner + stateWidth() + (long) group * config.stateSize(),
                                means.narrow(0, group, 1).narrow(1, 0, copied).reshape(-1));
                    }
                });
            }
        }
    }

    /**
     * Scale, constant and taps. The last tap is that of the present position.
     *
     * @param constant the state dimension of the constant, in each group
     */
    void take(List<ScoreFit> heads, int constant) {
        Engine engine = conv.weight().engine();
        int n = config.stateSize();
        double[] bias =
                conv.bias().narrow(0, config.innerWidth(), 2L * stateWidth()).toDoubles();
        for (int row = 0; row < stateWidth(); row++) {
            ScoreFit fit = heads.get(row / n * (config.heads() / config.groups()));
            boolean isConstant = row % n == constant;
            bias[row] = isConstant ? 1 : bias[row] * fit.keyFactor();
            bias[stateWidth() + row] = isConstant ? fit.constant() : bias[stateWidth() + row] * fit.queryFactor();
        }
        conv.setBias(config.innerWidth(), engine.tensor(bias, bias.length));

        int width = config.convWidth();
        long each = config.innerWidth() / config.heads();
        double[] weights = new double[Math.toIntExact(config.innerWidth() * width)];
        for (int channel = 0; channel < config.innerWidth(); channel++) {
            List<Double> taps = heads.get(Math.toIntExact(channel / each)).taps();
            for (int k = 0; k < taps.size(); k++) {
                weights[channel * width + width - 1 - k] = taps.get(k);
            }
        }
        conv.setWeight(0, engine.tensor(weights, config.innerWidth(), 1, width));
    }
}
