package org.mohawk4j.dl4j.layer;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Path;
import org.deeplearning4j.gradientcheck.GradientCheckUtil;
import org.deeplearning4j.nn.conf.ComputationGraphConfiguration;
import org.deeplearning4j.nn.conf.MultiLayerConfiguration;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.deeplearning4j.nn.conf.RNNFormat;
import org.deeplearning4j.nn.conf.graph.ElementWiseVertex;
import org.deeplearning4j.nn.conf.inputs.InputType;
import org.deeplearning4j.nn.conf.layers.RnnOutputLayer;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.deeplearning4j.util.ModelSerializer;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.mohawk4j.dl4j.layer.Networks.Kind;
import org.nd4j.linalg.activations.Activation;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.DataSet;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.indexing.NDArrayIndex;
import org.nd4j.linalg.learning.config.Adam;
import org.nd4j.linalg.learning.config.NoOp;
import org.nd4j.linalg.lossfunctions.LossFunctions.LossFunction;

class MatrixMixerLayerTest {
    private static final int TIME = 5;

    /** Elements of each parameter, where another test has checked all of the layer's own. */
    private static final int SOME = 6;

    @TempDir
    private Path folder;

    /** DL4J's gradient check wants the process's default types to be double. */
    @BeforeAll
    static void inDouble() {
        Nd4j.setDefaultDataTypes(DataType.DOUBLE, DataType.DOUBLE);
    }

    @AfterAll
    static void inFloat() {
        Nd4j.setDefaultDataTypes(DataType.FLOAT, DataType.FLOAT);
    }

    @ParameterizedTest
    @EnumSource
    void gradientsAgreeWithFiniteDifferences(Kind kind) {
        MultiLayerNetwork network = Networks.network(kind.layer(), DataType.DOUBLE, new NoOp());
        perturb(network.params());

        assertThat(GradientCheckUtil.checkGradients(new GradientCheckUtil.MLNConfig()
                        .net(network)
                        .input(Networks.input(DataType.DOUBLE, 2, TIME))
                        .labels(Networks.labels(DataType.DOUBLE, 2, TIME))))
                .isTrue();
    }

    @ParameterizedTest
    @EnumSource
    void gradientsAgreeWhereStepsAreMasked(Kind kind) {
        MultiLayerNetwork network = Networks.network(kind.layer(), DataType.DOUBLE, new NoOp());
        perturb(network.params());
        INDArray mask = Nd4j.createFromArray(new double[][] {{0, 1, 1, 0, 1}, {1, 1, 1, 0, 0}});

        assertThat(GradientCheckUtil.checkGradients(new GradientCheckUtil.MLNConfig()
                        .net(network)
                        .input(Networks.input(DataType.DOUBLE, 2, TIME))
                        .labels(Networks.labels(DataType.DOUBLE, 2, TIME))
                        .inputMask(mask)
                        .labelMask(mask)
                        .subset(true)
                        .maxPerParam(SOME)))
                .isTrue();
    }

    @Test
    void gradientsAgreeInAGraphWithAResidualPath() {
        ComputationGraphConfiguration configuration = new NeuralNetConfiguration.Builder()
                .seed(3)
                .dataType(DataType.DOUBLE)
                .updater(new NoOp())
                .graphBuilder()
                .addInputs("in")
                .addLayer("first", Kind.MAMBA2.layer(), "in")
                .addVertex("sum", new ElementWiseVertex(ElementWiseVertex.Op.Add), "in", "first")
                .addLayer("second", Kind.ATTENTION.layer(), "sum")
                .addLayer(
                        "out",
                        new RnnOutputLayer.Builder(LossFunction.MCXENT)
                                .nOut(Networks.CLASSES)
                                .activation(Activation.SOFTMAX)
                                .build(),
                        "second")
                .setOutputs("out")
                .setInputTypes(InputType.recurrent(Networks.WIDTH))
                .build();
        ComputationGraph graph = new ComputationGraph(ComputationGraphConfiguration.fromJson(configuration.toJson()));
        graph.init();
        perturb(graph.params());

        assertThat(graph.paramTable())
                .containsKeys("first_inProj.W", "first_zBias", "first_conv1d.b", "second_dense.b");
        assertThat(graph.getParam("first_conv1d.W").shape()).containsExactly(12, 1, 3);
        assertThat(GradientCheckUtil.checkGradients(new GradientCheckUtil.GraphConfig()
                        .net(graph)
                        .inputs(new INDArray[] {Networks.input(DataType.DOUBLE, 2, TIME)})
                        .labels(new INDArray[] {Networks.labels(DataType.DOUBLE, 2, TIME)})
                        .subset(true)
                        .maxPerParam(SOME)))
                .isTrue();
    }

