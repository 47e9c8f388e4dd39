package org.mohawk4j.dl4j.layer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.LongFunction;
import java.util.random.RandomGenerator;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.deeplearning4j.nn.conf.BackpropType;
import org.deeplearning4j.nn.conf.MultiLayerConfiguration;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.deeplearning4j.nn.conf.inputs.InputType;
import org.deeplearning4j.nn.conf.layers.RnnOutputLayer;
import org.deeplearning4j.nn.conf.layers.recurrent.Bidirectional;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.deeplearning4j.nn.transferlearning.FineTuneConfiguration;
import org.deeplearning4j.nn.transferlearning.TransferLearning;
import org.deeplearning4j.nn.weights.WeightInit;
import org.junit.jupiter.api.Test;
import org.mohawk4j.InvalidInputException;
import org.mohawk4j.dl4j.layer.Networks.Kind;
import org.mohawk4j.mixer.CausalLinearAttention;
import org.mohawk4j.mixer.DiscreteMamba2;
import org.mohawk4j.mixer.MatrixMixer;
import org.mohawk4j.mixer.MixerConfig;
import org.mohawk4j.mixer.SoftmaxAttention;
import org.mohawk4j.mixer.SoftmaxAttention.Biases;
import org.mohawk4j.mixer.SoftmaxAttention.QueryKeyNorm;
import org.mohawk4j.nn.RopeScaling;
import org.mohawk4j.nn.RotaryConfig;
import org.mohawk4j.tensor.Engine;
import org.nd4j.linalg.activations.Activation;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.DataSet;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.indexing.NDArrayIndex;
import org.nd4j.linalg.learning.config.Adam;
import org.nd4j.linalg.learning.config.IUpdater;
import org.nd4j.linalg.learning.config.NoOp;
import org.nd4j.linalg.learning.config.Sgd;
import org.nd4j.linalg.lossfunctions.LossFunctions.LossFunction;

class MatrixMixerLayerUseTest {
    private static final int TIME = 4;

    /** A mixer's configuration that this project does not know. */
    record Foreign(long width, boolean flag, String word, double number) implements MixerConfig {
        @Override
        public int heads() {
            return 2;
        }

        @Override
        public MatrixMixer create(Engine engine, RandomGenerator random) {
            return new CausalLinearAttention.Config(width, 2, 2, 2).create(engine, random);
        }
    }

    @Test
    void aMixerOfOnesOwnGoesThroughJson() {
        MatrixMixerLayer layer = new MatrixMixerLayer.Builder()
                .mixer(new Foreign(Networks.WIDTH, true, "x", 0.5))
                .build();
        MultiLayerConfiguration configuration = Networks.configuration(layer, DataType.FLOAT, new Sgd(0.1));

        MultiLayerConfiguration restored = MultiLayerConfiguration.fromJson(configuration.toJson());

        assertThat(((MatrixMixerLayer) restored.getConf(0).getLayer()).mixerConfig())
                .isEqualTo(new Foreign(Networks.WIDTH, true, "x", 0.5));
        new MultiLayerNetwork(restored).init();
    }

    @Test
    void allThatAnAttentionMayHaveGoesThroughJson() {
        QueryKeyNorm norm = new QueryKeyNorm(1e-5, true, false);
        for (RopeScaling scaling : List.of(
                new RopeScaling.None(),
                new RopeScaling.Linear(2),
                new RopeScaling.Llama3(8, 1, 4, 16),
                new RopeScaling.Yarn(4, 32, 1, true, 16, 1.1),
                new RopeScaling.LongRope(List.of(1.0, 2.5), List.of(2.0, 5.0), 16, 1.2))) {
            SoftmaxAttention.Config attention = new SoftmaxAttention.Config(
                    Networks.WIDTH,
                    4,
                    2,
                    6,
                    Biases.NONE,
                    new RotaryConfig(4, 100, scaling),
                    Optional.of(norm).filter(n -> scaling instanceof RopeScaling.Linear));
            MatrixMixerLayer layer =
                    new MatrixMixerLayer.Builder().mixer(attention).build();
            MultiLayerConfiguration configuration = Networks.configuration(layer, DataType.FLOAT, new Sgd(0.1));

            MultiLayerConfiguration restored = MultiLayerConfiguration.fromJson(configuration.toJson());

            assertThat(((MatrixMixerLayer) restored.getConf(0).getLayer()).mixerConfig())
                    .isEqualTo(attention);
        }
    }

    @Test
    void regularizationIsForMatricesOnly() {
        MixerParameters parameters = new MatrixMixerLayer.Builder()
                .mixer(Kind.MAMBA2.mixer(Networks.WIDTH))
                .build()
                .initializer();

        assertThat(parameters.weightKeys(null)).containsExactly("inProj.W", "conv1d.W", "outProj.W");
        assertThat(parameters.biasKeys(null)).containsExactly("zBias", "D", "conv1d.b");
    }

