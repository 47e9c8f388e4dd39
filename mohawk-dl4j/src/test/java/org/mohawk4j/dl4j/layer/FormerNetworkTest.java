package org.mohawk4j.dl4j.layer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.io.IOException;
import java.io.InputStream;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.deeplearning4j.util.ModelSerializer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.mohawk4j.InvalidInputException;
import org.mohawk4j.dl4j.learning.AdamW;
import org.mohawk4j.mixer.DiscreteMamba2;
import org.mohawk4j.mixer.SoftmaxAttention;
import org.mohawk4j.mixer.SoftmaxAttention.Biases;
import org.mohawk4j.nn.RotaryConfig;
import org.mohawk4j.train.schedule.CosineSchedule;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.DataSet;
import org.nd4j.linalg.factory.Nd4j;

/**
 * A network that commit b11d4d2 wrote after two steps of AdamW on a cosine schedule: a mixer of every kind, one behind the
 * other. The numbers are that commit's own, before and after a third step.
 */
class FormerNetworkTest {
    private static final double[] OUTPUT = {
        0.3440539867581901, 0.3467260864164736, 0.34996466480308003, 0.35361774790184564,
        0.3297510826834498, 0.3310280334658494, 0.332491855390599, 0.3340575822463381,
        0.32619493055836013, 0.32224588011767696, 0.31754347980632086, 0.3123246698518162
    };
    private static final double[] AFTER_A_STEP = {
        0.3507122514112419, 0.35698491657500947, 0.36463491338026155, 0.37327815870396225,
        0.32888297483478984, 0.33204638815283816, 0.33568057706582916, 0.3395304726363491,
        0.32040477375396825, 0.3109686952721523, 0.2996845095539093, 0.28719136865968875
    };

    private static MultiLayerNetwork network() throws IOException {
        try (InputStream file = FormerNetworkTest.class.getResourceAsStream("/layer/network-b11d4d2.zip")) {
            return ModelSerializer.restoreMultiLayerNetwork(Objects.requireNonNull(file), true);
        }
    }

    @Test
    void itComputesTheSameAndTrainsOn() throws IOException {
        MultiLayerNetwork network = network();
        INDArray x = Nd4j.create(DataType.DOUBLE, 1, 6, 4);
        INDArray labels = Nd4j.zeros(DataType.DOUBLE, 1, 3, 4);
        for (int t = 0; t < 4; t++) {
            labels.putScalar(new int[] {0, 2 * t % 3, t}, 1);
            for (int d = 0; d < 6; d++) {
                x.putScalar(new int[] {0, d, t}, Math.sin(1 + d + 6 * t));
            }
        }

        assertThat(network.output(x).dup('c').data().asDouble()).containsExactly(OUTPUT, within(1e-12));
        network.fit(new DataSet(x, labels));
        assertThat(network.output(x).dup('c').data().asDouble()).containsExactly(AFTER_A_STEP, within(1e-12));
    }

    @Test
    void whatItDoesNotSayMeansWhatItMeantThen() throws IOException {
        MatrixMixerLayer mamba2 =
                (MatrixMixerLayer) network().getLayer(0).conf().getLayer();
        MatrixMixerLayer attention =
                (MatrixMixerLayer) network().getLayer(1).conf().getLayer();

        assertThat(mamba2.mixerConfig()).isEqualTo(new DiscreteMamba2.Config(6, 6, 2, 1, 3, 3, 2));
        assertThat(mamba2.getIUpdater()).isEqualTo(new AdamW(new CosineSchedule(1e-2, 1, 8, 0.1), 0.9, 0.95, 1e-8));
        assertThat(attention.mixerConfig())
                .isEqualTo(new SoftmaxAttention.Config(
                        6, 3, 3, 2, Biases.ALL, new RotaryConfig(2, 100), Optional.empty()));
    }

    @ParameterizedTest
    @ValueSource(strings = {"width", "ropeTheta"})
    void whatNeverHadAMeaningIsStillMissed(String key) {
        Map<String, Object> values = new LinkedHashMap<>(Map.of(
                "type",
                "SoftmaxAttention",
                "width",
                6,
                "heads",
                3,
                "keyValueHeads",
                3,
                "rotaryDim",
                2,
                "ropeTheta",
                9.0));
        assertThat(MixerDescription.parse("a layer", values)).isInstanceOf(SoftmaxAttention.Config.class);
        values.remove(key);

        assertThatThrownBy(() -> MixerDescription.parse("a layer", values))
                .isInstanceOf(InvalidInputException.class)
                .hasMessageContaining("expected " + key)
                .hasMessageEndingWith("found none");
    }

    @Test
    void whatAnAttentionRefusesIsRefusedInTheLayersName() {
        Map<String, Object> values = Map.of(
                "type",
                "SoftmaxAttention",
                "width",
                6,
                "heads",
                4,
                "keyValueHeads",
                4,
                "rotaryDim",
                2,
                "ropeTheta",
                9.0);

        assertThatThrownBy(() -> MixerDescription.parse("a layer", values))
                .isInstanceOf(InvalidInputException.class)
                .hasMessage("a layer: attention of width 6: 4 heads and 4 key/value heads do not divide it");
    }
}