    @ParameterizedTest
    @EnumSource
    void maskedStepsAreAsIfTheyWereNotThere(Kind kind) {
        MultiLayerNetwork network = Networks.network(kind.layer(), DataType.DOUBLE, new NoOp());
        perturb(network.params());
        INDArray present = Networks.input(DataType.DOUBLE, 1, 3);
        INDArray padded = Nd4j.ones(DataType.DOUBLE, 1, Networks.WIDTH, TIME).muli(9);
        int[] places = {1, 2, 4};
        for (int i = 0; i < places.length; i++) {
            padded.get(NDArrayIndex.all(), NDArrayIndex.all(), NDArrayIndex.point(places[i]))
                    .assign(present.get(NDArrayIndex.all(), NDArrayIndex.all(), NDArrayIndex.point(i)));
        }
        INDArray alone = network.feedForward(present).get(1);

        network.setLayerMaskArrays(Nd4j.createFromArray(new double[][] {{0, 1, 1, 0, 1}}), null);
        INDArray masked = network.feedForward(padded).get(1);

        assertThat(masked.get(NDArrayIndex.all(), NDArrayIndex.all(), NDArrayIndex.indices(0, 3))
                        .amaxNumber()
                        .doubleValue())
                .isZero();
        assertThat(masked.get(NDArrayIndex.all(), NDArrayIndex.all(), NDArrayIndex.indices(1, 2, 4))
                        .equalsWithEps(alone, 1e-12))
                .isTrue();
    }

    @ParameterizedTest
    @EnumSource
    void stepByStepIsAsAllAtOnce(Kind kind) {
        MultiLayerNetwork network = Networks.network(kind.layer(), DataType.DOUBLE, new NoOp());
        perturb(network.params());
        INDArray input = Networks.input(DataType.DOUBLE, 2, TIME);
        INDArray whole = network.output(input);

        for (int round = 0; round < 2; round++) {
            network.rnnClearPreviousState();
            INDArray first = network.rnnTimeStep(interval(input, 0, 2));
            INDArray rest = network.rnnTimeStep(interval(input, 2, TIME));
            assertThat(Nd4j.concat(2, first, rest).equalsWithEps(whole, 1e-12)).isTrue();
        }
    }

    @Test
    void channelsLastGivesTheSame() {
        MultiLayerNetwork first = Networks.network(Kind.MAMBA2.layer(), DataType.DOUBLE, new NoOp());
        MultiLayerNetwork last = new MultiLayerNetwork(Networks.configuration(
                new MatrixMixerLayer.Builder()
                        .dataFormat(RNNFormat.NWC)
                        .mixer(((MatrixMixerLayer) first.getLayer(0).conf().getLayer()).mixerConfig())
                        .build(),
                DataType.DOUBLE,
                new NoOp(),
                RNNFormat.NWC));
        last.init();
        last.setParams(first.params());
        INDArray input = Networks.input(DataType.DOUBLE, 2, TIME);

        assertThat(last.output(input.permute(0, 2, 1).dup()).permute(0, 2, 1).equalsWithEps(first.output(input), 1e-12))
                .isTrue();
    }

    @ParameterizedTest
    @EnumSource
    void aRestoredNetworkGivesTheSameBitsAndTrainsOnAsIfNothingHadHappened(Kind kind) throws IOException {
        DataSet data = new DataSet(Networks.input(DataType.FLOAT, 3, TIME), Networks.labels(DataType.FLOAT, 3, TIME));
        MultiLayerNetwork network = Networks.network(kind.layer(), DataType.FLOAT, new Adam(1e-2));
        double start = network.score(data);
        for (int i = 0; i < 3; i++) {
            network.fit(data);
        }
        Path file = folder.resolve("network.zip");
        ModelSerializer.writeModel(network, file.toFile(), true);

        MultiLayerNetwork restored = ModelSerializer.restoreMultiLayerNetwork(file.toFile(), true);

        assertThat(numbers(restored.output(data.getFeatures())))
                .containsExactly(numbers(network.output(data.getFeatures())));
        for (int i = 0; i < 3; i++) {
            network.fit(data);
            restored.fit(data);
        }
        assertThat(numbers(restored.params())).containsExactly(numbers(network.params()));
        assertThat(network.score(data)).isLessThan(start);
    }

    @ParameterizedTest
    @EnumSource
    void configurationsSurviveJsonAndCloning(Kind kind) {
        MultiLayerConfiguration configuration = Networks.configuration(kind.layer(), DataType.FLOAT, new Adam(1e-3));

        assertThat(MultiLayerConfiguration.fromJson(configuration.toJson())).isEqualTo(configuration);
        assertThat(MultiLayerConfiguration.fromYaml(configuration.toYaml())).isEqualTo(configuration);
        assertThat(configuration.clone()).isEqualTo(configuration);
    }

    /** Away from the values that mixers start with, where many gradients are zero. */
    private static void perturb(INDArray params) {
        Nd4j.getRandom().setSeed(5);
        params.addi(Nd4j.rand(params.dataType(), params.shape()).subi(0.5).muli(0.6));
    }

    private static float[] numbers(INDArray array) {
        return array.dup('c').data().asFloat();
    }

    private static INDArray interval(INDArray array, int from, int to) {
        return array.get(NDArrayIndex.all(), NDArrayIndex.all(), NDArrayIndex.interval(from, to));
    }
}