    @Test
    void aSeedGivesTheSameNetworkAndLayersOfTheirOwn() {
        INDArray first = twoMixers(new Sgd(0.1)).params();
        MultiLayerNetwork again = twoMixers(new Sgd(0.1));

        assertThat(again.params()).isEqualTo(first);
        assertThat(again.getParam("0_inProj.W")).isNotEqualTo(again.getParam("1_inProj.W"));
    }

    @Test
    void transferLearningFreezesAMixerAndTrainsTheRest() {
        MultiLayerNetwork network = new TransferLearning.Builder(twoMixers(new Sgd(0.1)))
                .fineTuneConfiguration(new FineTuneConfiguration.Builder()
                        .updater(new Adam(0.05))
                        .build())
                .setFeatureExtractor(0)
                .nOutReplace(2, 2, WeightInit.XAVIER)
                .build();
        INDArray frozen = network.getParam("0_inProj.W").dup();
        INDArray trained = network.getParam("1_inProj.W").dup();
        INDArray labels = Nd4j.zeros(DataType.FLOAT, 2, 2, TIME);
        labels.get(NDArrayIndex.all(), NDArrayIndex.point(0)).assign(1);

        network.fit(new DataSet(Networks.input(DataType.FLOAT, 2, TIME), labels));

        assertThat(network.getParam("0_inProj.W")).isEqualTo(frozen);
        assertThat(network.getParam("1_inProj.W")).isNotEqualTo(trained);
    }

    @Test
    void twoDirectionsMakeAMixerSeeTheFuture() {
        MultiLayerConfiguration configuration = new NeuralNetConfiguration.Builder()
                .updater(new NoOp())
                .list()
                .layer(new Bidirectional(Bidirectional.Mode.CONCAT, Kind.LINEAR_ATTENTION.layer()))
                .layer(new RnnOutputLayer.Builder(LossFunction.MSE)
                        .nOut(2)
                        .activation(Activation.IDENTITY)
                        .build())
                .setInputType(InputType.recurrent(Networks.WIDTH))
                .build();
        MultiLayerNetwork network = new MultiLayerNetwork(configuration);
        network.init();
        INDArray input = Networks.input(DataType.FLOAT, 1, TIME);
        INDArray before = network.output(input).dup();
        input.putScalar(0, 0, TIME - 1, 5);

        INDArray change = network.output(input).sub(before);

        assertThat(Math.abs(change.getDouble(0, 0, 0))).isGreaterThan(1e-4);
    }

    @Test
    void trainingForLongHoldsNoMoreMemoryThanAStep() {
        MultiLayerNetwork network = twoMixers(new Adam(1e-3));
        DataSet data = new DataSet(Networks.input(DataType.FLOAT, 2, TIME), Networks.labels(DataType.FLOAT, 2, TIME));
        MixerHost host = ((MatrixMixerLayerImpl) network.getLayer(0)).host();
        network.fit(data);
        long live = host.engine().backend().memory().liveBytes();

        for (int i = 0; i < 20; i++) {
            network.fit(data);
            network.output(data.getFeatures());
        }

        assertThat(host.engine().backend().memory().liveBytes()).isEqualTo(live);
    }

    @Test
    void badInputIsOneLineThatNamesTheLayerAndTheFigures() {
        refused(
                "layer 'mix': Mamba-2 mixer of width 6: 4 heads and 4 groups do not divide it",
                () -> network(width -> new DiscreteMamba2.Config(width, 4, 4, 2, 2, 2)));
        refused(
                "layer 'mix': CausalLinearAttention of width 6: 5 heads do not divide it",
                () -> network(width -> new CausalLinearAttention.Config(width, 5, 2, 2)));
        refused(
                "layer 'mix': expected an input of the mixer's width 8, found 6",
                () -> network(width -> Kind.TOEPLITZ.mixer(8), 8));
        refused(
                "layer 'mix': expected nOut to be the width of its input 8, or not to be given, found 16",
                () -> mixer().nIn(8).nOut(16).build());
        refused(
                "layer 'mix': expected nOut to be the width of its input 8, or not to be given, found 16",
                () -> mixer().nOut(16).build().setNIn(InputType.recurrent(8), true));
        assertThat(mixer().nIn(8).nOut(8).build().getNOut()).isEqualTo(8);
        refused(
                "layer 'mix': expected an input of [B, 6, T], found [2, 5, 4]",
                () -> network(Kind.TOEPLITZ::mixer).output(Nd4j.ones(DataType.FLOAT, 2, 5, TIME)));
        refused("layer 'mix': expected a mask of shape [2, 4] for 2 sequences of 4 steps, found [2, 3]", () -> {
            MultiLayerNetwork network = network(Kind.TOEPLITZ::mixer);
            network.setLayerMaskArrays(Nd4j.ones(2, 3), null);
            network.feedForward(Networks.input(DataType.FLOAT, 2, TIME));
        });
        refused(
                "layer 'mix': expected a network of FLOAT or DOUBLE, found HALF",
                () -> Networks.network(Kind.MAMBA2.layer(), DataType.FLOAT16, new NoOp()));
        refused("layer 'mix': expected the next steps of 2 sequences, found 1", () -> {
            MultiLayerNetwork network = network(Kind.MAMBA2::mixer);
            network.rnnTimeStep(Networks.input(DataType.FLOAT, 2, 1));
            network.rnnTimeStep(Networks.input(DataType.FLOAT, 1, 1));
        });
    }

    @Test
    void badJsonIsOneLineThatNamesTheLayerAndTheFigures() {
        refused(
                "layer 'mix': expected a mixer of [CausalLinearAttention, DiscreteMamba2, SoftmaxAttention, Toeplitz]"
                        + " or the class name of a MixerConfig record on the class path, found Mamba3",
                () -> edited("\"DiscreteMamba2\"", "\"Mamba3\""));
        refused(
                "layer 'mix': expected a mixer of [CausalLinearAttention, DiscreteMamba2, SoftmaxAttention, Toeplitz]"
                        + " or the class name of a MixerConfig record on the class path, found java.lang.String",
                () -> edited("\"DiscreteMamba2\"", "\"java.lang.String\""));
        refused(
                "layer 'mix': Mamba-2 mixer of width 6: 5 heads and 1 groups do not divide it",
                () -> edited("\"heads\" : 2", "\"heads\" : 5"));
        refused(
                "layer 'mix', mixer DiscreteMamba2: expected heads, a value of type int, found 2.5",
                () -> edited("\"heads\" : 2", "\"heads\" : 2.5"));
        refused(
                "layer 'mix', mixer DiscreteMamba2: expected [width, innerWidth, heads, groups, stateSize, convWidth, chunk],"
                        + " found also [color]",
                () -> edited("\"heads\" : 2", "\"heads\" : 2, \"color\" : 1"));
    }

    @Test
    void truncatedBackpropagationIsRefused() {
        MultiLayerConfiguration configuration =
                Networks.configuration(Kind.MAMBA2.layer(), DataType.FLOAT, new Sgd(0.1));
        configuration.setBackpropType(BackpropType.TruncatedBPTT);
        configuration.setTbpttFwdLength(2);
        configuration.setTbpttBackLength(2);
        MultiLayerNetwork network = new MultiLayerNetwork(configuration);
        network.init();

        assertThatThrownBy(() ->
                        network.fit(Networks.input(DataType.FLOAT, 2, TIME), Networks.labels(DataType.FLOAT, 2, TIME)))
                .isInstanceOf(UnsupportedOperationException.class)
                .hasMessage("layer 'mix': a mixer is trained on whole sequences: expected BackpropType.Standard, found"
                        + " TruncatedBPTT");
    }

    @Test
    void aStateIsNotTakenOutSilently() {
        MultiLayerNetwork network = network(Kind.MAMBA2::mixer);
        assertThat(network.rnnGetPreviousState(0)).isEqualTo(Map.of());

        network.rnnTimeStep(Networks.input(DataType.FLOAT, 1, 1));

        assertThatThrownBy(() -> network.rnnGetPreviousState(0)).isInstanceOf(UnsupportedOperationException.class);
    }

    private static MultiLayerNetwork network(LongFunction<MixerConfig> mixer) {
        return network(mixer, 0);
    }

    private static MultiLayerNetwork network(LongFunction<MixerConfig> mixer, int width) {
        return Networks.network(
                new MatrixMixerLayer.Builder()
                        .name("mix")
                        .nIn(width)
                        .mixer(mixer)
                        .build(),
                DataType.FLOAT,
                new NoOp());
    }

    private static MultiLayerNetwork twoMixers(IUpdater updater) {
        MultiLayerNetwork network = new MultiLayerNetwork(new NeuralNetConfiguration.Builder()
                .seed(1)
                .updater(updater)
                .list()
                .layer(Kind.MAMBA2.layer())
                .layer(Kind.MAMBA2.layer())
                .layer(new RnnOutputLayer.Builder(LossFunction.MCXENT)
                        .nOut(Networks.CLASSES)
                        .activation(Activation.SOFTMAX)
                        .build())
                .setInputType(InputType.recurrent(Networks.WIDTH))
                .build());
        network.init();
        return network;
    }

    private static void edited(String part, String replacement) {
        String json = Networks.configuration(Kind.MAMBA2.layer(), DataType.FLOAT, new NoOp())
                .toJson();
        assertThat(json).contains(part);
        new MultiLayerNetwork(MultiLayerConfiguration.fromJson(json.replace(part, replacement))).init();
    }

    private static MatrixMixerLayer.Builder mixer() {
        return new MatrixMixerLayer.Builder().name("mix").mixer(Kind.TOEPLITZ::mixer);
    }

    private static void refused(String message, ThrowingCallable action) {
        assertThatThrownBy(action)
                .isInstanceOf(InvalidInputException.class)
                .hasMessageStartingWith(message)
                .hasMessageNotContaining("\n");
    }
}
